// One worker's bounded ring: a producer, a consumer, no locks.
#pragma once

#include <atomic>
#include <memory>

#include "mimus/clock.h"
#include "store/journal_fields.h"

namespace mimus {

/// Wakes the writer from another thread: an eventfd, so that a wake-up is never lost.
class WakeUp {
 public:
  WakeUp();
  ~WakeUp();
  WakeUp(const WakeUp&) = delete;
  WakeUp& operator=(const WakeUp&) = delete;

  void send();
  /// Waits for one; false: none came in time.
  bool wait(std::chrono::milliseconds at_most);

 private:
  int fd_;
};

/// Records follow one another as [length:4][bytes]; one that does not fit before the end
/// of the memory starts at its beginning, after a mark. A record longer than half of the
/// ring could never be placed for sure, so its texts are clipped.
class Ring final : public Producer {
 public:
  /// `fields`, `clock` and `wake` must outlive it. `bytes` is a power of two, at least 4 KiB.
  Ring(std::size_t bytes, const FieldVersions& fields, const Clock& clock, WakeUp& wake);

  bool append(const RecordInput& record) override;

  // The writer's side, one thread.

  /// Takes note of what is there, which is due; next() will go no further.
  void look() { due_ = seen_ = tail_.load(std::memory_order_acquire); }
  /// Lets next() go on to what came since, which is not due.
  void look_on() { seen_ = tail_.load(std::memory_order_acquire); }
  bool due() const { return head_.load(std::memory_order_relaxed) < due_; }
  /// The oldest record of those, or empty. Valid until pop().
  std::string_view next();
  void pop();
  /// Whether more than half is in use (by what look() saw or later came).
  bool half_full() const;
  /// Whether the producer was refused since this last said so, and has room again.
  bool has_room_again();

 private:
  char* at(std::uint64_t position) { return &memory_[position & (size_ - 1)]; }

  const std::size_t size_;
  const std::size_t wake_at_;  // So much unread wakes the writer.
  const FieldVersions& fields_;
  const Clock& clock_;
  WakeUp& wake_;
  const std::unique_ptr<char[]> memory_;

  // Positions only rise; they are apart in memory so that the sides do not share a line.
  alignas(64) std::atomic<std::uint64_t> tail_{0};  // written by the producer
  std::uint64_t known_head_ = 0;
  std::uint64_t marked_ = 0;  // end of the record whose age is watched; drained if <= head
  std::chrono::microseconds marked_at_{0};
  bool woken_ = false;
  alignas(64) std::atomic<std::uint64_t> head_{0};  // written by the writer
  std::uint64_t due_ = 0, seen_ = 0;
  std::uint64_t taken_ = 0;  // where the record of next() ends
  alignas(64) std::atomic<bool> refused_{false};
};

}  // namespace mimus
