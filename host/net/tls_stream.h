// One client's TLS: plain bytes on our side, records on the socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

struct ssl_st;
struct ssl_ctx_st;

namespace mimus {

/// Never waits, and raises no SIGPIPE. On its connection's loop.
class TlsStream {
 public:
  enum class Outcome : std::uint8_t {
    done,
    blocked,  ///< The socket must become ready first: writable if wants_write, else readable.
    ended,    ///< The client has ended its direction, with close_notify or without.
    failed,   ///< Broken, or no TLS. Nothing can be read or written any more.
  };

  /// nullptr: no memory.
  static std::unique_ptr<TlsStream> accept(ssl_ctx_st* context, int fd);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Outcome shake_hands();  ///< As far as it goes; `done` once it is through.
  bool established() const { return established_; }

  struct Read {
    std::size_t bytes = 0;
    Outcome outcome = Outcome::done;  ///< Of what follows the bytes.
  };
  /// Fills `to` with what has come. It asks the socket once where that is enough, so that a
  /// request costs one recv. REQUIRES: established()
  Read read(char* to, std::size_t size);

  struct Written {
    std::size_t bytes = 0;
    Outcome outcome = Outcome::done;
  };
  /// Takes at most one record's worth off the front of `data`. After `blocked`, the next call's data
  /// must begin with the same bytes. REQUIRES: established()
  Written write(std::string_view data);

  /// Sends close_notify, once. True: it is out, or there is no use in it.
  bool say_goodbye();

  /// There is more to read than the socket will tell of.
  bool more() const { return more_; }
  /// Reading, shaking hands or saying goodbye waits for the socket to become writable.
  bool wants_write() const { return wants_write_; }
  /// Writing waits for the socket to become readable.
  bool write_wants_read() const { return write_wants_read_; }
  /// Bytes that the socket has taken, to see that a slow reader reads at all.
  std::uint64_t sent() const { return sent_; }

  static constexpr std::size_t record_size = 16 << 10;

 private:
  struct Socket;  // OpenSSL's callbacks.
  explicit TlsStream(int fd) : fd_(fd) {}
  Outcome outcome(int returned);

  ssl_st* ssl_ = nullptr;
  std::uint64_t sent_ = 0;
  int fd_;
  bool established_ = false;
  bool broken_ = false;
  bool renegotiates_ = false;  // It asked for it, which nobody here does.
  bool said_goodbye_ = false;
  bool more_ = false;
  bool wants_write_ = false;
  bool write_wants_read_ = false;
};

}  // namespace mimus
