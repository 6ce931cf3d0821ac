// What the service does with a connection: wants a body, answers, takes over.
#include <algorithm>
#include <charconv>
#include <utility>

#include "host/net/connection.h"

namespace mimus {
namespace {

// Answers above this are not copied: the kernel gets them from the service's memory.
constexpr std::size_t max_copied = 16 << 10;
// A body that nobody wanted is read to its end up to this; beyond, the connection closes.
constexpr std::uint64_t max_dropped = 64 << 10;
// The clock of a body starts anew whenever this much more has come.
constexpr std::uint64_t body_progress = 16 << 10;

constexpr const char* unsendable = "the answer has a status or a header field that HTTP cannot carry";

}  // namespace

Bytes& Connection::out() {
  if (out_.capacity() == 0) commons_->lend(out_);
  return out_;
}

void Connection::want_body(std::size_t limit) {
  if (!now_ || state_ != State::busy || wanted_) return;
  in_head_ = false;
  Exchange& x = now_->exchange;
  if (body_.ended()) {
    x.body = now_->body.view();
    return commons_->service->on_body(x);
  }
  now_->body_limit = limit;
  if (body_.known_left() > limit) {
    commons_->counters.count_refusal(413);
    return commons_->service->on_body_too_large(x);
  }
  wanted_ = true;
  body_mark_ = 0;
  read_deadline_us_ = commons_->loop.now().count() + commons_->limits.body_timeout.count() * 1000;
  if (expects_continue_) {
    expects_continue_ = false;
    if ((in_turn_ ? input_ : in_.view()).empty()) out().append("HTTP/1.1 100 Continue\r\n\r\n");
  }
  if (!in_turn_) return schedule();
  // What is wrong with the framing is found again, and told, when the service has returned.
  if (!input_.empty()) {
    const BodyReader before = body_;
    const std::string_view input = input_;
    const std::size_t gathered = now_->body.size();
    const BodyReader::State state = body_.read(input_, &now_->body, limit);
    if (state == BodyReader::State::end || state == BodyReader::State::too_large) return handle_body(state);
    if (state == BodyReader::State::bad) {
      body_ = before;
      input_ = input;
      now_->body.shorten(gathered);
    }
  }
}

void Connection::read_body() { handle_body(body_.read(input_, &now_->body, now_->body_limit)); }

void Connection::handle_body(BodyReader::State state) {
  Exchange& x = now_->exchange;
  x.request_size = static_cast<std::int64_t>(body_.received());
  switch (state) {
    case BodyReader::State::more:
      if (peer_ended_) return lost();
      if (body_.received() - body_mark_ >= body_progress) {
        body_mark_ = body_.received();
        read_deadline_us_ = commons_->loop.now().count() + commons_->limits.body_timeout.count() * 1000;
      }
      return;
    case BodyReader::State::end:
      wanted_ = false;
      read_deadline_us_ = never;
      x.body = now_->body.view();
      return commons_->service->on_body(x);
    case BodyReader::State::too_large:
      wanted_ = false;
      keep_alive_ = false;
      read_deadline_us_ = never;
      commons_->counters.count_refusal(413);
      return commons_->service->on_body_too_large(x);
    case BodyReader::State::bad:
      if (now_->begun) return lost();
      return refuse(bad_chunks);
  }
}

/// Decides at the last moment whether the connection outlives this answer.
Framing::Persistence Connection::persistence() {
  if (!body_.ended() && (expects_continue_ || body_.known_left() > max_dropped)) keep_alive_ = false;
  if (commons_->draining) {
    linger_ = true;  // As in drain.
    // Requests that were read behind this one are answered first.
    if ((in_turn_ ? input_ : in_.view()).empty()) keep_alive_ = false;
  }
  if (!keep_alive_) return Framing::Persistence::close;
  return now_->exchange.request.minor_version == 0 ? Framing::Persistence::keep_alive
                                                   : Framing::Persistence::implied;
}

void Connection::send(std::string_view body) {
  if (!now_ || state_ != State::busy || now_->begun) return;
  Exchange& x = now_->exchange;
  const int status = x.response.status;
  Framing framing;
  framing.persistence = persistence();
  if (!has_no_body(status)) {
    framing.body = Framing::Body::length;
    framing.length = static_cast<std::int64_t>(body.size());
  }
  if (status < 200 || !append_response_head(out(), status, x.response.headers,
                                            commons_->date.at(x.loop->wall_us()), framing)) {
    return send_unsendable();
  }
  if (!has_no_body(status) && x.request.method != "HEAD") {
    x.response_size = static_cast<std::int64_t>(body.size());
    if (body.size() > max_copied) {
      now_->borrowed = body;
      wanted_ = false;
      state_ = State::flushing;
      if (!in_turn_) schedule();
      return;
    }
    out_.append(body);
  }
  end_exchange();
}

/// In place of an answer that cannot be written.
void Connection::send_unsendable() {
  Exchange& x = now_->exchange;
  const std::string body = commons_->service->refusal(500, unsendable);
  x.response.status = 500;
  x.response.headers.clear();
  if (!body.empty()) x.response.headers.push_back({"Content-Type", "application/problem+json"});
  Framing framing;
  framing.persistence = persistence();
  framing.body = Framing::Body::length;
  framing.length = static_cast<std::int64_t>(body.size());
  append_response_head(out(), 500, x.response.headers, commons_->date.at(x.loop->wall_us()), framing);
  if (x.request.method != "HEAD") {
    out_.append(body);
    x.response_size = framing.length;
  }
  end_exchange();
}

void Connection::begin(std::int64_t length) {
  if (!now_ || state_ != State::busy || now_->begun) return;
  Exchange& x = now_->exchange;
  Framing framing;
  const bool bodiless = has_no_body(x.response.status);
  now_->head_only = bodiless || x.request.method == "HEAD";
  if (!bodiless) {
    framing.length = length;
    if (length >= 0) {
      framing.body = Framing::Body::length;
    } else if (x.request.minor_version > 0) {
      framing.body = Framing::Body::chunked;
    } else {
      framing.body = Framing::Body::until_close;
      keep_alive_ = keep_alive_ && now_->head_only;
    }
  }
  framing.persistence = persistence();
  if (x.response.status < 200 || !append_response_head(out(), x.response.status, x.response.headers,
                                                       commons_->date.at(x.loop->wall_us()), framing)) {
    return send_unsendable();
  }
  now_->begun = true;
  now_->chunked_answer = framing.body == Framing::Body::chunked;
  now_->promised = length;
  if (!in_turn_) schedule();
}

bool Connection::write(std::string_view data) {
  if (!now_ || !now_->begun || data.empty() || now_->head_only) return true;
  if (now_->promised >= 0) {
    if (data.size() > static_cast<std::uint64_t>(now_->promised)) {
      abort();
      return false;
    }
    now_->promised -= static_cast<std::int64_t>(data.size());
  }
  now_->exchange.response_size += static_cast<std::int64_t>(data.size());
  if (now_->chunked_answer) {
    char* const to = out().room(data.size() + 24);
    char* end = std::to_chars(to, to + 16, data.size(), 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    out_.wrote(static_cast<std::size_t>(end - to));
    out_.append(data);
    out_.append("\r\n");
  } else {
    out().append(data);
  }
  if (!in_turn_) schedule();
  now_->starved = out_.size() > commons_->limits.max_write_buffer;
  return !now_->starved;
}

void Connection::finish() {
  if (!now_ || !now_->begun) return;
  if (!now_->head_only) {
    if (now_->promised > 0) return abort();
    if (now_->chunked_answer) out().append("0\r\n\r\n");
  }
  end_exchange();
}

void Connection::abort() {
  if (!now_ || state_ != State::busy) return;
  // Where only the end of the connection tells the end of the body, it must not look like one.
  reset_ = now_->begun && !now_->chunked_answer && now_->promised < 0;
  linger_ = false;
  keep_alive_ = false;
  body_ = BodyReader();
  end_exchange();
}

void Connection::end_exchange() {
  std::unique_ptr<Ongoing> ended = std::move(now_);
  wanted_ = false;
  if (!keep_alive_) {
    state_ = State::closing;
    read_deadline_us_ = never;
  } else if (!body_.ended()) {
    state_ = State::discard;
    drop_limit_ = body_.received() + max_dropped;
    read_deadline_us_ = commons_->loop.now().count() + commons_->limits.body_timeout.count() * 1000;
  } else {
    state_ = State::head;
  }
  commons_->service->on_end(ended->exchange);
  commons_->take_back(std::move(ended));
  if (!in_turn_) schedule();
}

void Connection::upgrade(const std::vector<Header>& headers, std::unique_ptr<Takeover> takeover) {
  if (!now_ || state_ != State::busy || now_->begun) return;
  Framing framing;
  framing.persistence = Framing::Persistence::upgrade;
  if (!append_response_head(out(), 101, headers, commons_->date.at(commons_->loop.wall_us()), framing)) {
    return send_unsendable();
  }
  now_->exchange.response.status = 101;
  wire_ = std::make_unique<Wire>(*this);
  takeover_ = std::move(takeover);
  commons_->counters.websockets.add();
  keep_alive_ = true;
  body_ = BodyReader();
  end_exchange();
  state_ = State::taken;
  read_deadline_us_ = never;
}

bool Connection::Wire::write(std::string_view data) {
  Connection& c = connection_;
  if (c.state_ != State::taken || c.overrun_) return false;
  const Limits& limits = c.commons_->limits;
  if (c.out_.size() + data.size() > limits.max_write_buffer + limits.max_message_bytes) {
    c.overrun_ = true;
  } else {
    c.out().append(data);
  }
  if (!c.in_turn_) c.schedule();
  return !c.overrun_;
}

void Connection::Wire::close_after_write() {
  if (connection_.state_ != State::taken) return;
  connection_.linger_ = true;
  connection_.state_ = State::closing;
  if (!connection_.in_turn_) connection_.schedule();
}

void Connection::Wire::resume() {
  if (!std::exchange(connection_.paused_, false)) return;
  if (!connection_.in_turn_) connection_.schedule();
}

void Connection::Wire::close_now() {
  connection_.overrun_ = true;
  connection_.cut_ = true;
  if (!connection_.in_turn_) connection_.schedule();
}

}  // namespace mimus
