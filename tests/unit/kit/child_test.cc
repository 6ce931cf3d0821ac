// What becomes of a child process, and how it is told.
#include "host/kit/child.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "host/cli/system_clock.h"

namespace mimus::kit {
namespace {

ChildEnd shell(const char* script, std::chrono::milliseconds timeout = std::chrono::seconds(60)) {
  const auto end = run_child({.program = "/bin/sh",
                              .arguments = {"-c", script},
                              .input = "given\n",
                              .timeout = timeout,
                              .lent = -1});
  EXPECT_TRUE(end);
  return end ? *end : ChildEnd{};
}

TEST(Child, LeavesWithItsCode) {
  const ChildEnd end = shell("exit 3");
  EXPECT_EQ(end.how, ChildEnd::How::left);
  EXPECT_EQ(end.number, 3);
}

TEST(Child, IsGivenItsInputAndHeard) {
  EXPECT_EQ(shell("read x; echo \"$x\" heard; echo too >&2").said, "given heard\ntoo\n");
}

TEST(Child, IsHeardAtItsEndOnly) {
  const ChildEnd end = shell("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done");
  EXPECT_LE(end.said.size(), 2048u);
  EXPECT_TRUE(end.said.ends_with("line 2999\n"));
}

TEST(Child, DiesAtTheDeadline) {
  const ChildEnd end =
      shell("read x; read y < /dev/tty; exec tail -f /dev/null", std::chrono::milliseconds(200));
  EXPECT_EQ(end.how, ChildEnd::How::hung);
}

/// Others that have the CPU on which the calling thread, and what it starts, is from now on.
class Crowd {
 public:
  Crowd() {
    ::sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(::sched_getcpu(), &one);
    ::sched_setaffinity(0, sizeof one, &one);
    for (std::thread& each : threads_) {
      each = std::thread([this] {
        while (!done_) {
        }
      });
    }
  }
  ~Crowd() {
    done_ = true;
    for (std::thread& each : threads_) each.join();
    ::sched_setaffinity(0, sizeof before_, &before_);
  }

 private:
  cpu_set_t before_;
  std::atomic<bool> done_{false};
  std::thread threads_[4];
};

TEST(Child, HasItsTimeOnABusyMachine) {
  const SystemClock clock;
  const auto began = clock.now();
  const char* const work = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
  ASSERT_EQ(shell(work).how, ChildEnd::How::left);
  const auto alone = clock.now() - began;
  const Crowd crowd;
  EXPECT_EQ(shell(work, std::chrono::ceil<std::chrono::milliseconds>(2 * alone)).how, ChildEnd::How::left);
  EXPECT_EQ(shell("exec tail -f /dev/null", std::chrono::milliseconds(200)).how, ChildEnd::How::hung);
  EXPECT_EQ(shell("while :; do :; done", std::chrono::milliseconds(20)).how, ChildEnd::How::hung);
}

TEST(Child, IsNotWaitedForByTheOutputOfItsOwnChildren) {
  const ChildEnd end = shell("tail -f /dev/null & echo $!");
  EXPECT_EQ(end.how, ChildEnd::How::left);
  EXPECT_EQ(shell(("kill " + end.said).c_str()).number, 0);
}

TEST(Child, InheritsNothingButItsOwn) {
  EXPECT_EQ(shell("ls /proc/self/fd | tr '\\n' ' '").said, "0 1 2 3 4 ");  // 4 is what ls reads
}

TEST(Child, IsToldWithItsSignal) {
  const ChildEnd end = shell("kill -SEGV $$");
  EXPECT_EQ(end.how, ChildEnd::How::crashed);
  EXPECT_EQ(told(end, std::chrono::seconds(5)), "crashed with SIGSEGV in the start of the child process");
}

TEST(OneLine, HasNoControlCharacters) {
  EXPECT_EQ(one_line("a\n\n\tb\x1b[31m \n"), "a b [31m");
  EXPECT_EQ(one_line(std::string(50, 'x') + "end", 6), "…xxxend");
}

}  // namespace
}  // namespace mimus::kit
