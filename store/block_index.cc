#include "store/block_index.h"

#include <algorithm>

namespace mimus {

void BlockIndex::add(std::uint64_t block, std::string_view head) {
  BlockHeader header;
  if (!decode_header(head, header)) return;
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_.emplace_back();
  entry.block = block;
  entry.count = header.count;
  entry.bytes = header.encoded_bytes + header.record_bytes;
  entry.max_time_us = header.max_time_us;
  entry.head = head.substr(0, header.encoded_bytes);
  ++totals_.blocks;
  totals_.records += entry.count;
  totals_.bytes += entry.bytes;
}

std::uint64_t BlockIndex::newest_below(std::uint64_t below, std::span<const Comparison> tests) const {
  constexpr int looks = 256;
  for (;;) {
    const std::lock_guard lock(mutex_);
    auto at = std::lower_bound(entries_.begin(), entries_.end(), below,
                               [](const Entry& entry, std::uint64_t block) { return entry.block < block; });
    for (int look = 0; look < looks; ++look) {
      if (at == entries_.begin()) return 0;
      --at;
      BlockHeader header;
      if (decode_header(at->head, header) &&
          std::all_of(tests.begin(), tests.end(),
                      [&](const Comparison& test) { return test.may_pass(header); })) {
        return at->block;
      }
    }
    below = at->block;
  }
}

std::uint64_t BlockIndex::retain(std::int64_t oldest_us, std::uint64_t max_bytes) {
  const std::lock_guard lock(mutex_);
  std::uint64_t end = 0;
  while (!entries_.empty() && (entries_.front().max_time_us < oldest_us || totals_.bytes > max_bytes)) {
    const Entry& oldest = entries_.front();
    end = oldest.block + 1;
    --totals_.blocks;
    totals_.records -= oldest.count;
    totals_.bytes -= oldest.bytes;
    entries_.pop_front();
  }
  return end;
}

void BlockIndex::clear() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
  totals_ = {};
}

BlockIndex::Totals BlockIndex::totals() const {
  const std::lock_guard lock(mutex_);
  return totals_;
}

}  // namespace mimus
