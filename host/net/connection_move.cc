// From one worker to another, with all that was read and not handled, and all that was not sent.
#include <utility>

#include "host/net/connection.h"

namespace mimus {

bool Connection::hand_over(unsigned worker) {
  if (!in_head_ || !now_ || now_->begun || worker == commons_->loop.index() || !commons_->peer(worker)) {
    return false;
  }
  std::unique_ptr<Ongoing> ended = std::move(now_);
  commons_->counters.requests.add(-1);
  next_worker_ = worker;
  state_ = State::leaving;
  commons_->service->on_end(ended->exchange);
  commons_->take_back(std::move(ended));
  return true;
}

/// Deferred, so that nobody on this loop is in the middle of something with it. Nothing may be
/// touched once it is posted.
void Connection::depart() {
  commons_->loop.unwatch(std::exchange(watch_, 0));
  commons_->loop.disarm(deadline_);
  commons_->give_away(*this);
  commons_ = commons_->peer(next_worker_);
  state_ = State::arriving;
  turn_queued_ = true;
  commons_->loop.post(turn_post_);
}

void Connection::arrive() {
  commons_->take_in(*this);  // Which may throw, and then it is gone.
  guarded([this] {
    if (state_ == State::dead) return;
    state_ = State::head;
    interest_ = Interest::read;
    watch_ = commons_->loop.watch(fd_, interest_, *this, edges_ ? Trigger::edge : Trigger::level);
    if (watch_ == 0) return lost();
    input_ = in_.view();
    turn();
  });
}

}  // namespace mimus
