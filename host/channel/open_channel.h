// One WebSocket from the handshake's end to the connection's.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "host/channel/channels.h"
#include "host/channel/framing.h"
#include "store/ulid.h"

namespace mimus {

class OpenChannel;

/// The channels of one endpoint, oldest first, and those that are in its rooms.
struct ChannelLine {
  OpenChannel* first = nullptr;
  OpenChannel* last = nullptr;
  std::unordered_map<std::string, std::unordered_set<OpenChannel*>> rooms;  ///< None is empty.
};

struct ChannelTable::State {
  State(Loop& l, const Clock& c, ChannelOptions o) : loop(l), clock(c), options(o), ulids(random_seed()) {}

  void add(OpenChannel& channel);
  void remove(OpenChannel& channel);
  OpenChannel* first(const Ulid& endpoint) const;

  Loop& loop;
  const Clock& clock;
  const ChannelOptions options;
  UlidSource ulids;
  std::unordered_map<Ulid, ChannelLine> lines;  ///< Of endpoints that have any.
  std::size_t open = 0;
};

/// Owned by its connection, known to its table until one of the two ends.
class OpenChannel final : public Takeover, public Channel, private FrameReader::Events {
 public:
  OpenChannel(ChannelTable::State& table, const Ulid& endpoint, std::string client_ip,
              std::unique_ptr<ChannelBehaviour> behaviour);
  ~OpenChannel() override;

  void on_start(Wire& wire) override;
  void on_bytes(std::string_view data) override;
  void on_drain() override;
  void on_closed() override;

  const Ulid& id() const override { return info_.id; }
  const Ulid& endpoint() const override { return info_.endpoint; }
  bool send_event(std::string_view name, std::string_view payload) override;
  bool send_frame(std::string_view framed) override;
  void close(int code, std::string_view reason) override;
  bool is_open() const override { return phase_ == Phase::open; }
  bool uses(const void* plugin) const { return behaviour_ != nullptr && behaviour_->uses(plugin); }
  bool start_timer(std::chrono::milliseconds after, std::size_t plugin, void* ud) override;
  Joined join(std::string_view room) override;
  void leave(std::string_view room) override;

  const ChannelInfo& info() const { return info_; }

  /// Disarms everything, ends the behaviour and leaves the table, which may go now.
  void detach();

  OpenChannel* previous = nullptr;  ///< The table's.
  OpenChannel* next = nullptr;

 private:
  /// `closing`: our close frame is out, the peer's is awaited. `failing`: our last frame is
  /// out and what still comes in is thrown away, because closing a socket with unread
  /// bytes resets it, and the peer would never read why.
  enum class Phase : unsigned char { fresh, open, closing, failing, closed };

  struct Watch : Timer {
    OpenChannel* channel = nullptr;
  };
  struct Pending : Timer {
    OpenChannel* channel = nullptr;
    std::size_t index = 0;  ///< In pending_.
    std::size_t plugin = 0;
    void* ud = nullptr;
  };

  void on_message(Opcode opcode, std::string_view payload) override;
  void answer_close(std::string_view payload);
  void fail(int code);
  void move_to(Phase to);
  void leave_rooms();
  bool write(std::string_view framed);
  void hang_up();
  void watch();
  void watch_idle();
  void fire(Pending& pending);

  ChannelTable::State* table_;
  Wire* wire_ = nullptr;
  std::unique_ptr<ChannelBehaviour> behaviour_;
  FrameReader reader_;
  ChannelInfo info_;
  Phase phase_ = Phase::fresh;
  std::vector<std::string> rooms_;
  bool opened_ = false;                   ///< on_open was called, on_close is owed.
  bool pinged_ = false;                   ///< And nothing came in since.
  std::chrono::microseconds heard_{0};    ///< When bytes last came in.
  std::chrono::microseconds give_up_{0};  ///< When failing ends at the latest.
  Watch watch_;                           ///< Idle, close or failing, by the phase.
  std::vector<std::unique_ptr<Pending>> pending_;
  std::unique_ptr<Pending> spare_;  ///< The last that fired: an interval allocates once.
};

}  // namespace mimus
