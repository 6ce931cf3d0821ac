// What is to come on one connection, and what has been.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "plugins/channels/events.h"
#include "plugins/channels/message.h"

namespace mimus::channels {

/// One thing that is done at a time.
struct Plan {
  std::uint64_t due_ms = 0;
  std::uint64_t rank = 0;  ///< Of what is due together the lowest comes first.
  const Event* event = nullptr;
  std::uint64_t count = 0;  ///< Times that it has been done.
  std::size_t step = 0;     ///< Of a schedule: the next.
  std::unique_ptr<KeptMessage> message =
      {};                 ///< That is answered; null: none, or its content does not matter.
  std::int64_t ack = -1;  ///< Of that message.
};

/// Of one connection; made when there is something to keep. One thread.
class Timeline {
 public:
  /// The rank of what waits because of a message comes after that of all events.
  static constexpr std::uint64_t first_answer = std::uint64_t{1} << 32;
  static constexpr std::size_t most_answers = 1000, most_answer_bytes = 4 << 20;

  void reserve(std::size_t plans) { plans_.reserve(plans); }
  void add(Plan plan);
  /// Adds what answers a message later. False: too much waits already.
  bool add_answer(Plan plan);
  bool empty() const { return plans_.empty(); }
  const Plan& first() const { return plans_.front(); }
  Plan take();  ///< REQUIRES: !empty()

  /// Whether a timer must be set for `due_ms`; one that is earlier will do. It counts as set then.
  bool set_alarm(std::uint64_t due_ms);
  void alarm_rang(std::uint64_t due_ms);

  /// How often the nth rule was followed, this time included.
  std::uint64_t count(std::size_t rule);
  std::uint64_t counted(std::size_t rule) const { return rule < counts_.size() ? counts_[rule] : 0; }
  std::int64_t next_ack_id() { return acks_++; }

 private:
  std::vector<Plan> plans_;            // a heap, the next one first
  std::vector<std::uint64_t> alarms_;  // set, the earliest last
  std::vector<std::uint64_t> counts_;  // by rule
  std::uint64_t answers_ = 0;          // that were ever added
  std::size_t waiting_ = 0, waiting_bytes_ = 0;
  std::int64_t acks_ = 0;
};

}  // namespace mimus::channels
