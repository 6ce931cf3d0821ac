// A keyed hash, so that nobody outside can choose keys that collide.
#pragma once

#include <cstdint>
#include <string_view>

#include "store/ulid.h"

namespace mimus {

/// The secret of a process's hashes: lent at start (random_seed()), fixed in tests.
struct HashSeed {
  std::uint64_t value = 0;
};

/// SipHash-1-3 of `bytes` under `seed`. Without the seed, collisions cannot be foreseen.
std::uint64_t keyed_hash(HashSeed seed, std::string_view bytes);

inline std::uint64_t keyed_hash(HashSeed seed, const Ulid& id) {
  return keyed_hash(seed, std::string_view(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()));
}

}  // namespace mimus
