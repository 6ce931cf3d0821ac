// Counting dedup's hits, misses and entries.
#include "plugins/dedup/ledger.h"

#include <algorithm>
#include <limits>

namespace mimus::dedup {
namespace {
constexpr std::size_t max_endpoints = 20'000;  // with counters; those that are bound stay anyway
}

Counts Counters::sum() const {
  Counts total;
  for (const Line& line : lines_) {
    total.hits += line.count[hit].load(std::memory_order_relaxed);
    total.misses += line.count[miss].load(std::memory_order_relaxed);
    total.coalesced += line.count[coalesced].load(std::memory_order_relaxed);
  }
  return total;
}

void Counters::clear() {
  for (Line& line : lines_) {
    for (auto& count : line.count) count.store(0, std::memory_order_relaxed);
  }
}

std::shared_ptr<Counters> Ledger::counters(std::string_view endpoint_id) {
  const std::lock_guard lock(mutex_);
  if (const auto found = endpoints_.find(endpoint_id); found != endpoints_.end()) return found->second;
  if (endpoints_.size() >= max_endpoints) forget_unused();
  return endpoints_.emplace(endpoint_id, std::make_shared<Counters>(workers_)).first->second;
}

void Ledger::forget_unused() {
  std::erase_if(endpoints_, [](const auto& item) { return item.second.use_count() == 1; });
}

void Ledger::entered(std::string_view endpoint_id, const Digest& key, std::size_t bytes,
                     std::int64_t expires_us, std::int64_t now_us) {
  Shelf& shelf = shelves_[key.back() % shelf_count];
  const std::lock_guard lock(shelf.mutex);
  if (shelf.entries.size() >= max_entries / shelf_count && !shelf.entries.contains(key)) {
    if (shelf.first_expiry_us <= now_us) drop_expired(shelf, now_us);
    if (shelf.entries.size() >= max_entries / shelf_count) shelf.entries.erase(shelf.entries.begin());
  }
  if (shelf.entries.empty()) shelf.first_expiry_us = expires_us;
  shelf.first_expiry_us = std::min(shelf.first_expiry_us, expires_us);
  shelf.entries.insert_or_assign(key, Entry{std::string(endpoint_id), bytes, expires_us});
}

void Ledger::removed(const Digest& key) {
  Shelf& shelf = shelves_[key.back() % shelf_count];
  const std::lock_guard lock(shelf.mutex);
  shelf.entries.erase(key);
}

void Ledger::drop_expired(Shelf& shelf, std::int64_t now_us) {
  shelf.first_expiry_us = std::numeric_limits<std::int64_t>::max();
  for (auto it = shelf.entries.begin(); it != shelf.entries.end();) {
    if (it->second.expires_us <= now_us) {
      it = shelf.entries.erase(it);
    } else {
      shelf.first_expiry_us = std::min(shelf.first_expiry_us, it->second.expires_us);
      ++it;
    }
  }
}

void Ledger::emptied(std::string_view endpoint_id) {
  for (Shelf& shelf : shelves_) {
    const std::lock_guard lock(shelf.mutex);
    std::erase_if(shelf.entries, [&](const auto& item) {
      return endpoint_id.empty() || item.second.endpoint_id == endpoint_id;
    });
  }
}

void Ledger::clear_counters() {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, counters] : endpoints_) counters->clear();
}

std::map<std::string, Counts> Ledger::counts(std::int64_t now_us) {
  std::map<std::string, Counts> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, counters] : endpoints_) {
      const Counts sum = counters->sum();
      if (sum.hits + sum.misses > 0) all.emplace(id, sum);
    }
  }
  for (Shelf& shelf : shelves_) {
    const std::lock_guard lock(shelf.mutex);
    drop_expired(shelf, now_us);
    for (const auto& [key, entry] : shelf.entries) {
      Counts& counts = all[entry.endpoint_id];
      ++counts.entries;
      counts.bytes += entry.bytes;
    }
  }
  return all;
}

}  // namespace mimus::dedup
