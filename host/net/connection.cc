// One turn of a connection: what came in is handled as far as it goes, then all answers
// leave at once.
#include "host/net/connection.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "host/net/request_parser.h"

namespace mimus {
namespace {

// A connection that pipelines more than this lets others go first.
constexpr unsigned max_requests_a_turn = 64;
constexpr std::size_t max_bytes_a_turn = 256 << 10;
// What a takeover is given at once in the beginning, before it is known how much it answers.
constexpr std::size_t first_slice = 256;

}  // namespace

Connection::Connection(Commons& commons, int fd, Origin origin)
    : commons_(&commons), origin_(std::move(origin)), fd_(fd), secure_(origin_.secure), edges_(!secure_) {
  deadline_.owner = this;
  deadline_.fire = [](Timer& timer) {
    Connection& c = *static_cast<Deadline&>(timer).owner;
    c.guarded([&c] { c.expire(); });
  };
  turn_post_.owner = this;
  turn_post_.run = [](Post& post) { static_cast<TurnPost&>(post).owner->run_scheduled(); };
}

bool Connection::start() {
  watch_ = commons_->loop.watch(fd_, Interest::read, *this, edges_ ? Trigger::edge : Trigger::level);
  if (watch_ == 0) return false;
  read_deadline_us_ = commons_->loop.now().count() + commons_->limits.header_timeout.count() * 1000;
  arm_deadline();
  return true;
}

void Connection::on_ready(Ready ready) {
  if (state_ == State::dead) return;
  guarded([&] {
    if (ready.error || (ready.hung_up && !(ready.read && wants_input()))) return lost();
    if (tls_ && tls_->wants_write() && wants_input()) ready.read = ready.read || ready.write;
    if (edges_) {
      hung_up_ = hung_up_ || ready.hung_up;
      peer_closing_ = peer_closing_ || ready.closed;
      unread_ = unread_ || ready.read || ready.closed;
    }
    if (tls_ && tls_->write_wants_read()) {
      input_ = in_.view();
    } else if (ready.read || ready.closed) {
      if (wants_input()) {
        if (!receive()) return;
      } else {
        // What the client sent stays in the kernel until it is its turn.
        peer_closing_ = peer_closing_ || ready.closed;
        if (!edges_) set_interest(peer_closing_ ? Interest::errors : Interest::none);
        input_ = in_.view();
      }
    } else {
      input_ = in_.view();
    }
    turn();
  });
}

bool Connection::wants_input() const {
  switch (state_) {
    case State::head:
      return !yielded_ && !peer_ended_;
    case State::busy:
      return wanted_;
    case State::discard:
    case State::lingering:
      return true;
    case State::taken:
      return takes_input() && in_.empty();
    default:
      return false;
  }
}

/// A takeover is told nothing while it does not want to be, or while its client does not take the
/// answers.
bool Connection::takes_input() const {
  return !paused_ && out_.size() <= commons_->limits.max_write_buffer / 2;
}

bool Connection::receive() {
  if (secure_) return receive_tls();
  ssize_t n = 0;
  do {
    n = ::recv(fd_, commons_->scratch.get(), Commons::scratch_size, 0);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno != EAGAIN) {
    lost();
    return false;
  }
  if (n == 0) peer_ended_ = true;
  // A read that leaves room has emptied the socket; but a hang-up that was told lies behind it.
  unread_ = edges_ && n > 0 && (n == Commons::scratch_size || peer_closing_);
  take_in(n > 0 ? static_cast<std::size_t>(n) : 0);
  return true;
}

/// What came lies in the scratch.
void Connection::take_in(std::size_t size) {
  const std::string_view came{commons_->scratch.get(), size};
  if (size > 0) commons_->counters.bytes_in.add(static_cast<std::int64_t>(size));
  if (size > 0 && in_.empty()) {
    input_ = came;
  } else {
    in_.append(came);
    input_ = in_.view();
  }
}

void Connection::turn() {
  in_turn_ = true;
  yielded_ = false;
  served_this_turn_ = 0;
  slice_ = first_slice;
  while (step()) {
  }
  in_turn_ = false;
  if (state_ == State::dead) return;
  if (overrun_) {  // Also from a takeover that was closing gently.
    if (!cut_ || flush()) lost();
    return;
  }
  keep_rest();
  const bool had_output = !out_.empty();
  if (!flush()) return;
  if (state_ == State::taken && had_output && out_.empty()) takeover_->on_flushed();
  after_flush();
  if (state_ != State::dead) settle();
}

/// True: there may be more to do in this turn.
bool Connection::step() {
  switch (state_) {
    case State::head:
      if (input_.empty() && !peer_ended_) return false;
      if (served_this_turn_ >= max_requests_a_turn || out_.size() > max_bytes_a_turn) {
        yielded_ = true;
        return false;
      }
      return next_request();
    case State::busy:
      if (!wanted_) return false;
      read_body();
      return state_ != State::busy || wanted_ != true;
    case State::discard:
      return drop_body();
    case State::taken:
      return feed_takeover();
    case State::lingering:
      input_ = {};
      if (peer_ended_) lost();
      return false;
    default:
      return false;
  }
}

bool Connection::next_request() {
  const HeadScan::Found found = scan_.scan(input_, commons_->limits);
  if (found == HeadScan::Found::refused) {
    refuse(scan_.refusal());
    return false;
  }
  if (found == HeadScan::Found::more) {
    if (peer_ended_) state_ = State::closing;
    return false;
  }
  const std::string_view input = input_;
  auto ongoing = commons_->lend_ongoing();
  Exchange& x = ongoing->exchange;
  const std::size_t size = scan_.end() - scan_.begin();
  char* const head = static_cast<char*>(x.arena.allocate(size));
  std::memcpy(head, input_.data() + scan_.begin(), size);
  input_.remove_prefix(scan_.end());
  scan_ = HeadScan();
  partial_ = false;
  served_ = true;
  ++served_this_turn_;
  ParsedHead parsed = parse_request_head(head, size, commons_->limits, x.request);
  if (parsed.chunked && !parsed.refusal) {
    body_.start_chunked();
    // Whoever does not ask for the body is still told how much has come, and never meets a bad one.
    BodyReader glance = body_;
    std::string_view rest = input_;
    if (glance.read(rest, nullptr, input_.size()) == BodyReader::State::bad) parsed.refusal = bad_chunks;
    x.request_size = static_cast<std::int64_t>(glance.received());
  }
  if (parsed.refusal) {
    const bool head_only = x.request.method == "HEAD";
    body_ = BodyReader();
    commons_->take_back(std::move(ongoing));
    refuse(parsed.refusal, head_only);
    return false;
  }
  if (!parsed.chunked) {
    body_.start_length(x.request.has_body ? static_cast<std::uint64_t>(x.request.content_length) : 0);
  }
  keep_alive_ = parsed.keep_alive;
  expects_continue_ = parsed.expects_continue && x.request.has_body;
  x.sink = this;
  x.loop = &commons_->loop;
  x.client_ip = origin_.client_ip;
  x.admin_listener = origin_.serves_admin;
  x.public_listener = origin_.serves_public;
  x.started_us = commons_->loop.now().count();
  x.started_wall_us = commons_->loop.wall_us();
  x.serial = ++commons_->next_serial;
  commons_->counters.requests.add();
  now_ = std::move(ongoing);
  state_ = State::busy;
  read_deadline_us_ = never;
  in_head_ = true;
  commons_->service->on_head(x);
  in_head_ = false;
  if (state_ == State::leaving) {
    input_ = input;
    return false;
  }
  return state_ != State::busy || wanted_;
}

bool Connection::drop_body() {
  switch (body_.read(input_, nullptr, drop_limit_)) {
    case BodyReader::State::end:
      state_ = State::head;
      return true;
    case BodyReader::State::more:
      if (peer_ended_) state_ = State::closing;
      return false;
    default:
      linger_ = true;
      state_ = State::closing;
      return false;
  }
}

bool Connection::feed_takeover() {
  if (!taken_started_) {
    taken_started_ = true;
    takeover_->on_start(*wire_);
    if (commons_->draining && state_ == State::taken) takeover_->on_drain();
  } else if (!takes_input() && !overrun_) {
    return false;
  } else if (!input_.empty() && !overrun_) {
    const std::string_view slice = input_.substr(0, slice_);
    const std::size_t before = out_.size();
    input_.remove_prefix(slice.size());
    takeover_->on_bytes(slice);
    slice_ = out_.size() - before > 4 * slice.size() ? first_slice : 2 * slice_;
  } else {
    input_ = {};
    if (peer_ended_ && !overrun_) lost();
    return false;
  }
  return state_ == State::taken;
}

void Connection::keep_rest() {
  if (in_.empty()) {
    if (input_.empty()) return;
    commons_->lend(in_);
    in_.append(input_);
  } else {
    in_.drop_front(in_.size() - input_.size());
    if (in_.empty()) commons_->take_back(in_);
  }
  input_ = {};
}

/// Writes what there is. False: the connection is gone.
bool Connection::flush() {
  std::string_view borrowed = now_ ? now_->borrowed : std::string_view();
  if (out_.empty() && borrowed.empty()) return true;
  if (secure_) return flush_tls();
  ssize_t n = 0;
  do {
    if (borrowed.empty()) {
      n = ::send(fd_, out_.view().data(), out_.size(), MSG_NOSIGNAL);
    } else {
      iovec parts[2] = {{const_cast<char*>(out_.view().data()), out_.size()},
                        {const_cast<char*>(borrowed.data()), borrowed.size()}};
      msghdr message{};
      message.msg_iov = parts;
      message.msg_iovlen = 2;
      n = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    }
  } while (n < 0 && errno == EINTR);
  if (n < 0) {
    if (errno != EAGAIN) {
      lost();
      return false;
    }
    n = 0;
  }
  const std::size_t of_out = std::min(out_.size(), static_cast<std::size_t>(n));
  out_.drop_front(of_out);
  if (!borrowed.empty()) {
    borrowed.remove_prefix(static_cast<std::size_t>(n) - of_out);
    now_->borrowed = borrowed;
  }
  if (n > 0) commons_->counters.bytes_out.add(n);
  after_write(n > 0);
  return true;
}

void Connection::after_write(bool progress) {
  if (out_.empty() && (!now_ || now_->borrowed.empty())) {
    write_deadline_us_ = never;
    commons_->take_back(out_);
  } else if (progress || write_deadline_us_ == never) {
    write_deadline_us_ = commons_->loop.now().count() + commons_->limits.write_timeout.count() * 1000;
  }
}

void Connection::after_flush() {
  const bool all_out = out_.empty();
  if (state_ == State::busy && now_->starved && out_.size() <= commons_->limits.max_write_buffer / 2) {
    now_->starved = false;
    commons_->service->on_writable(now_->exchange);
  } else if (state_ == State::flushing && all_out && now_->borrowed.empty()) {
    end_exchange();
  }
  if (yielded_ && all_out) schedule();
  if (state_ == State::closing && all_out && out_.empty()) close_gently();
}

/// What it waits for until the next turn: readiness and time.
void Connection::settle() {
  if (state_ == State::leaving) return schedule();
  const std::int64_t now_us = commons_->loop.now().count();
  if (state_ == State::head && !turn_queued_) {
    if (in_.empty()) {
      if (commons_->draining && served_ && !more_to_read()) return close_gently();
      partial_ = false;
      if (served_ && !commons_->draining)
        read_deadline_us_ = now_us + commons_->limits.keep_alive.count() * 1000;
    } else if (!partial_ && !yielded_) {
      partial_ = true;
      read_deadline_us_ = now_us + commons_->limits.header_timeout.count() * 1000;
    }
  }
  if (hung_up_ && !(unread_ && wants_input())) return lost();
  if (state_ == State::busy && now_->exchange.fin_cancels && (peer_closing_ || peer_ended_)) return lost();
  if (wants_input() && more_to_read()) {
    read_next_ = true;
    schedule();
  }
  if (state_ == State::taken && takes_input() && (!in_.empty() || peer_ended_)) schedule();
  await_readiness();
  arm_deadline();
}

void Connection::await_readiness() {
  bool write = !out_.empty() || (now_ && !now_->borrowed.empty());
  if (edges_) {
    // Never taken back: an edge that nobody waits for costs nothing.
    if (write) set_interest(Interest::both);
    return;
  }
  // Not reading is left to on_ready, so that a request in time costs no epoll_ctl.
  const bool was_reading = interest_ == Interest::read || interest_ == Interest::both;
  bool read = wants_input() || (was_reading && (!yielded_ || turn_queued_));
  if (tls_) {
    const bool crossed = write && tls_->write_wants_read();
    write = (write && !crossed) || (tls_->wants_write() && (wants_input() || state_ == State::closing));
    read = read || crossed;
  }
  if (peer_ended_ || (peer_closing_ && !read)) {
    set_interest(write ? Interest::write_errors : Interest::errors);
  } else {
    set_interest(read ? (write ? Interest::both : Interest::read)
                      : (write ? Interest::write : Interest::none));
  }
}

void Connection::schedule() {
  if (turn_queued_ || state_ == State::dead) return;
  turn_queued_ = true;
  commons_->loop.defer(turn_post_);
}

void Connection::run_scheduled() {
  turn_queued_ = false;
  if (state_ == State::dead) return commons_->bury(*this);
  if (state_ == State::leaving) return depart();
  if (state_ == State::arriving) return arrive();
  guarded([this] {
    if (std::exchange(read_next_, false) && wants_input()) {
      if (!receive()) return;
    } else {
      input_ = in_.view();
    }
    turn();
  });
}

}  // namespace mimus
