// Who waits for whom: the requests of one worker whose answer is on its way.
#pragma once

#include <cstdint>
#include <cstring>
#include <unordered_map>

#include "plugins/dedup/answer.h"
#include "plugins/dedup/key.h"

namespace mimus::dedup {

/// What dedup keeps for an exchange; lives in the exchange's memory until on_end.
struct Passage {
  enum class Role : std::uint8_t {
    none,     ///< Not taking part (any more).
    loading,  ///< Waits for the key-value store.
    waiting,  ///< Waits for the leader of its key.
    leading   ///< Its answer is what others wait for.
  };
  Digest key{};
  Role role = Role::none;
  bool waited = false;           ///< It was resumed by a leader at least once.
  bool pass = false;             ///< It shall go on by itself.
  std::uint8_t rounds = 0;       ///< How many leaders it has waited for.
  std::uint8_t loads = 0;        ///< How often it has waited for the store.
  std::uint64_t epoch = 0;       ///< When it began to lead.
  mimus_resume* hold = nullptr;  ///< Owned.
  Passage* before = nullptr;     ///< Neighbours among those who wait.
  Passage* after = nullptr;
};

/// Not thread-safe: each worker has its own. Borrows the passages that wait, each until it
/// leaves or its flight has landed.
class Flights {
 public:
  bool has(const Digest& key) const { return flights_.contains(key); }

  /// The passage leads from now on. REQUIRES: !has(key)
  void begin(const Digest& key) { flights_.emplace(key, Flight{}); }

  /// REQUIRES: has(passage.key)
  void join(Passage& passage) {
    Flight& flight = flights_.find(passage.key)->second;
    passage.before = flight.last;
    passage.after = nullptr;
    (flight.last != nullptr ? flight.last->after : flight.first) = &passage;
    flight.last = &passage;
  }

  /// A passage that waits goes away.
  void leave(Passage& passage) {
    const auto found = flights_.find(passage.key);
    if (found == flights_.end()) return;
    Flight& flight = found->second;
    (passage.before != nullptr ? passage.before->after : flight.first) = passage.after;
    (passage.after != nullptr ? passage.after->before : flight.last) = passage.before;
    passage.before = passage.after = nullptr;
  }

  /// Ends the flight, then calls `wake` with each that waited, in the order they came. A
  /// passage may be gone when its call returns.
  template <class Wake>
  void land(const Digest& key, Wake&& wake) {
    const auto found = flights_.find(key);
    if (found == flights_.end()) return;
    Passage* next = found->second.first;
    flights_.erase(found);
    while (next != nullptr) {
      Passage& passage = *next;
      next = passage.after;
      passage.before = passage.after = nullptr;
      wake(passage);
    }
  }

  std::size_t size() const { return flights_.size(); }

 private:
  struct Flight {
    Passage* first = nullptr;
    Passage* last = nullptr;
  };
  struct DigestHash {
    std::size_t operator()(const Digest& d) const {
      std::size_t h = 0;
      std::memcpy(&h, d.data(), sizeof h);
      return h;
    }
  };
  std::unordered_map<Digest, Flight, DigestHash> flights_;
};

}  // namespace mimus::dedup
