// One WebSocket from the handshake's end to the connection's.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "host/channel/base_channel.h"
#include "host/channel/framed_wire.h"
#include "host/channel/framing.h"

namespace mimus {

/// Owned by its connection, known to its table until one of the two ends.
class RawChannel final : public Takeover, public BaseChannel, private FrameReader::Events {
 public:
  RawChannel(ChannelTable::State& table, const Ulid& id, const Ulid& endpoint, ChannelOrigin origin,
             ChannelRules rules, std::unique_ptr<ChannelBehaviour> behaviour);
  ~RawChannel() override;

  void on_start(Wire& wire) override;
  void on_bytes(std::string_view data) override;
  void on_flushed() override;
  void on_drain() override;
  void on_closed() override;

  void close(int code, std::string_view reason) override;
  std::size_t queued() const override;
  void pause() override;
  void resume() override;
  bool fault(ChannelFault how, std::uint64_t value) override;

 private:
  struct Watch : Timer {
    RawChannel* channel = nullptr;
  };

  Sent transmit(Outgoing& message) override;
  void disarm() override;
  std::uint64_t bytes_out() const override { return wire_.written(); }
  void stop_reading() override;
  void read_on() override;
  bool is_stopped() const { return paused_ || is_held(); }
  void on_message(Opcode opcode, std::string_view payload) override;
  void feed(std::string_view data);
  void feed_held();
  void answer_close(std::string_view payload);
  void fail(int code);
  bool write(std::string_view framed);
  void end(Phase phase);
  void cut();
  void watch();

  FramedWire wire_;
  FrameReader reader_;
  bool ignores_pings_ = false;
  bool paused_ = false;
  std::string held_;                    ///< Bytes that had been read when it was paused, and not looked at.
  bool pinged_ = false;                 ///< And nothing came in since.
  std::chrono::microseconds heard_{0};  ///< When bytes last came in.
  Watch watch_;                         ///< For silence, while it is open.
};

}  // namespace mimus
