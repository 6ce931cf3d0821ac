// One Engine.IO session: what waits for its client, and the transports that take it.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/channel/engine.h"
#include "host/channel/engine_packet.h"

namespace mimus {

class EngineWebSocket;
class LiveSession;
class Poll;
class Upload;

/// Two hexadecimal digits, the worker's index, and 120 random bits.
using EngineSid = std::array<char, 22>;

struct EngineTable::State {
  State(Loop& l, unsigned w, unsigned all, const EngineOptions& o, MakeUser m,
        std::atomic<std::int64_t>* all_open);
  ~State();  ///< Ends the sessions.
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  /// nullptr: there is none, or it has ended.
  LiveSession* find(std::string_view sid) const;
  bool is_full() const { return sessions.size() >= options.max_sessions; }
  /// nullptr: there are too many, or the host is stopping.
  LiveSession* add(EngineOrigin origin);
  void count(int by);  ///< Of open sessions, one more or one less.
  std::size_t open() const { return open_; }
  /// Has it settled once, after the events at hand.
  void attend(LiveSession& session);
  void drain();

  Loop& loop;
  const unsigned worker, workers;
  const EngineOptions options;
  const MakeUser make;
  std::unordered_map<std::string_view, std::unique_ptr<LiveSession>> sessions;
  bool draining = false;

 private:
  struct Turn;  ///< Outlives the table where the loop still has it.
  void settle();

  std::size_t open_ = 0;
  std::atomic<std::int64_t>* const all_open_;
  std::vector<LiveSession*> attended_;
  Turn* turn_ = nullptr;
};

/// Owned by its table, which destroys it when it settles after its end: nobody who calls it loses it
/// from within.
class LiveSession final : public EngineSession {
 public:
  LiveSession(EngineTable::State& table, const EngineSid& sid, EngineOrigin origin);
  ~LiveSession() override;

  std::string_view sid() const override { return {sid_.data(), sid_.size()}; }
  const EngineOrigin& origin() const override { return origin_; }
  bool is_open() const override { return phase_ == Phase::open; }
  bool send(EngineMessages& messages) override;
  void close() override;
  void fault(ChannelFault how, std::uint64_t value) override;

  /// Whether requests of polling are for it: not once it is on a WebSocket.
  bool polls() const { return socket_ == nullptr; }
  bool has_ended() const { return phase_ == Phase::ended; }
  bool is_upgrading() const { return upgrade_ != nullptr; }

  /// The first thing that happens: it says what it is, by `socket` or, if that is nullptr, to the
  /// first poll, and gets its user.
  void begin(EngineWebSocket* socket);
  /// Answers it now or when there is something to say. A second one ends the session.
  void poll(Exchange& exchange);
  /// Takes the packets in its body, once it is there. A second one ends the session.
  void upload(Exchange& exchange);
  /// A WebSocket that shall become its transport. REQUIRES: polls() && !is_upgrading()
  void probe(EngineWebSocket& socket);
  void drain();

  // What the transports tell.
  void on_poll_lost();
  /// False: not all of it could be taken, and it has ended.
  bool on_upload(std::string_view payload);
  void on_upload_refused() { upload_ = nullptr; }  ///< It was too large.
  void on_upload_lost();
  void on_packet(EngineWebSocket& from, const EnginePacket& packet);
  void on_bad_packet(EngineWebSocket& from);
  void on_gone(EngineWebSocket& socket);

  /// Ends a session whose pong is overdue, though no timer has said so yet. True: it was.
  bool expire();
  /// The table's, after the events at hand. False: it is to be destroyed.
  bool settle();
  /// Ends everything now: the table goes.
  void abandon();

  bool attended = false;  ///< The table's.

 private:
  /// `parting`: over, but a last word waits for a poll. `ended`: destroyed when it settles.
  enum class Phase : std::uint8_t { open, parting, ended };
  enum class Heartbeat : std::uint8_t { resting, awaited, extended, silenced };

  struct Watch : Timer {
    LiveSession* session = nullptr;
  };
  /// From a probe's connection to the upgrade.
  struct Upgrade {
    EngineWebSocket* socket = nullptr;
    bool probed = false;
    Watch pace;  ///< Of the noops that end polls.
  };

  bool take(const EnginePacket& packet);
  void upgrade_to(EngineWebSocket& socket);
  void drop_upgrade();
  void say(EngineType type, std::string_view data = {});
  bool transmit(std::string_view framed);
  bool wait_for_poll();
  void end_poll();
  void answer();
  void await(std::chrono::microseconds due);
  void watch();
  void end(Phase phase);
  void end_user();

  EngineTable::State& table_;
  const EngineSid sid_;
  EngineOrigin origin_;
  std::unique_ptr<EngineUser> user_;
  std::string waiting_;  ///< A payload for the next poll; empty on a WebSocket.
  Poll* poll_ = nullptr;
  Upload* upload_ = nullptr;
  EngineWebSocket* socket_ = nullptr;
  std::unique_ptr<Upgrade> upgrade_;
  Phase phase_ = Phase::open;
  Heartbeat heartbeat_ = Heartbeat::resting;
  std::uint64_t slow_ = 0;            ///< Bytes a second; 0: as fast as it goes.
  std::chrono::microseconds due_{0};  ///< When the next ping, or the pong, is.
  Watch watch_;
};

}  // namespace mimus
