#include "host/plugin/resume.h"

mimus_resume::mimus_resume(mimus::Loop& loop, Waiter& waiter) : loop_(loop), waiter_(&waiter) {
  Post::run = [](mimus::Post& post) {
    auto& self = static_cast<mimus_resume&>(post);
    self.wake(Woken::resumed);
    self.release();
  };
  Timer::fire = [](mimus::Timer& timer) {
    auto& self = static_cast<mimus_resume&>(timer);
    std::uint8_t expected = held;
    if (self.state_.compare_exchange_strong(expected, fired)) self.wake(Woken::deadline);
  };
}

mimus_resume* mimus_resume::make(mimus::Loop& loop, Waiter& waiter, std::chrono::milliseconds deadline) {
  auto* const made = new mimus_resume(loop, waiter);
  loop.arm(*made, deadline);
  return made;
}

void mimus_resume::release() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

bool mimus_resume::resume() {
  std::uint8_t expected = held;
  if (!state_.compare_exchange_strong(expected, fired)) return false;
  retain();  // the queue's
  loop_.post(*this);
  return true;
}

void mimus_resume::detach() {
  std::uint8_t expected = held;
  state_.compare_exchange_strong(expected, ended);
  if (Timer::armed()) loop_.disarm(*this);
  waiter_ = nullptr;
  release();
}

void mimus_resume::wake(Woken how) {
  if (waiter_ != nullptr) waiter_->on_woken(*this, how);
}
