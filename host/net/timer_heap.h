// Which timer is due next: a 4-ary heap of intrusive timers.
#pragma once

#include <cstdint>
#include <vector>

#include "host/net/loop.h"

namespace mimus {

/// Borrows its timers. O(log4 n) for each change; the due times stand beside the pointers, so
/// that sifting does not touch the timers it passes. Not thread-safe.
class TimerHeap {
 public:
  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  std::int64_t next_due_ms() const { return entries_.front().due_ms; }  ///< REQUIRES: !empty()

  /// Inserts, or moves one that is in already.
  void put(Timer& timer, std::int64_t due_ms) {
    timer.due_ms = due_ms;
    if (!timer.armed()) {
      timer.heap_index = static_cast<std::uint32_t>(entries_.size());
      entries_.push_back({due_ms, &timer});
    } else {
      entries_[timer.heap_index].due_ms = due_ms;
    }
    sift(timer.heap_index);
  }

  void remove(Timer& timer) {
    const std::uint32_t index = timer.heap_index;
    timer.heap_index = UINT32_MAX;
    const Entry last = entries_.back();
    entries_.pop_back();
    if (index == entries_.size()) return;
    place(index, last);
    sift(index);
  }

  /// REQUIRES: !empty()
  Timer& pop() {
    Timer& first = *entries_.front().timer;
    remove(first);
    return first;
  }

 private:
  struct Entry {
    std::int64_t due_ms;
    Timer* timer;
  };

  void place(std::uint32_t index, const Entry& entry) {
    entries_[index] = entry;
    entry.timer->heap_index = index;
  }

  void sift(std::uint32_t index) {
    const Entry moving = entries_[index];
    while (index > 0) {
      const std::uint32_t parent = (index - 1) / 4;
      if (entries_[parent].due_ms <= moving.due_ms) break;
      place(index, entries_[parent]);
      index = parent;
    }
    for (;;) {
      const std::uint32_t first = index * 4 + 1;
      std::uint32_t least = index;
      std::int64_t least_due = moving.due_ms;
      for (std::uint32_t child = first; child < first + 4 && child < entries_.size(); ++child) {
        if (entries_[child].due_ms < least_due) {
          least = child;
          least_due = entries_[child].due_ms;
        }
      }
      if (least == index) break;
      place(index, entries_[least]);
      index = least;
    }
    place(index, moving);
  }

  std::vector<Entry> entries_;
};

}  // namespace mimus
