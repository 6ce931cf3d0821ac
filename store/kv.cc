#include "store/kv.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <deque>
#include <list>
#include <memory>
#include <thread>

#include "store/bytes.h"
#include "store/doors.h"
#include "store/hash.h"
#include "store/kv_shard.h"
#include "store/ulid.h"

namespace mimus {
namespace {

constexpr std::size_t shard_count = 16;
constexpr std::size_t max_cold_keys = 1u << 20;
constexpr std::size_t max_loads = 4096;    // misses that may wait for the disk
constexpr std::size_t max_prefixes = 256;  // removals that may wait for the disk
constexpr std::size_t sweep_keys = 512;    // looked at in one go
constexpr std::size_t removed_at_once = 4096;
constexpr std::uint64_t batch_bytes = 1u << 20;
constexpr std::chrono::milliseconds write_delay{200};
constexpr std::chrono::seconds sweep_delay{1};

std::string disk_key(std::string_view key) { return std::string{owner::kv}.append(key); }

class TableKv final : public KvStore {
 public:
  TableKv(Table& table, const Clock& clock, std::uint64_t max_bytes)
      : table_(table), clock_(clock), seed_(random_seed()), cursor_{owner::kv} {
    for (auto& shard : shards_) {
      shard = std::make_unique<KvShard>(std::max<std::uint64_t>(max_bytes / shard_count, 1),
                                        max_cold_keys / shard_count, removals_);
    }
    thread_ = std::thread([this] { run(); });
  }

