// How connections end: refusals, cancellations, time that is over, closing so that the
// client can still read its answer.
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "host/net/connection.h"

namespace mimus {
namespace {

// How long we wait for a client that has its last answer to hang up.
constexpr std::int64_t linger_us = 5'000'000;
constexpr std::int64_t linger_draining_us = 1'000'000;
// A client that was accepted while we were stopping gets this long to say something.
constexpr std::int64_t last_chance_us = 500'000;

}  // namespace

Connection::~Connection() {
  commons_->loop.disarm(deadline_);
  if (state_ == State::dead) return;
  commons_->loop.forget(watch_);
  ::close(fd_);
}

/// In place of whatever the service would have answered, if it has the exchange already;
/// otherwise the caller knows whether the request was a HEAD.
void Connection::refuse(const Refusal& refusal, bool head_only) {
  commons_->counters.count_refusal(refusal.status);
  std::string body = commons_->service->refusal(refusal.status, refusal.detail);
  const std::size_t length = body.size();
  if (now_) {
    Exchange& x = now_->exchange;
    x.refused_with = refusal.status;
    head_only = x.request.method == "HEAD";
    x.response_size = head_only ? 0 : static_cast<std::int64_t>(body.size());
    cancel_exchange();
  }
  if (head_only) body.clear();
  std::vector<Header> headers;
  if (length > 0) headers.push_back({"Content-Type", "application/problem+json"});
  Framing framing;
  framing.body = Framing::Body::length;
  framing.length = static_cast<std::int64_t>(length);
  framing.persistence = Framing::Persistence::close;
  Bytes& to = out();
  append_response_head(to, refusal.status, headers, commons_->date.at(commons_->loop.wall_us()), framing);
  to.append(body);
  keep_alive_ = false;
  linger_ = true;
  input_ = {};
  state_ = State::closing;
}

void Connection::cancel_exchange() {
  if (!now_) return;
  const std::unique_ptr<Ongoing> cancelled = std::move(now_);
  wanted_ = false;
  commons_->service->on_cancel(cancelled->exchange);
  commons_->service->on_end(cancelled->exchange);
}

void Connection::close_gently() {
  if (reset_) {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  } else if (tls_ && !tls_->say_goodbye()) {
    state_ = State::closing;
    after_write(true);
    return settle();
  } else if (!peer_ended_ && (linger_ || !in_.empty() || !body_.ended())) {
    in_.release();
    leave_tls();
    ::shutdown(fd_, SHUT_WR);
    state_ = State::lingering;
    write_deadline_us_ = commons_->loop.now().count() + commons_->limits.write_timeout.count() * 1000;
    linger_on();
    settle();
    return;
  }
  lost();
}

void Connection::linger_on() {
  read_deadline_us_ = commons_->loop.now().count() + (commons_->draining ? linger_draining_us : linger_us);
}

/// Whether the client has room for all that was sent: if not, what it still sends after a close
/// would be answered by a reset, which destroys the rest.
bool Connection::is_delivered() const {
  int left = 0;
  return ::ioctl(fd_, SIOCOUTQ, &left) != 0 || left == 0;
}

void Connection::lost() {
  if (state_ == State::dead) return;
  state_ = State::dead;
  commons_->loop.forget(watch_);
  commons_->loop.disarm(deadline_);
  leave_tls();
  ::close(fd_);
  in_.release();
  out_.release();
  if (!turn_queued_) commons_->bury(*this);
  cancel_exchange();
}

void Connection::cut() {
  try {
    lost();
  } catch (...) {  // The service failed while it was told; the connection is closed all the same.
  }
}

void Connection::bid_farewell() {
  if (!takeover_) return;
  commons_->counters.websockets.add(-1);
  if (taken_started_) takeover_->on_closed();
}

void Connection::drain() {
  if (state_ == State::dead) return;
  guarded([this] {
    if (state_ == State::taken && taken_started_) {
      takeover_->on_drain();
      schedule();
      return;
    }
    // Whoever is not idle, or has not been for long, may be sending: a close that leaves it
    // unread would be a reset, and destroy an answer on its way.
    const std::int64_t idle_since_us = read_deadline_us_ - commons_->limits.keep_alive.count() * 1000;
    linger_ =
        linger_ || state_ != State::head || commons_->loop.now().count() - idle_since_us < linger_draining_us;
    if (state_ != State::head) return;
    read_deadline_us_ = std::min(read_deadline_us_, commons_->loop.now().count() + last_chance_us);
    // A request that is in the kernel already is answered.
    if (wants_input() && receive()) turn();
  });
}

void Connection::set_interest(Interest interest) {
  if (interest == interest_) return;
  interest_ = interest;
  commons_->loop.rewatch(watch_, interest);
}

/// The timer is moved only to come earlier: it finds out for itself, when it fires, that
/// there is more time. A request in time does not touch it.
void Connection::arm_deadline() {
  const std::int64_t due_us = std::min(read_deadline_us_, write_deadline_us_);
  if (due_us == never) return;
  const std::int64_t due_ms = (due_us + 999) / 1000;
  if (deadline_.armed() && deadline_.due_ms <= due_ms) return;
  const std::int64_t now_ms = (commons_->loop.now().count() + 999) / 1000;
  commons_->loop.arm(deadline_, std::chrono::milliseconds(std::max<std::int64_t>(due_ms - now_ms, 0)));
}

void Connection::expire() {
  const std::int64_t now_us = commons_->loop.now().count();
  if (now_us < read_deadline_us_ && now_us < write_deadline_us_) return arm_deadline();
  const bool stuck = now_us >= write_deadline_us_;
  if (state_ == State::lingering && !stuck && !is_delivered()) {
    linger_on();
    return arm_deadline();
  }
  const bool head_came = state_ == State::head && partial_;
  const bool body_awaited = state_ == State::busy && wanted_ && !now_->begun;
  if (state_ != State::lingering) {
    commons_->counters.count(stuck                   ? TimedOut::reader
                             : state_ != State::head ? TimedOut::body
                             : head_came || !served_ ? TimedOut::header
                                                     : TimedOut::next_request);
  }
  if (stuck || !(head_came || body_awaited)) return lost();
  read_deadline_us_ = never;
  refuse({408, head_came ? "the request header took too long" : "the request body took too long"});
  turn();
}

}  // namespace mimus
