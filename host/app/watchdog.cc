#include "host/app/watchdog.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "host/cli/log.h"

namespace mimus {
namespace {

constexpr unsigned ticks_to_hang = HangJudge::Limits{}.worker;

}  // namespace

std::optional<std::uint32_t> HangJudge::look(const CrashPage& page) {
  std::optional<std::uint32_t> hanging;
  for (std::size_t i = 0; i < page.crumbs.size(); ++i) {
    const Crumb& crumb = page.crumbs[i];
    const std::uint32_t where = crumb.where.load(std::memory_order_relaxed);
    const std::uint32_t visits = crumb.visits.load(std::memory_order_relaxed);
    Seen& seen = seen_[i];
    const bool worker = crumb.worker.load(std::memory_order_relaxed);
    const bool task = !worker && Crumb::hook_of(where) == Hook::task;
    if (where == 0 || (task && tasks_may_block_) || where != seen.where || visits != seen.visits) {
      seen = {where, visits, 0};
      continue;
    }
    ++seen.ticks;
    if (seen.ticks >= (worker || task ? limits_.worker : limits_.other) && !hanging) hanging = where;
  }
  return hanging;
}

/// Goes round with a worker's loop. Lives as long as the watchdog: a loop may still hold it.
struct Watchdog::Pulse : Post {
  std::atomic<bool> away{false};
  unsigned ticks = 0;  // since it went, or since it came back
};

Watchdog::Watchdog(std::chrono::milliseconds hang) : tick_(hang / ticks_to_hang) {
  thread_ = std::thread([this] { run(); });
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Watchdog::watch(Server& server) {
  const std::lock_guard lock(mutex_);
  server_ = &server;
  while (pulses_.size() < server.workers()) {
    pulses_.push_back(std::make_unique<Pulse>());
    pulses_.back()->run = [](Post& post) { static_cast<Pulse&>(post).away = false; };
  }
}

void Watchdog::unwatch() {
  const std::lock_guard lock(mutex_);
  server_ = nullptr;
}

void Watchdog::leave(int code) {
  const std::lock_guard lock(mutex_);
  judge_.count_tasks();
  leaving_ = code;
}

void Watchdog::go_without(std::uint32_t where) const {
  CrashPage& page = *crash_page();
  const PageImage& image = page.images[Crumb::image_of(where) - 1U];
  log_warn("a task of " + std::string(image.id.data()) + " " + image.version.data() +
           " does not end: the host ends without it");
  page.orderly = true;
  ::_exit(*leaving_);
}

void Watchdog::run() {
  ::pthread_setname_np(::pthread_self(), "watchdog");
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, tick_, [this] { return stopping_; })) {
    if (const CrashPage* const page = crash_page()) {
      if (const auto where = judge_.look(*page)) {
        if (leaving_ && Crumb::hook_of(*where) == Hook::task) go_without(*where);
        log_error("a plugin hangs in " + std::string(hook_name(Crumb::hook_of(*where))) +
                  ": the server ends, to be started again");
        end_by_hang(*where);
      }
    }
    feel_pulses();
  }
}

void Watchdog::feel_pulses() {
  if (server_ == nullptr) return;
  for (std::size_t i = 0; i < pulses_.size(); ++i) {
    Pulse& pulse = *pulses_[i];
    ++pulse.ticks;
    if (pulse.ticks % ticks_to_hang != 0) continue;
    if (pulse.away) {
      log_error("worker " + std::to_string(i) + " has not come round for " +
                std::to_string(tick_.count() * pulse.ticks / 1000) + " s");
      continue;
    }
    pulse.ticks = 0;
    pulse.away = true;
    server_->loop(static_cast<unsigned>(i)).post(pulse);
  }
}

}  // namespace mimus
