#include "store/ring.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace mimus {
namespace {

constexpr std::uint32_t wrap_mark = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t clipped_text = 64;
constexpr std::size_t unclipped = std::numeric_limits<std::size_t>::max();
constexpr std::chrono::seconds oldest_allowed{1};
// About a hundred records: enough to make waking cheap, little enough that the writer neither
// holds a worker's core for long (p99) nor empties its caches.
constexpr std::size_t most_unread = 16u << 10;

std::size_t padded(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

}  // namespace

WakeUp::WakeUp() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) std::abort();  // out of descriptors before the first request
}

WakeUp::~WakeUp() { close(fd_); }

void WakeUp::send() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(fd_, &one, sizeof one);  // fails only if it is set already
}

bool WakeUp::wait(std::chrono::milliseconds at_most) {
  pollfd waiting{fd_, POLLIN, 0};
  if (poll(&waiting, 1, static_cast<int>(at_most.count())) <= 0) return false;
  std::uint64_t count = 0;
  return read(fd_, &count, sizeof count) == sizeof count;
}

Ring::Ring(std::size_t bytes, const FieldVersions& fields, const Clock& clock, WakeUp& wake)
    : size_(bytes),
      wake_at_(std::min(bytes / 2, most_unread)),
      fields_(fields),
      clock_(clock),
      wake_(wake),
      memory_(new char[bytes]) {}

bool Ring::append(const RecordInput& record) {
  std::size_t clip = unclipped;
  std::size_t bound = record_bound(record, clip);
  RecordInput kept = record;
  if (bound > size_ / 4) {
    clip = clipped_text;
    bound = record_bound(record, clip);
    if (bound > size_ / 4) {
      kept.extra = {};
      bound = record_bound(kept, clip);
    }
  }
  const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
  const std::size_t to_end = size_ - (tail & (size_ - 1));
  const std::size_t need = sizeof(std::uint32_t) + padded(bound);
  const std::size_t skipped = need > to_end ? to_end : 0;

  if (known_head_ < marked_ || tail - known_head_ >= wake_at_)
    known_head_ = head_.load(std::memory_order_acquire);
  if (const bool waiting = known_head_ < marked_; waiting) {
    if (clock_.now() - marked_at_ > oldest_allowed) {
      refused_.store(true, std::memory_order_relaxed);
      return false;
    }
  }
  if (tail - known_head_ + skipped + need > size_) {
    refused_.store(true, std::memory_order_relaxed);
    return false;
  }

  if (skipped != 0) bytes::put_fixed(at(tail), wrap_mark);
  char* const start = at(tail + skipped);
  char* const end = encode_record(start + sizeof(std::uint32_t), kept, fields_.now().ring, clip);
  const auto length = static_cast<std::uint32_t>(end - start - sizeof(std::uint32_t));
  bytes::put_fixed(start, length);
  const std::uint64_t after = tail + skipped + sizeof length + padded(length);
  tail_.store(after, std::memory_order_release);

  if (known_head_ >= marked_) {
    marked_ = after;
    marked_at_ = clock_.now();
  }
  if (after - known_head_ < wake_at_) {
    woken_ = false;
  } else if (!woken_) {
    woken_ = true;
    wake_.send();
  }
  return true;
}

std::string_view Ring::next() {
  std::uint64_t head = head_.load(std::memory_order_relaxed);
  if (head == seen_) return {};
  std::uint32_t length = 0;
  std::memcpy(&length, at(head), sizeof length);
  if (length == wrap_mark) {
    head += size_ - (head & (size_ - 1));
    std::memcpy(&length, at(head), sizeof length);
  }
  taken_ = head + sizeof length + padded(length);
  return {at(head) + sizeof length, length};
}

void Ring::pop() { head_.store(taken_, std::memory_order_release); }

bool Ring::half_full() const {
  return tail_.load(std::memory_order_acquire) - head_.load(std::memory_order_relaxed) >= size_ / 2;
}

bool Ring::has_room_again() {
  return refused_.load(std::memory_order_relaxed) && !half_full() &&
         refused_.exchange(false, std::memory_order_relaxed);
}

}  // namespace mimus
