// What a raw WebSocket and a namespace of a Socket.IO client have in common.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "host/channel/channels.h"
#include "store/ulid.h"

namespace mimus {

/// The channels of one endpoint, oldest first, and those that are in its rooms.
struct ChannelLine {
  BaseChannel* first = nullptr;
  BaseChannel* last = nullptr;
  std::unordered_map<std::string, std::unordered_set<BaseChannel*>> rooms;  ///< None is empty.
};

struct ChannelTable::State {
  State(Loop& l, const Clock& c, ChannelOptions o) : loop(l), clock(c), options(o), ulids(random_seed()) {}

  void add(BaseChannel& channel);
  void remove(BaseChannel& channel);
  BaseChannel* first(const Ulid& endpoint) const;
  BaseChannel* find_open(const Ulid& endpoint, const Ulid& channel) const;

  Loop& loop;
  const Clock& clock;
  const ChannelOptions options;
  UlidSource ulids;
  ChannelObserver* observer = nullptr;
  std::unordered_map<Ulid, ChannelLine> lines;  ///< Of endpoints that have any.
  std::map<Ulid, unsigned> watched;             ///< How often.
  std::vector<BaseChannel*> held;               ///< Not read until the observer has room.
  std::size_t open = 0;
};

/// Known to its table from construction until detach. A derived class opens it, tells it what
/// comes in, and ends it; and sends what it is given. Its destructor detaches. A channel that is
/// sent to or closed from outside may end, but leaves its table later, not from within the call:
/// the table may be walking over it.
class BaseChannel : public Channel {
 public:
  ~BaseChannel() override;
  BaseChannel(const BaseChannel&) = delete;
  BaseChannel& operator=(const BaseChannel&) = delete;

  const Ulid& id() const final { return info_.id; }
  const Ulid& endpoint() const final { return info_.endpoint; }
  const ChannelOrigin& origin() const final { return origin_; }
  bool send(Outgoing& message) final;
  bool is_open() const final { return phase_ == Phase::open; }
  std::size_t queued() const override { return 0; }
  void pause() override {}
  void resume() override {}
  int end_code() const final { return end_code_; }
  std::string_view end_reason() const final { return end_reason_; }
  bool start_timer(std::chrono::milliseconds after, std::size_t plugin, void* ud) final;
  Joined join(std::string_view room) final;
  void leave(std::string_view room) final;

  bool uses(const void* plugin) const { return behaviour_ != nullptr && behaviour_->uses(plugin); }
  bool captures() const { return captures_; }
  ChannelInfo info() const;
  std::int64_t since_us() const { return info_.since_us; }

  /// Disarms everything, ends the behaviour and leaves the table, which may go now.
  void detach();
  /// REQUIRES: is_open(), and no hook of the behaviour runs
  void rebind(std::unique_ptr<ChannelBehaviour> successor, std::uint32_t messages_per_second);

  /// The table has taken it from those that are held.
  void let_go();

  BaseChannel* previous = nullptr;  ///< The table's.
  BaseChannel* next = nullptr;

 protected:
  /// `closing`: our goodbye is out, the peer's is awaited, or nothing more can be sent.
  enum class Phase : std::uint8_t { fresh, open, closing, closed };

  BaseChannel(ChannelTable::State& table, const Ulid& id, const Ulid& endpoint, ChannelOrigin origin,
              ChannelRules rules, std::unique_ptr<ChannelBehaviour> behaviour);

  /// Counts it as open and calls on_open. REQUIRES: attached()
  void open();
  /// A message came whole. False: it is one too many, and the channel is closing.
  bool count_in();
  /// Tells the observer, then the behaviour. Once count_in has agreed.
  void take_message(bool binary, std::string_view payload);
  void take_event(const IncomingEvent& event);
  /// Tells the behaviour that nothing waits any more. REQUIRES: is_open()
  void tell_flushed() { behaviour_->on_flushed(*this); }
  /// What is said first of the end counts: of the peer's close, of ours, or of neither.
  void end_with(int code, std::string_view reason);
  void move_to(Phase to);

  /// `failed`: the peer is too slow, or gone, and the channel has moved on from `open`.
  /// `left_out`: such a peer cannot be told.
  enum class Sent : std::uint8_t { failed, left_out, sent };
  virtual Sent transmit(Outgoing& message) = 0;
  /// Stops and goes on reading, if the derived class can; pause() and resume() are another's.
  virtual void stop_reading() {}
  virtual void read_on() {}
  bool is_held() const { return is_held_; }
  /// Disarms what the derived class has armed on the loop. REQUIRES: attached()
  virtual void disarm() = 0;

  Phase phase() const { return phase_; }
  const ChannelRules& rules() const { return rules_; }
  bool attached() const { return table_ != nullptr; }
  ChannelTable::State& table() { return *table_; }  ///< REQUIRES: attached()
  void count_bytes_in(std::size_t bytes) { info_.bytes_in += bytes; }
  virtual std::uint64_t bytes_out() const = 0;

 private:
  struct Pending : Timer {
    BaseChannel* channel = nullptr;
    std::size_t index = 0;  ///< In pending_.
    std::size_t plugin = 0;
    void* ud = nullptr;
  };
  struct Counts {
    Ulid id, endpoint;
    std::int64_t since_us = 0;
    std::uint64_t messages_in = 0, messages_out = 0, bytes_in = 0;
  };

  bool observed() const;
  void hold();
  void leave_rooms();
  void end_timers();
  void fire(Pending& pending);

  ChannelTable::State* table_;
  std::unique_ptr<ChannelBehaviour> behaviour_;
  ChannelOrigin origin_;
  Counts info_;
  ChannelRules rules_;
  Phase phase_ = Phase::fresh;
  bool opened_ = false;  ///< on_open was called, on_close is owed.
  bool captures_ = false;
  bool is_held_ = false;  ///< In the table's list.
  int end_code_ = 0;      ///< 0: nobody said anything yet.
  std::string end_reason_;
  std::uint32_t seen_ = 0;   ///< Messages in the second that began …
  std::int64_t second_ = 0;  ///< … here.
  std::vector<std::string> rooms_;
  std::vector<std::unique_ptr<Pending>> pending_;
  std::unique_ptr<Pending> spare_;  ///< The last that fired: an interval allocates once.
};

}  // namespace mimus
