// One event loop: Pistache's epoll, a heap of timers and a lock-free stack of posts.
#include "host/net/loop.h"

#include <pistache/os.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <utility>

#include "host/net/timer_heap.h"

namespace mimus {
namespace {

using Pistache::Flags;
using Pistache::Polling::NotifyOn;
using Pistache::Polling::Tag;

constexpr std::size_t batch_size = 1024;  // Pistache's own limit for one poll.
constexpr std::chrono::milliseconds wall_interval{10};
constexpr std::chrono::microseconds wall_tolerance{20};
constexpr std::uint64_t wake_tag = 0;  // Generation 0, which no watch has.

thread_local Loop* current_loop = nullptr;

Flags<NotifyOn> flags_of(Interest interest) {
  Flags<NotifyOn> flags(NotifyOn::Hangup);
  switch (interest) {
    case Interest::none:
      return flags | NotifyOn::Shutdown;
    case Interest::read:
      return flags | NotifyOn::Shutdown | NotifyOn::Read;
    case Interest::write:
      return flags | NotifyOn::Shutdown | NotifyOn::Write;
    case Interest::both:
      return flags | NotifyOn::Shutdown | NotifyOn::Read | NotifyOn::Write;
    case Interest::errors:
      return flags;
    case Interest::write_errors:
      return flags | NotifyOn::Write;
  }
  return flags;
}

Pistache::Polling::Mode mode_of(Trigger trigger) {
  return trigger == Trigger::edge ? Pistache::Polling::Mode::Edge : Pistache::Polling::Mode::Level;
}

Ready ready_of(const Flags<NotifyOn>& flags) {
  Ready ready;
  ready.read = flags.hasFlag(NotifyOn::Read);
  ready.write = flags.hasFlag(NotifyOn::Write);
  ready.hung_up = flags.hasFlag(NotifyOn::Hangup);
  ready.closed = ready.hung_up || flags.hasFlag(NotifyOn::Shutdown);
  ready.error = !ready.read && !ready.write && !ready.closed;
  return ready;
}

}  // namespace

struct Loop::State {
  struct Slot {
    FdHandler* handler = nullptr;  // nullptr: free.
    int fd = -1;
    std::uint32_t generation = 0;
    Interest interest = Interest::none;
    Trigger trigger = Trigger::level;
  };

  State(unsigned index_of_loop, const Clock& c) : index(index_of_loop), clock(c) {
    wake_fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    epoll.addFd(wake_fd, Flags<NotifyOn>(NotifyOn::Read), Tag(wake_tag));
    events.reserve(batch_size);
    tick();
  }
  ~State() { ::close(wake_fd); }

  /// The wall clock is asked now and then only, and counted on from there: the second question
  /// was a hundredth of a busy worker's time.
  void tick() {
    now = clock.now();
    if (now < wall_due) return;
    wall_due = now + wall_interval;
    // A thread that has to wait between the questions would count on from a wrong time, and what
    // it does seem later than what comes of it on another worker: the answers nearest each other count.
    auto nearest = std::chrono::microseconds::max();
    auto before = now;
    for (int tries = 0; tries < 3 && nearest > wall_tolerance; ++tries) {
      const std::int64_t wall_us = clock.wall_us();
      const auto after = clock.now();
      if (after - before < nearest) {
        nearest = after - before;
        wall_offset_us = wall_us - after.count();
      }
      before = after;
    }
  }

  void wake() {
    const std::uint64_t one = 1;
    // Fails only when the counter is full, and then the loop is awake anyway.
    [[maybe_unused]] const auto n = ::write(wake_fd, &one, sizeof one);
  }

  void clear_wake() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto n = ::read(wake_fd, &count, sizeof count);
  }

  Slot* find(WatchId id) {
    const auto slot = static_cast<std::uint32_t>(id);
    if (id == 0 || slot >= slots.size()) return nullptr;
    Slot& found = slots[slot];
    return found.handler && found.generation == id >> 32 ? &found : nullptr;
  }

  void release(Slot& slot) {
    slot.handler = nullptr;
    free_slots.push_back(static_cast<std::uint32_t>(&slot - slots.data()));
  }

  void report(const char* what) {
    if (on_exception) on_exception(what);
  }

  /// Runs `body`; false if an exception came out, which is reported.
  template <class Body>
  bool guarded(Body&& body) {
    try {
      body();
      return true;
    } catch (const std::exception& e) {
      report(e.what());
    } catch (...) {
      report("an exception that is no std::exception");
    }
    return false;
  }

  void run_list(Post* first) {
    while (first) {
      Post* const next = std::exchange(first->next_post, nullptr);
      guarded([&] { first->run(*first); });
      first = next;
    }
  }

  /// The stack of posts, oldest first.
  Post* take_posts() {
    Post* taken = posts.exchange(nullptr, std::memory_order_acquire);
    Post* oldest = nullptr;
    while (taken) {
      Post* const next = taken->next_post;
      taken->next_post = oldest;
      oldest = taken;
      taken = next;
    }
    return oldest;
  }

  void run_deferred() {
    deferred_last = &deferred;
    run_list(std::exchange(deferred, nullptr));
  }

  void fire_timers() {
    const std::int64_t now_ms = now.count() / 1000;
    // Bounded, so that a timer that arms itself for now cannot hold the loop.
    for (std::size_t left = timers.size(); left > 0 && !timers.empty(); --left) {
      if (timers.next_due_ms() > now_ms) return;
      Timer& timer = timers.pop();
      guarded([&] { timer.fire(timer); });
    }
  }

