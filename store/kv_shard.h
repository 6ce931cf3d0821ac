// One shard of the KV in memory: what is live, what must go to disk, what is only there.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace mimus {

/// A key with its hash, computed once for shard, map and cold set.
struct KvKey {
  std::string text;
  std::uint64_t hash = 0;
};
struct KvKeyView {
  std::string_view text;
  std::uint64_t hash = 0;
};

/// Thread-safe. An entry is either dirty (in the queue to the disk, pinned) or clean (on
/// disk as it is here, in the order of its last use, evicted from the far end).
class KvShard {
 public:
  struct Entry {
    const KvKey* key = nullptr;  // of the map's node
    std::string value;
    std::int64_t expires_us = 0;  // wall clock; 0: never
    std::uint64_t version = 0;
    bool gone = false;  // removed (dirty) or known not to be on disk (clean)
    bool dirty = false;
    Entry* before = nullptr;
    Entry* after = nullptr;
  };

  /// A dirty entry as it was when collected. `entry` stays valid until flushed() is told.
  struct Dirty {
    Entry* entry = nullptr;
    std::uint64_t version = 0;
    bool gone = false;
    std::string key, value;
    std::int64_t expires_us = 0;
  };

  enum class Look : std::uint8_t { yes, absent, cold };

  /// `pinned`, which must outlive this, says while it is not 0 that nothing may be evicted.
  KvShard(std::uint64_t max_bytes, std::size_t max_cold, const std::atomic<unsigned>& pinned);

  Look get(KvKeyView key, std::int64_t wall_us, const std::function<void(std::string_view)>& with);

  /// False: the queue to the disk is full and nothing was changed.
  bool put(KvKeyView key, std::string_view value, std::int64_t expires_us);
  bool remove(KvKeyView key);
  void remove_prefix(std::string_view prefix);

  // The rest is the store thread's.

  /// Appends copies of dirty entries, oldest first, until `max_bytes` are reached. Returns
  /// whether there are more.
  bool collect(std::uint64_t max_bytes, std::vector<Dirty>& out);
  /// What was collected is on disk (`ok`) or must be collected again.
  void flushed(const Dirty& written, bool ok);

  /// What the disk says of a key that get() called cold; `stale` is asked under the lock
  /// whether that must be taken for absent after all.
  void loaded(KvKeyView key, const std::string_view* value, std::int64_t expires_us,
              const std::function<bool()>& stale);
  /// A key met while reading what the last process left: kept if there is room, else noted.
  void offer(KvKeyView key, std::string_view value, std::int64_t expires_us,
             const std::function<bool()>& stale);
  /// All keys were offered: from now on an unknown key is absent without asking the disk.
  void all_offered();
  /// Whether the disk's copy of a key whose time is over (`expired`) or whose prefix was
  /// removed may go; if so it is forgotten here as well.
  bool forget(std::string_view key, std::uint64_t hash, bool expired);

  struct Stats {
    std::uint64_t entries = 0, bytes = 0, queued = 0, evicted = 0;
  };
  Stats stats() const;
  bool urgent() const { return urgent_.load(std::memory_order_relaxed); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const KvKey& key) const { return key.hash; }
    std::size_t operator()(const KvKeyView& key) const { return key.hash; }
  };
  struct Same {
    using is_transparent = void;
    bool operator()(const KvKey& a, const KvKey& b) const { return a.text == b.text; }
    bool operator()(const KvKeyView& a, const KvKey& b) const { return a.text == b.text; }
    bool operator()(const KvKey& a, const KvKeyView& b) const { return a.text == b.text; }
  };
  struct List {
    Entry* first = nullptr;
    Entry* last = nullptr;
    void append(Entry& entry);
    void unlink(Entry& entry);
  };
  struct AsIs {
    std::size_t operator()(std::uint64_t hash) const { return hash; }
  };
  using Map = std::unordered_map<KvKey, Entry, Hash, Same>;

  static std::uint64_t cost(const Entry& entry);
  Entry& make(KvKeyView key);
  void set(Entry& entry, std::string_view value, std::int64_t expires_us, bool gone);
  void make_dirty(Entry& entry);
  void erase(Entry& entry);
  void evict();
  void note_cold(std::uint64_t hash);
  bool queue_full(std::uint64_t more) const;

  const std::uint64_t max_bytes_;
  const std::size_t max_cold_;
  const std::atomic<unsigned>& pinned_;
  std::atomic<bool> urgent_{false};  // the queue is half full

  mutable std::mutex mutex_;
  // Guarded by mutex_:
  Map map_;
  List dirty_, clean_;
  std::uint64_t bytes_ = 0, dirty_bytes_ = 0, dirty_count_ = 0, evicted_ = 0, gone_count_ = 0;
  /// Hashes of the keys that are on disk only. Exact while knows_all_; without that every
  /// key that is not in the map may be on disk.
  std::unordered_set<std::uint64_t, AsIs> cold_;
  bool knows_all_ = false;
  bool overflowed_ = false;
};

}  // namespace mimus
