// Loop: events, timers, posts and deferred work, on a clock that moves only when told to.
#include "host/net/loop.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace mimus {
namespace {

using std::chrono::milliseconds;

struct Job : Post {
  explicit Job(std::function<void()> what) : work(std::move(what)) {
    run = [](Post& post) { static_cast<Job&>(post).work(); };
  }
  std::function<void()> work;
};

struct Alarm : Timer {
  explicit Alarm(std::function<void()> what) : work(std::move(what)) {
    fire = [](Timer& timer) { static_cast<Alarm&>(timer).work(); };
  }
  std::function<void()> work;
};

struct Handler : FdHandler {
  explicit Handler(std::function<void(Ready)> what) : work(std::move(what)) {}
  void on_ready(Ready ready) override { work(ready); }
  std::function<void(Ready)> work;
};

struct Pair {
  Pair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0); }
  ~Pair() {
    for (const int fd : fds) ::close(fd);
  }
  void wake() { EXPECT_EQ(::write(fds[1], "x", 1), 1); }
  int fds[2];
};

class ALoop : public ::testing::Test {
 protected:
  /// Runs it until what was posted by now has run.
  void run() {
    Job stop([this] { loop.stop(); });
    loop.post(stop);
    loop.run();
  }

  FakeClock clock;
  Loop loop{7, clock};
};

TEST_F(ALoop, RunsTimersInTheOrderTheyAreDue) {
  std::string order;
  Alarm late([&] {
    order += "late ";
    loop.stop();
  });
  Alarm early([&] { order += "early "; });
  Alarm never([&] { order += "never "; });
  loop.arm(late, milliseconds(20));
  loop.arm(never, milliseconds(15));
  loop.arm(early, milliseconds(30));
  loop.arm(early, milliseconds(10));
  loop.disarm(never);
  Job advance([&] { clock.advance(milliseconds(25)); });
  loop.post(advance);
  loop.run();
  EXPECT_EQ(order, "early late ");
  EXPECT_FALSE(early.armed());
}

TEST_F(ALoop, KeepsTheHeapInOrderThroughManyChanges) {
  std::vector<std::int64_t> fired;
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (int i = 0; i < 2000; ++i) {
    alarms.push_back(std::make_unique<Alarm>([&fired, &alarms, i] { fired.push_back(alarms[i]->due_ms); }));
    loop.arm(*alarms.back(), milliseconds((i * 7919) % 1009));
  }
  for (int i = 0; i < 2000; i += 3) loop.disarm(*alarms[i]);
  for (int i = 1; i < 2000; i += 3) loop.arm(*alarms[i], milliseconds((i * 31) % 500));
  Alarm end([&] { loop.stop(); });
  loop.arm(end, milliseconds(2000));
  clock.advance(milliseconds(3000));
  loop.run();
  EXPECT_EQ(fired.size(), 1333u);
  EXPECT_TRUE(std::is_sorted(fired.begin(), fired.end()));
}

TEST_F(ALoop, IsNotHeldByATimerThatArmsItselfForNow) {
  int fired = 0;
  Alarm again([&] {
    if (++fired < 1000) loop.arm(again, milliseconds(0));
  });
  loop.arm(again, milliseconds(0));
  run();
  EXPECT_EQ(fired, 1);
}

TEST_F(ALoop, RunsPostsOfEachThreadInTheirOrder) {
  constexpr int threads = 3, each = 2000;
  std::vector<std::vector<int>> seen(threads);
  std::vector<std::unique_ptr<Job>> jobs;
  int left = threads * each;
  for (int t = 0; t < threads; ++t) {
    for (int i = 0; i < each; ++i) {
      jobs.push_back(std::make_unique<Job>([&, t, i] {
        seen[t].push_back(i);
        if (--left == 0) loop.stop();
      }));
    }
  }
  std::vector<std::thread> posters;
  for (int t = 0; t < threads; ++t) {
    posters.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) loop.post(*jobs[t * each + i]);
    });
  }
  loop.run();
  for (auto& poster : posters) poster.join();
  for (const auto& of_one : seen) {
    ASSERT_EQ(of_one.size(), static_cast<std::size_t>(each));
    EXPECT_TRUE(std::is_sorted(of_one.begin(), of_one.end()));
  }
}

TEST_F(ALoop, RunsPostsMadeFromItsOwnThreadWithoutBeingWoken) {
  Job second([&] { loop.stop(); });
  Job first([&] { loop.post(second); });
  loop.post(first);
  loop.run();
}

TEST_F(ALoop, RunsWhatIsStillPostedWhenItIsDestroyed) {
  int ran = 0;
  Job inner([&] { ++ran; });
  auto ending = std::make_unique<Loop>(0, clock);
  Loop& posted_to = *ending;
  Job outer([&] {
    ++ran;
    posted_to.post(inner);
  });
  ending->post(outer);
  ending.reset();
  EXPECT_EQ(ran, 2);
}

TEST_F(ALoop, ReportsReadabilityAndHangUp) {
  Pair pair;
  std::string seen;
  WatchId id = 0;
  Handler handler([&](Ready ready) {
    char byte;
    if (ready.read && ::read(pair.fds[0], &byte, 1) == 1) {
      seen += "read ";
      ::shutdown(pair.fds[1], SHUT_WR);
    } else if (ready.closed) {
      seen += "closed ";
      loop.unwatch(id);
      loop.stop();
    }
  });
  id = loop.watch(pair.fds[0], Interest::read, handler);
  ASSERT_NE(id, 0u);
  pair.wake();
  loop.run();
  EXPECT_EQ(seen, "read closed ");
}

