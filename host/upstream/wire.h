// One connection to an upstream: a non-blocking socket, with TLS or without.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "host/net/loop.h"
#include "host/upstream/address.h"
#include "host/upstream/tls.h"
#include "mimus/result.h"

namespace mimus {

/// Closes on destruction, with close_notify where TLS is up. Not thread-safe.
class Wire final : private FdHandler {
 public:
  /// Hears of a wire, on its loop, never from within a call of the wire. It may destroy
  /// the wire in any of them.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void on_wire_open() = 0;                   ///< Connected, certificate checked.
    virtual void on_wire_failed(std::string why) = 0;  ///< Instead of on_wire_open.
    virtual void on_wire_ready(Ready ready) = 0;       ///< After on_wire_open.
  };
  enum class Outcome : std::uint8_t { moved, would_block, ended, broken };
  struct Moved {
    Outcome outcome;
    std::size_t bytes = 0;
  };

  /// Starts to connect. `tls` is used where `host`, which the certificate must name, is to
  /// be spoken to in TLS; nullptr for plain. `loop` and `listener` must outlive the wire,
  /// `tls` the connecting.
  /// Errors: unavailable - the kernel refused at once
  static Result<std::unique_ptr<Wire>> connect(Loop& loop, const Address& address, std::uint16_t port,
                                               TlsClient* tls, const std::string& host, Listener& listener);
  ~Wire() override;
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  void listen(Listener& listener) { listener_ = &listener; }

  /// `ended` is the peer's orderly end; with TLS only its close_notify is.
  Moved read(std::span<char> into);
  Moved write(std::string_view bytes);
  const std::string& why() const { return why_; }  ///< After `broken`.

  /// What to be told of; hang-up always is. What TLS needs besides is added.
  void want(bool read, bool write);
  /// Nothing more is told until `want`: for a hang-up that cannot be acted on now.
  void deaf();

  /// REQUIRES: open, and nothing is expected from the peer. True: it has gone, or sent.
  bool looks_dead() const;

 private:
  enum class Stage : std::uint8_t { connecting, handshake, open, failed };

  Wire(Loop& loop, int fd, TlsClient* tls, const std::string& host, Listener& listener);
  void on_ready(Ready ready) override;
  void check_connected(Ready ready);
  void handshake();
  void fail(std::string why);
  void set_interest(Interest interest);
  Moved tls_moved(int result, std::size_t bytes);

  Loop& loop_;
  const int fd_;
  TlsClient* const tls_;
  const std::string host_;
  Listener* listener_;
  TlsSession session_;
  WatchId watch_ = 0;
  Stage stage_ = Stage::connecting;
  bool tls_wants_write_ = false;  ///< A read that must write first.
  std::string why_;
};

}  // namespace mimus