  ~TableKv() override {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  Found get(std::string_view text, const std::function<void(std::string_view)>& with,
            std::function<void()> loaded) override {
    const KvKeyView key = hashed(text);
    switch (shard(key).get(key, clock_.wall_us(), with)) {
      case KvShard::Look::yes:
        return Found::yes;
      case KvShard::Look::absent:
        return Found::absent;
      case KvShard::Look::cold:
        break;
    }
    if (!loaded || prefix_removed(text)) return Found::absent;
    {
      const std::lock_guard lock(mutex_);
      if (loads_.size() >= max_loads || stop_) return Found::absent;
      loads_.push_back({std::string(text), std::move(loaded)});
    }
    wake_.notify_one();
    return Found::pending;
  }

  Status put(std::string_view text, std::string_view value, std::uint64_t ttl_ms) override {
    const KvKeyView key = hashed(text);
    return accepted(shard(key), shard(key).put(key, value, expiry(ttl_ms)));
  }

  Status remove(std::string_view text) override {
    const KvKeyView key = hashed(text);
    return accepted(shard(key), shard(key).remove(key));
  }

  Status remove_prefix(std::string_view prefix) override {
    std::list<Removal>::iterator removal;
    {
      const std::lock_guard lock(mutex_);
      if (prefixes_.size() >= max_prefixes) return queue_is_full();
      removal = prefixes_.insert(prefixes_.end(), {std::string(prefix), false});
      ++removals_;
    }
    for (auto& shard : shards_) shard->remove_prefix(prefix);
    const std::lock_guard lock(mutex_);
    removal->ready = true;
    return Done{};
  }

  Status flush() override {
    std::unique_lock lock(mutex_);
    const std::uint64_t wanted = ++flush_wanted_;
    wake_.notify_one();
    flushed_.wait(lock, [&] { return flush_done_ >= wanted; });
    return last_flush_;
  }

  Stats stats() const override {
    Stats out;
    for (const auto& shard : shards_) {
      const KvShard::Stats part = shard->stats();
      out.entries += part.entries;
      out.bytes += part.bytes;
      out.queued += part.queued;
      out.evicted += part.evicted;
    }
    out.write_errors = write_errors_.load();
    return out;
  }

 private:
  struct Load {
    std::string key;
    std::function<void()> loaded;
  };
  struct Removal {
    std::string prefix;
    bool ready;  // what memory held is marked; now the disk's turn
  };

  KvKeyView hashed(std::string_view text) const { return {text, hash_bytes(text, seed_)}; }
  KvShard& shard(const KvKeyView& key) { return *shards_[key.hash >> 60]; }
  static_assert(shard_count == 16, "the top four bits of the hash choose the shard");

  std::int64_t expiry(std::uint64_t ttl_ms) const {
    if (ttl_ms == 0) return 0;
    constexpr std::uint64_t longest = std::uint64_t{1000} * 365 * 86'400'000;  // a thousand years
    return clock_.wall_us() + static_cast<std::int64_t>(std::min(ttl_ms, longest)) * 1000;
  }

  static Error queue_is_full() { return {Code::unavailable, "the key-value store's write queue is full"}; }

  Status accepted(const KvShard& by, bool taken) {
    if (by.urgent() && !hurry_.exchange(true)) wake_.notify_one();
    if (!taken) return queue_is_full();
    return Done{};
  }

  bool prefix_removed(std::string_view key) {
    if (removals_.load() == 0) return false;
    const std::lock_guard lock(mutex_);
    return std::any_of(prefixes_.begin(), prefixes_.end(),
                       [&](const Removal& removal) { return key.starts_with(removal.prefix); });
  }

  void run() {
    std::unique_lock lock(mutex_);
    for (bool last = false; !last;) {
      if (all_swept_) {
        wake_.wait_for(lock, write_delay, [&] {
          return stop_ || hurry_.load() || !loads_.empty() || flush_wanted_ != flush_done_;
        });
      }
      last = stop_;
      hurry_.store(false);
      const std::uint64_t wanted = flush_wanted_;
      std::deque<Load> loads = std::exchange(loads_, {});
      lock.unlock();

      // Removals first: what is put after one must be written after it.
      Status status = remove_prefixes();
      if (Status written = write_dirty(); !written) status = written;
      for (Load& load : loads) read_back(load);
      if (!last) sweep();

      lock.lock();
      last_flush_ = std::move(status);
      flush_done_ = wanted;
      flushed_.notify_all();
    }
  }

  Status remove_prefixes() {
    for (;;) {
      std::list<Removal>::iterator removal;
      {
        const std::lock_guard lock(mutex_);
        removal = prefixes_.begin();
        if (removal == prefixes_.end() || !removal->ready) return Done{};
      }
      const std::string prefix = disk_key(removal->prefix);
      Status status = Done{};
      for (std::string from = prefix; status && !from.empty();) {
        Batch batch;
        std::string next;
        std::size_t seen = 0;
        status = table_.scan(Space::main, from, after_prefix({owner::kv}),
                             [&](std::string_view key, std::string_view) {
                               if (!key.starts_with(prefix)) return false;
                               if (++seen > removed_at_once) {
                                 next = key;
                                 return false;
                               }
                               const KvKeyView known = hashed(key.substr(1));
                               if (shard(known).forget(known.text, known.hash, false))
                                 batch.remove(Space::main, std::string(key));
                               return true;
                             });
        if (status && !batch.writes().empty()) status = table_.write(batch, false);
        from = std::move(next);
      }
      if (!status) {
        ++write_errors_;
        return status;  // it stays in the list, so its keys stay absent
      }
      const std::lock_guard lock(mutex_);
      prefixes_.erase(removal);
      --removals_;
    }
  }

  Status write_dirty() {
    Status status = Done{};
    std::vector<KvShard::Dirty> dirty;
    for (auto& shard : shards_) {
      for (bool more = true; more;) {
        dirty.clear();
        more = shard->collect(batch_bytes, dirty);
        if (dirty.empty()) break;
        Batch batch;
        for (KvShard::Dirty& entry : dirty) {
          if (entry.gone) {
            batch.remove(Space::main, disk_key(entry.key));
            continue;
          }
          std::string value;
          value.reserve(sizeof entry.expires_us + entry.value.size());
          bytes::add_fixed(value, entry.expires_us);
          batch.put(Space::main, disk_key(entry.key), std::move(value.append(entry.value)));
        }
        status = table_.write(batch, false);
        for (const KvShard::Dirty& entry : dirty) shard->flushed(entry, static_cast<bool>(status));
        if (!status) {
          ++write_errors_;
          return status;
        }
      }
    }
    return status;
  }

  void read_back(Load& load) {
    const KvKeyView key = hashed(load.key);
    const Result<std::string> stored = table_.get(Space::main, disk_key(load.key));
    bytes::Reader from(stored ? std::string_view(*stored) : std::string_view());
    const auto expires_us = from.fixed<std::int64_t>();
    const std::string_view value = from.rest();
    const bool there = from.ok() && (expires_us == 0 || expires_us > clock_.wall_us());
    shard(key).loaded(key, there ? &value : nullptr, expires_us, [&] { return prefix_removed(load.key); });
    load.loaded();
  }

  /// Looks at the next few keys on disk: expired ones go. The first time round also finds
  /// out what is there. As this thread alone writes, what it reads here is the newest.
  void sweep() {
    if (all_swept_ && clock_.now() - swept_ < sweep_delay) return;
    swept_ = clock_.now();
    const std::int64_t wall_us = clock_.wall_us();
    Batch batch;
    std::size_t seen = 0;
    std::string next;
    const Status scanned = table_.scan(Space::main, cursor_, after_prefix({owner::kv}),
                                       [&](std::string_view stored, std::string_view value) {
                                         if (++seen > sweep_keys) {
                                           next = stored;
                                           return false;
                                         }
                                         bytes::Reader from(value);
                                         const auto expires_us = from.fixed<std::int64_t>();
                                         const KvKeyView key = hashed(stored.substr(1));
                                         if (!from.ok() || (expires_us != 0 && expires_us <= wall_us)) {
                                           if (shard(key).forget(key.text, key.hash, true))
                                             batch.remove(Space::main, std::string(stored));
                                         } else if (!all_swept_) {
                                           shard(key).offer(key, from.rest(), expires_us,
                                                            [&] { return prefix_removed(key.text); });
                                         }
                                         return true;
                                       });
    if (!batch.writes().empty() && !table_.write(batch, false)) ++write_errors_;  // the next round's then
    if (scanned && next.empty() && !all_swept_) {
      for (auto& shard : shards_) shard->all_offered();
      all_swept_ = true;
    }
    if (!scanned) all_swept_ = true;  // unknown keys are asked of the disk, one by one
    cursor_ = next.empty() ? std::string{owner::kv} : std::move(next);
  }

  Table& table_;
  const Clock& clock_;
  const std::uint64_t seed_;
  std::array<std::unique_ptr<KvShard>, shard_count> shards_;
  std::atomic<unsigned> removals_{0};  // the size of prefixes_
  std::atomic<bool> hurry_{false};
  std::atomic<std::uint64_t> write_errors_{0};

  // The store thread's alone:
  std::string cursor_;
  std::chrono::microseconds swept_{0};
  bool all_swept_ = false;

  mutable std::mutex mutex_;
  std::condition_variable wake_, flushed_;
  // Guarded by mutex_:
  bool stop_ = false;
  std::deque<Load> loads_;
  std::list<Removal> prefixes_;
  std::uint64_t flush_wanted_ = 0, flush_done_ = 0;
  Status last_flush_ = Done{};

  std::thread thread_;
};

}  // namespace

std::unique_ptr<KvStore> kv_on(Table& table, const Clock& clock, std::uint64_t max_bytes) {
  return std::make_unique<TableKv>(table, clock, max_bytes);
}

}  // namespace mimus
