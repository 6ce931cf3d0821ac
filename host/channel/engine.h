// Engine.IO 4: sessions that carry messages over polling and WebSocket, on one worker.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "host/channel/channels.h"
#include "host/net/exchange.h"
#include "host/net/loop.h"
#include "mimus/clock.h"

namespace mimus {

/// What an Engine.IO client came with at its handshake.
struct EngineOrigin {
  std::string client_ip;
  std::string origin;  ///< Its Origin field, "" for none.
  std::string host;
  std::string bearer;  ///< Of Authorization, "" for none.
  std::string user_agent;
  std::string query;  ///< Raw.
};

/// One session as its user sees it. On its loop.
class EngineSession {
 public:
  virtual ~EngineSession() = default;
  virtual std::string_view sid() const = 0;
  virtual const EngineOrigin& origin() const = 0;
  virtual bool is_open() const = 0;
  /// In order, by whatever transport there is. False: it is closed, or the client takes so little
  /// that it is being closed now; EngineUser::on_closed comes later, not from within.
  virtual bool send(EngineMessages& messages) = 0;
  /// After what was sent; on_closed comes later, not from within.
  virtual void close() = 0;
  virtual void fault(ChannelFault how, std::uint64_t value) = 0;
};

/// Who has the messages: a Socket.IO client. Owned by its session, on whose loop it is called.
/// It may call the session from everywhere but its destructor.
class EngineUser {
 public:
  virtual ~EngineUser() = default;
  virtual void on_message(bool binary, std::string_view data) = 0;  ///< Without the packet type.
  virtual void on_drain() = 0;   ///< The host is stopping: say goodbye; the session closes after.
  virtual void on_closed() = 0;  ///< Last.
};

struct EngineOptions {
  std::chrono::milliseconds ping_interval{25'000}, ping_timeout{20'000}, upgrade_timeout{10'000};
  std::size_t max_payload = 1'000'000;  ///< Bytes of one polling body or WebSocket message.
  /// Bytes that a session may have waiting for polls, besides the payloads of two.
  std::size_t max_waiting = 1 << 20;
  std::size_t max_sessions = 100'000;  ///< Of this worker.
};

/// One worker's sessions. Not thread-safe.
class EngineTable {
 public:
  using MakeUser = std::function<std::unique_ptr<EngineUser>(EngineSession&)>;
  /// `worker` of `workers` is where it is: a sid begins with it. `loop` must outlive the table, as
  /// must `all_open`, which counts the open sessions of several tables; nullptr: nobody does.
  EngineTable(Loop& loop, unsigned worker, unsigned workers, EngineOptions options, MakeUser make,
              std::atomic<std::int64_t>* all_open = nullptr);
  ~EngineTable();  ///< Ends the sessions.
  EngineTable(const EngineTable&) = delete;
  EngineTable& operator=(const EngineTable&) = delete;

  /// Takes an exchange whose path is /socket.io/, polling or WebSocket handshake: answers it, keeps
  /// it for as long as a poll waits, or hands its connection over to the worker of its session.
  /// Sets exchange.state to a Responder (host/net/responder.h) where the exchange outlives the call.
  void take(Exchange& exchange);
  void drain();              ///< The host is stopping: the sessions say goodbye, and no other begins.
  std::size_t size() const;  ///< Open sessions.

  struct State;  ///< Known to the sessions themselves (host/channel/engine_session.h).

 private:
  void take_websocket(Exchange& exchange, std::string_view sid);

  std::unique_ptr<State> state_;
};

}  // namespace mimus
