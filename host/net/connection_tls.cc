// The turn's ends over TLS: where bytes come from, and where they go.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "host/net/connection.h"

namespace mimus {
namespace {

// More is written in the next turn, so that one large answer lets others go first.
constexpr std::size_t max_written_a_turn = 256 << 10;

bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

}  // namespace

/// As receive: what came is in input_, be it nothing. False: the connection is gone.
bool Connection::receive_tls() {
  input_ = in_.view();
  if (!tls_ || !tls_->established()) {
    if (!shake_hands()) return false;
    // What came with the handshake's end, the socket won't tell of.
    if (!tls_ || !tls_->more()) return true;
  }
  const TlsStream::Read came = tls_->read(commons_->scratch.get(), Commons::scratch_size);
  if (came.outcome == TlsStream::Outcome::failed) {
    lost();
    return false;
  }
  if (came.outcome == TlsStream::Outcome::ended) peer_ended_ = true;
  take_in(came.bytes);
  return true;
}

/// As far as it goes in this turn. False: the connection is gone.
bool Connection::shake_hands() {
  // Level-triggered polling tells of it again in the next turn.
  if (!commons_->handshakes.spend(commons_->loop)) return true;
  if (!tls_) {
    char first = 0;
    const ssize_t n = ::recv(fd_, &first, 1, MSG_PEEK);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (n == 1 && is_letter(first)) {
      leave_tls();
      refuse({400, "this port speaks HTTPS; the request came without TLS"});
      return true;
    }
    if (n == 1) tls_ = commons_->tls->accept(fd_);
    if (!tls_) {
      lost();
      return false;
    }
  }
  switch (tls_->shake_hands()) {
    case TlsStream::Outcome::done:
      commons_->counters.tls_handshakes.add();
      commons_->counters.tls_active.add();
      return true;
    case TlsStream::Outcome::blocked:
      return true;
    default:
      lost();
      return false;
  }
}

/// As flush. A record that the socket did not take whole stays at the front of what is queued.
bool Connection::flush_tls() {
  std::string_view none;
  std::string_view& borrowed = now_ ? now_->borrowed : none;
  const std::uint64_t sent = tls_->sent();
  std::size_t written = 0;
  while (written < max_written_a_turn) {
    if (!out_.empty() && out_.size() < TlsStream::record_size && !borrowed.empty()) {
      // Head and body share a record.
      const std::size_t more = std::min(TlsStream::record_size - out_.size(), borrowed.size());
      out_.append(borrowed.substr(0, more));
      borrowed.remove_prefix(more);
    }
    const bool from_out = !out_.empty();
    if (!from_out && borrowed.empty()) break;
    const TlsStream::Written one = tls_->write(from_out ? out_.view() : borrowed);
    if (one.outcome == TlsStream::Outcome::failed) {
      lost();
      return false;
    }
    if (one.outcome == TlsStream::Outcome::blocked) break;
    written += one.bytes;
    if (from_out) {
      out_.drop_front(one.bytes);
    } else {
      borrowed.remove_prefix(one.bytes);
    }
  }
  commons_->counters.bytes_out.add(static_cast<std::int64_t>(written));
  after_write(tls_->sent() != sent);
  return true;
}

/// Ends TLS, not the connection. With close_notify if all that was to be said has been.
void Connection::leave_tls() {
  if (!secure_) return;
  secure_ = false;
  if (!tls_ || !tls_->established()) {
    commons_->counters.tls_failures.add();
  } else {
    commons_->counters.tls_active.add(-1);
    if (!reset_ && !now_ && out_.empty()) tls_->say_goodbye();
  }
  tls_.reset();
}

}  // namespace mimus
