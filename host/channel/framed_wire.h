// The server's end of a WebSocket: frames go out, and it ends in one of three ways.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "host/channel/throttle.h"
#include "host/net/exchange.h"
#include "host/net/loop.h"

namespace mimus {

/// What RFC 6455, 7 has a server do once somebody wants an end, whatever the messages mean.
/// On its wire's loop.
class FramedWire {
 public:
  /// `closing`: our close frame is out, the peer's is awaited. `failing`: the peer broke the
  /// protocol and was told; what still comes in is thrown away, because closing a socket with
  /// unread bytes resets it, and the peer would never read why. `over`: on_closed follows.
  enum class Phase : std::uint8_t { fresh, open, closing, failing, over };

  /// `close_timeout`: how long the peer's close frame is awaited, and a failing peer read.
  /// `max_slow_bytes`: what may wait at most where slow_down holds bytes back.
  explicit FramedWire(std::chrono::milliseconds close_timeout = std::chrono::seconds(5),
                      std::size_t max_slow_bytes = 1 << 20);
  ~FramedWire() { leave(); }
  FramedWire(const FramedWire&) = delete;
  FramedWire& operator=(const FramedWire&) = delete;

  /// `wire` must be there until leave.
  void start(Takeover::Wire& wire);
  /// Nothing is armed any more, and nothing goes out. The wire may go.
  void leave();

  bool is_open() const { return phase_ == Phase::open; }
  /// Whether what comes in is to be looked at: messages, or the peer's goodbye alone.
  bool reads() const { return phase_ == Phase::open || phase_ == Phase::closing; }
  Takeover::Wire& wire() { return *wire_; }           ///< REQUIRES: between start and leave
  std::size_t queued() const;                         ///< Bytes not yet taken by the kernel; 0 unless open.
  std::uint64_t written() const { return written_; }  ///< Bytes, in all.

  /// False: the peer reads too slowly, or it is over; and it is over.
  bool write(std::string_view framed);
  /// Bytes came in.
  void heard();
  /// A close frame (code 0: without one) after what was written, and the end when the peer's has
  /// come. Nothing unless open.
  void close(int code, std::string_view reason);
  /// The peer's close frame came, with `code` or 0: the same back, unless ours is out; and the end.
  void answer(int code);
  /// The peer broke the protocol: a close frame with `code`, unless ours is out, and the end when
  /// the peer is silent. This and `answer` do nothing unless reads().
  void fail(int code);
  void hang_up();  ///< The end, after what was written.
  void cut();      ///< The end, without a word.

  void send_garbage();
  void slow_down(std::uint64_t bytes_per_second);

 private:
  struct Watch : Timer {
    FramedWire* owner = nullptr;
  };

  void finish();
  void watch();
  void arm(std::chrono::milliseconds after) { wire_->loop().arm(watch_, after); }

  Takeover::Wire* wire_ = nullptr;
  std::unique_ptr<Throttle> slow_;
  const std::chrono::milliseconds close_timeout_;
  const std::size_t max_slow_bytes_;
  Phase phase_ = Phase::fresh;
  std::uint64_t written_ = 0;
  std::chrono::microseconds heard_{0};    ///< While failing.
  std::chrono::microseconds give_up_{0};  ///< When failing ends at the latest.
  Watch watch_;
};

}  // namespace mimus