TEST_F(ALoop, ReportsAnErrorThatPollingHasNoNameForAndDoesNotSpinOnIt) {
  const int nobody = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(nobody, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  socklen_t size = sizeof to;
  ASSERT_EQ(::getsockname(nobody, reinterpret_cast<sockaddr*>(&to), &size), 0);
  const int client = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  ::close(nobody);
  int calls = 0, reason = 0;
  Job stop([&] { loop.stop(); });
  Job turn_after([&] { loop.post(stop); });
  Handler handler([&](Ready ready) {
    ++calls;
    EXPECT_TRUE(ready.error);
    EXPECT_FALSE(ready.read || ready.write || ready.closed || ready.hung_up);
    socklen_t bytes = sizeof reason;
    ::getsockopt(client, SOL_SOCKET, SO_ERROR, &reason, &bytes);  // It tells, and it clears.
    loop.post(turn_after);
  });
  const WatchId id = loop.watch(client, Interest::read, handler);
  ASSERT_EQ(::send(client, "x", 1, 0), 1);
  loop.run();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(reason, ECONNREFUSED);
  loop.unwatch(id);
  ::close(client);
}

TEST_F(ALoop, TellsWhoeverIsPausedThatItsPeerHasGone) {
  const struct {
    const char* name;
    Interest interest;
    bool half;  // The peer only ends its sending.
    bool told;
  } cases[] = {
      {"paused, half-closed", Interest::none, true, true},
      {"paused, gone", Interest::none, false, true},
      {"half-closed before, half-closed", Interest::errors, true, false},
      {"half-closed before, gone", Interest::errors, false, true},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    Loop own(0, clock);
    Pair pair;
    int calls = 0;
    WatchId id = 0;
    Handler handler([&](Ready ready) {
      ++calls;
      EXPECT_TRUE(ready.closed);
      EXPECT_EQ(ready.hung_up, !c.half);
      own.unwatch(id);
    });
    id = own.watch(pair.fds[0], c.interest, handler);
    pair.wake();  // Bytes alone are no news.
    c.half ? ::shutdown(pair.fds[1], SHUT_WR) : ::close(std::exchange(pair.fds[1], -1));
    Job stop([&] { own.stop(); });
    Job turn_after([&] { own.post(stop); });
    own.post(turn_after);
    own.run();
    EXPECT_EQ(calls, c.told ? 1 : 0);
  }
}

TEST_F(ALoop, CallsNoHandlerThatWasUnwatchedDuringTheBatch) {
  Pair one, two;
  WatchId ids[2] = {};
  int calls = 0;
  Handler a([&](Ready) {
    ++calls;
    loop.unwatch(ids[1]);
    loop.unwatch(ids[0]);
  });
  Handler b([&](Ready) {
    ++calls;
    loop.unwatch(ids[0]);
    loop.unwatch(ids[1]);
  });
  ids[0] = loop.watch(one.fds[0], Interest::read, a);
  ids[1] = loop.watch(two.fds[0], Interest::read, b);
  one.wake();
  two.wake();
  run();
  EXPECT_EQ(calls, 1);
}

TEST_F(ALoop, GivesNoEventOfAnOldWatchToTheNewOneInItsSlot) {
  Pair one, two, three;
  int wrong = 0, calls = 0;
  WatchId ids[2] = {};
  Handler fresh([&](Ready) { ++wrong; });
  Handler first([&](Ready) {
    if (++calls > 1) return;
    for (const WatchId id : ids) loop.unwatch(id);
    loop.watch(three.fds[0], Interest::read, fresh);
  });
  ids[0] = loop.watch(one.fds[0], Interest::read, first);
  ids[1] = loop.watch(two.fds[0], Interest::read, first);
  one.wake();
  two.wake();
  run();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(wrong, 0);
}

TEST_F(ALoop, CatchesWhatHandlersTimersAndPostsThrow) {
  std::string reported;
  loop.on_exception([&](const char* what) { reported += std::string(what) + ";"; });
  Pair pair;
  Handler handler([&](Ready) { throw std::runtime_error("handler"); });
  const WatchId id = loop.watch(pair.fds[0], Interest::read, handler);
  pair.wake();
  Alarm alarm([] { throw 5; });
  loop.arm(alarm, milliseconds(0));
  Job post([] { throw std::runtime_error("post"); });
  loop.post(post);
  run();
  EXPECT_EQ(reported, "handler;an exception that is no std::exception;post;");
  loop.unwatch(id);  // Stale by now, and ignored.
}

TEST_F(ALoop, RunsDeferredWorkAfterTheBatch) {
  std::string order;
  Job deferred([&] {
    order += "deferred ";
    loop.stop();
  });
  Job second([&] { order += "second "; });
  Job first([&] {
    loop.defer(deferred);
    order += "first ";
  });
  loop.post(first);
  loop.post(second);
  loop.run();
  EXPECT_EQ(order, "first second deferred ");
}

TEST_F(ALoop, NamesTheLoopOfItsThread) {
  Loop* inside = nullptr;
  Job stop([&] {
    inside = Loop::current();
    loop.stop();
  });
  loop.post(stop);
  EXPECT_EQ(Loop::current(), nullptr);
  loop.run();
  EXPECT_EQ(inside, &loop);
  EXPECT_EQ(Loop::current(), nullptr);
  EXPECT_EQ(loop.index(), 7u);
}

TEST_F(ALoop, RefusesADescriptorThatIsNotOne) {
  Handler handler([](Ready) {});
  EXPECT_EQ(loop.watch(-1, Interest::read, handler), 0u);
}

}  // namespace
}  // namespace mimus
