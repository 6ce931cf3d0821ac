// A seeded 64-bit hash of bytes, so that clients who choose keys cannot choose collisions.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace mimus {

/// The same for the same seed and bytes in every process, so it may be stored.
inline std::uint64_t hash_bytes(std::string_view text, std::uint64_t seed) {
  // Multiply and fold, as in wyhash (Wang Yi): each 8 bytes are mixed by a 128-bit product.
  const auto fold = [](std::uint64_t a, std::uint64_t b) {
    const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  constexpr std::uint64_t p0 = 0xa0761d6478bd642full;
  constexpr std::uint64_t p1 = 0xe7037ed1a0b428dbull;
  std::uint64_t state = fold(seed ^ p0, text.size() ^ p1);
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    state = fold(state ^ word, seed ^ p1);
  }
  std::uint64_t word = 0;
  if (left > 0) std::memcpy(&word, at, left);
  return fold(state ^ word ^ p0, p1);
}

}  // namespace mimus