  std::chrono::milliseconds patience() const {
    if (deferred || posts.load(std::memory_order_relaxed)) return std::chrono::milliseconds(0);
    if (timers.empty()) return std::chrono::milliseconds(-1);
    const std::int64_t wait_us = timers.next_due_ms() * 1000 - now.count();
    return std::chrono::milliseconds(std::clamp<std::int64_t>((wait_us + 999) / 1000, 0, 3'600'000));
  }

  void dispatch() {
    for (const auto& event : events) {
      const std::uint64_t id = event.tag.value();
      if (id == wake_tag) {
        clear_wake();
        continue;
      }
      Slot* const slot = find(id);
      if (!slot) continue;
      FdHandler* const handler = slot->handler;
      if (guarded([&] { handler->on_ready(ready_of(event.flags)); })) continue;
      if (Slot* const still = find(id)) {
        guarded([&] { epoll.removeFd(still->fd); });
        release(*still);
      }
    }
  }

  const unsigned index;
  const Clock& clock;
  Pistache::Polling::Epoll epoll;
  int wake_fd = -1;
  std::vector<Pistache::Polling::Event> events;
  std::vector<Slot> slots;
  std::vector<std::uint32_t> free_slots;
  TimerHeap timers;
  std::atomic<std::size_t> armed{0};
  std::atomic<Post*> posts{nullptr};
  Post* deferred = nullptr;
  Post** deferred_last = &deferred;
  std::atomic<bool> stopping{false};
  std::chrono::microseconds now{0};
  std::chrono::microseconds wall_due{INT64_MIN};
  std::int64_t wall_offset_us = 0;
  std::function<void(const char*)> on_exception;
};

Loop::Loop(unsigned index, const Clock& clock) : state_(std::make_unique<State>(index, clock)) {}

Loop::~Loop() {
  // What they post in turn is run as well.
  while (state_->deferred || state_->posts.load(std::memory_order_relaxed)) {
    state_->run_deferred();
    state_->run_list(state_->take_posts());
  }
}

unsigned Loop::index() const { return state_->index; }

void Loop::on_exception(std::function<void(const char*)> report) { state_->on_exception = std::move(report); }

WatchId Loop::watch(int fd, Interest interest, FdHandler& handler, Trigger trigger) {
  State& s = *state_;
  if (s.free_slots.empty()) {
    s.free_slots.push_back(static_cast<std::uint32_t>(s.slots.size()));
    s.slots.emplace_back();
  }
  const std::uint32_t index = s.free_slots.back();
  State::Slot& slot = s.slots[index];
  if (++slot.generation == 0) slot.generation = 1;
  const WatchId id = std::uint64_t{slot.generation} << 32 | index;
  try {
    s.epoll.addFd(fd, flags_of(interest), Tag(id), mode_of(trigger));
  } catch (const std::exception&) {
    return 0;
  }
  s.free_slots.pop_back();
  slot.handler = &handler;
  slot.fd = fd;
  slot.interest = interest;
  slot.trigger = trigger;
  return id;
}

void Loop::rewatch(WatchId id, Interest interest) {
  State::Slot* const slot = state_->find(id);
  if (!slot || slot->interest == interest) return;
  slot->interest = interest;
  state_->guarded(
      [&] { state_->epoll.rearmFd(slot->fd, flags_of(interest), Tag(id), mode_of(slot->trigger)); });
}

void Loop::unwatch(WatchId id) {
  State::Slot* const slot = state_->find(id);
  if (!slot) return;
  state_->guarded([&] { state_->epoll.removeFd(slot->fd); });
  state_->release(*slot);
}

void Loop::forget(WatchId id) {
  if (State::Slot* const slot = state_->find(id)) state_->release(*slot);
}

void Loop::arm(Timer& timer, std::chrono::milliseconds after) {
  state_->timers.put(timer, (state_->now.count() + 999) / 1000 + after.count());
}

void Loop::disarm(Timer& timer) {
  if (timer.armed()) state_->timers.remove(timer);
}

std::size_t Loop::armed() const { return state_->armed.load(std::memory_order_relaxed); }

void Loop::post(Post& work) {
  Post* head = state_->posts.load(std::memory_order_relaxed);
  do {
    work.next_post = head;
  } while (!state_->posts.compare_exchange_weak(head, &work, std::memory_order_release,
                                                std::memory_order_relaxed));
  // Whoever found the stack empty wakes the loop; on its own thread it looks before it waits.
  if (!head && current_loop != this) state_->wake();
}

void Loop::defer(Post& work) {
  work.next_post = nullptr;
  *state_->deferred_last = &work;
  state_->deferred_last = &work.next_post;
}

std::chrono::microseconds Loop::now() const { return state_->now; }

std::int64_t Loop::wall_us() const { return wall_us(state_->now); }

std::int64_t Loop::wall_us(std::chrono::microseconds then) const {
  return then.count() + state_->wall_offset_us;
}

void Loop::run() {
  State& s = *state_;
  Loop* const outer = std::exchange(current_loop, this);
  while (!s.stopping.load(std::memory_order_acquire)) {
    s.events.clear();
    s.guarded([&] { s.epoll.poll(s.events, s.patience()); });
    s.tick();
    s.dispatch();
    s.fire_timers();
    s.run_list(s.take_posts());
    s.run_deferred();
    s.armed.store(s.timers.size(), std::memory_order_relaxed);
  }
  s.stopping.store(false, std::memory_order_relaxed);
  current_loop = outer;
}

void Loop::stop() {
  state_->stopping.store(true, std::memory_order_release);
  if (current_loop != this) state_->wake();
}

Loop* Loop::current() { return current_loop; }

}  // namespace mimus
