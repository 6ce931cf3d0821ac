#include "store/kv_shard.h"

#include <algorithm>

namespace mimus {

void KvShard::List::append(Entry& entry) {
  entry.before = last;
  entry.after = nullptr;
  (last != nullptr ? last->after : first) = &entry;
  last = &entry;
}

void KvShard::List::unlink(Entry& entry) {
  (entry.before != nullptr ? entry.before->after : first) = entry.after;
  (entry.after != nullptr ? entry.after->before : last) = entry.before;
}

KvShard::KvShard(std::uint64_t max_bytes, std::size_t max_cold, const std::atomic<unsigned>& pinned)
    : max_bytes_(max_bytes), max_cold_(max_cold), pinned_(pinned) {}

std::uint64_t KvShard::cost(const Entry& entry) {
  constexpr std::uint64_t node = sizeof(Map::value_type) + 32;  // and its share of the table
  return entry.key->text.size() + entry.value.size() + node;
}

KvShard::Entry& KvShard::make(KvKeyView key) {
  const auto [at, made] = map_.try_emplace(KvKey{std::string(key.text), key.hash});
  Entry& entry = at->second;
  entry.key = &at->first;
  bytes_ += cost(entry);
  clean_.append(entry);
  cold_.erase(key.hash);
  return entry;
}

void KvShard::set(Entry& entry, std::string_view value, std::int64_t expires_us, bool gone) {
  const std::uint64_t before = cost(entry);
  gone_count_ += (gone ? 1u : 0u) - (entry.gone ? 1u : 0u);
  if (gone) {
    std::string().swap(entry.value);
  } else {
    entry.value.assign(value);
  }
  entry.expires_us = expires_us;
  entry.gone = gone;
  ++entry.version;
  const std::uint64_t after = cost(entry);
  bytes_ += after - before;
  if (entry.dirty) dirty_bytes_ += after - before;
}

void KvShard::make_dirty(Entry& entry) {
  if (!entry.dirty) {
    clean_.unlink(entry);
    dirty_.append(entry);
    entry.dirty = true;
    dirty_bytes_ += cost(entry);
    ++dirty_count_;
  }
  if (queue_full(dirty_bytes_)) urgent_.store(true, std::memory_order_relaxed);
}

void KvShard::erase(Entry& entry) {
  (entry.dirty ? dirty_ : clean_).unlink(entry);
  if (entry.dirty) {
    dirty_bytes_ -= cost(entry);
    --dirty_count_;
  }
  if (entry.gone) --gone_count_;
  bytes_ -= cost(entry);
  map_.erase(map_.find(KvKeyView{entry.key->text, entry.key->hash}));
}

void KvShard::note_cold(std::uint64_t hash) {
  if (overflowed_) return;
  if (cold_.size() >= max_cold_) {
    // Too many to remember: every unknown key is asked of the disk instead.
    overflowed_ = true;
    knows_all_ = false;
    cold_.clear();
    return;
  }
  cold_.insert(hash);
}

void KvShard::evict() {
  if (pinned_.load() != 0) return;
  while (bytes_ > max_bytes_ && clean_.first != clean_.last) {  // the newest always stays
    Entry& oldest = *clean_.first;
    if (!oldest.gone) {
      note_cold(oldest.key->hash);
      ++evicted_;
    }
    erase(oldest);
  }
}

bool KvShard::queue_full(std::uint64_t more) const { return dirty_bytes_ + more > max_bytes_ / 2; }

KvShard::Look KvShard::get(KvKeyView key, std::int64_t wall_us,
                           const std::function<void(std::string_view)>& with) {
  const std::lock_guard lock(mutex_);
  const auto found = map_.find(key);
  if (found == map_.end()) return knows_all_ && !cold_.contains(key.hash) ? Look::absent : Look::cold;
  Entry& entry = found->second;
  if (entry.gone) return Look::absent;
  if (entry.expires_us != 0 && entry.expires_us <= wall_us) {
    set(entry, {}, 0, true);
    make_dirty(entry);
    return Look::absent;
  }
  if (!entry.dirty) {
    clean_.unlink(entry);
    clean_.append(entry);
  }
  with(entry.value);
  return Look::yes;
}

bool KvShard::put(KvKeyView key, std::string_view value, std::int64_t expires_us) {
  const std::lock_guard lock(mutex_);
  if (dirty_count_ != 0 && queue_full(key.text.size() + value.size())) return false;
  const auto found = map_.find(key);
  Entry& entry = found == map_.end() ? make(key) : found->second;
  set(entry, value, expires_us, false);
  make_dirty(entry);
  evict();
  return true;
}

bool KvShard::remove(KvKeyView key) {
  const std::lock_guard lock(mutex_);
  const auto found = map_.find(key);
  if (found == map_.end() ? knows_all_ && !cold_.contains(key.hash) : found->second.gone) return true;
  if (dirty_count_ != 0 && queue_full(key.text.size())) return false;
  Entry& entry = found == map_.end() ? make(key) : found->second;
  set(entry, {}, 0, true);
  make_dirty(entry);
  return true;
}

void KvShard::remove_prefix(std::string_view prefix) {
  const std::lock_guard lock(mutex_);
  for (auto& [key, entry] : map_) {
    if (entry.gone || !key.text.starts_with(prefix)) continue;
    set(entry, {}, 0, true);
    make_dirty(entry);
  }
}

bool KvShard::collect(std::uint64_t max_bytes, std::vector<Dirty>& out) {
  const std::lock_guard lock(mutex_);
  std::uint64_t collected = 0;
  Entry* at = dirty_.first;
  for (; at != nullptr && collected < max_bytes; at = at->after) {
    collected += cost(*at);
    out.push_back({at, at->version, at->gone, at->key->text, at->value, at->expires_us});
  }
  return at != nullptr;
}

void KvShard::flushed(const Dirty& written, bool ok) {
  if (!ok) return;
  const std::lock_guard lock(mutex_);
  Entry& entry = *written.entry;
  if (entry.version != written.version) return;  // changed meanwhile: it stays in the queue
  if (entry.gone && knows_all_) {
    erase(entry);
  } else {
    dirty_.unlink(entry);
    clean_.append(entry);
    entry.dirty = false;
    dirty_bytes_ -= cost(entry);
    --dirty_count_;
  }
  if (!queue_full(dirty_bytes_)) urgent_.store(false, std::memory_order_relaxed);
  evict();
}

void KvShard::loaded(KvKeyView key, const std::string_view* value, std::int64_t expires_us,
                     const std::function<bool()>& stale) {
  const std::lock_guard lock(mutex_);
  if (map_.contains(key)) return;  // put or removed meanwhile, which is newer
  if (value == nullptr || stale()) {
    cold_.erase(key.hash);
    if (!knows_all_) make(key).gone = true, ++gone_count_;  // so that it is not asked for again
  } else {
    set(make(key), *value, expires_us, false);
  }
  evict();
}

void KvShard::offer(KvKeyView key, std::string_view value, std::int64_t expires_us,
                    const std::function<bool()>& stale) {
  const std::lock_guard lock(mutex_);
  if (map_.contains(key) || stale()) return;
  if (bytes_ + sizeof(Map::value_type) + key.text.size() + value.size() > max_bytes_) {
    note_cold(key.hash);
  } else {
    set(make(key), value, expires_us, false);
  }
}

void KvShard::all_offered() {
  const std::lock_guard lock(mutex_);
  knows_all_ = !overflowed_;
}

bool KvShard::forget(std::string_view key, std::uint64_t hash, bool expired) {
  const std::lock_guard lock(mutex_);
  const auto found = map_.find(KvKeyView{key, hash});
  if (found == map_.end()) {
    cold_.erase(hash);
    return true;
  }
  if (found->second.dirty) return false;              // the queue decides
  if (!expired && !found->second.gone) return false;  // put after its prefix was removed
  erase(found->second);
  return true;
}

KvShard::Stats KvShard::stats() const {
  const std::lock_guard lock(mutex_);
  return {map_.size() - gone_count_, bytes_, dirty_count_, evicted_};
}

}  // namespace mimus
