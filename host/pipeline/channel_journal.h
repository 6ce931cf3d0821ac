// What happens on a worker's channels, as records of the journal.
#pragma once

#include <deque>
#include <span>

#include "host/channel/channels.h"
#include "host/pipeline/worker.h"

namespace mimus {

/// One record for each channel that opens, its id being the channel's, and for each that is
/// refused; where the API captures bodies also one for each message and for the close.
///
/// What a full journal refuses under `lossless` waits here, in its order, and whose messages are
/// kept is not read meanwhile. What still comes (timers, broadcasts, Socket.IO) is dropped and
/// counted beyond `max_waiting` bytes.
class ChannelJournal final : public ChannelObserver {
 public:
  static constexpr std::size_t max_waiting = 4u << 20;

  /// `worker` must outlive it.
  explicit ChannelJournal(WorkerContext& worker) : worker_(worker) {}
  ~ChannelJournal() override;  ///< Tries once more what waits, and counts what is lost.

  void on_open(const BaseChannel& channel) override;
  void on_message(const BaseChannel& channel, const ChannelMessage& message) override;
  void on_close(const BaseChannel& channel, int code, std::string_view reason) override;
  void on_refused(const ChannelRefusal& refusal) override;
  bool is_full() const override { return !waiting_.empty(); }

  /// The journal has room again.
  void retry();

 private:
  void append(const RecordInput& input);

  WorkerContext& worker_;
  std::deque<Record> waiting_;
  std::size_t waiting_bytes_ = 0;
};

}  // namespace mimus
