// Engine.IO's packets over a WebSocket: a session's transport, or one that is being tried.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "host/channel/engine_session.h"
#include "host/channel/framed_wire.h"
#include "host/channel/framing.h"

namespace mimus {

/// Owned by its connection; it and its session know each other until one of the two ends.
class EngineWebSocket final : public Takeover, private FrameReader::Events {
 public:
  /// Begins a session when it starts. `table` must be there until then.
  EngineWebSocket(EngineTable::State& table, EngineOrigin origin);
  /// Offers itself to the session as its next transport. A session that is not there, or has such
  /// an offer or a WebSocket already, has it closed.
  EngineWebSocket(EngineTable::State& table, std::string_view sid);
  ~EngineWebSocket() override;

  void on_start(Wire& wire) override;
  void on_bytes(std::string_view data) override;
  void on_drain() override;
  void on_closed() override;

  /// False: the client reads too slowly, and it is being closed; its session is not told.
  bool send(std::string_view framed);
  bool send_text(std::string_view packet) { return send(frame(Opcode::text, packet)); }
  /// A close frame after what was sent, and the end when the client's has come. The session is not
  /// told of anything any more.
  void close(int code = 0);
  void cut();  ///< The same without a word.
  void send_garbage() { wire_.send_garbage(); }
  void slow_down(std::uint64_t bytes_per_second) { wire_.slow_down(bytes_per_second); }
  /// The upgrade is done: it need not be in time any more.
  void settle_in();

 private:
  struct Arrival {
    EngineTable::State* table;
    EngineOrigin origin;
    std::string sid;
  };
  struct Watch : Timer {
    EngineWebSocket* socket = nullptr;
  };

  void on_message(Opcode opcode, std::string_view payload) override;
  void answer_close(std::string_view payload);
  LiveSession* part();
  void watch();

  std::unique_ptr<Arrival> arrival_;  ///< Until it starts.
  LiveSession* session_ = nullptr;    ///< While it is open.
  FramedWire wire_;
  FrameReader reader_;
  Watch watch_;  ///< For an upgrade's time.
};

}  // namespace mimus
