// SipHash-1-3 (Aumasson and Bernstein), as Rust's and Python's tables use it.
#include "host/route/hash.h"

#include <bit>
#include <cstring>

namespace mimus {
namespace {

struct State {
  std::uint64_t a, b, c, d;

  void round() {
    a += b;
    b = std::rotl(b, 13);
    b ^= a;
    a = std::rotl(a, 32);
    c += d;
    d = std::rotl(d, 16);
    d ^= c;
    a += d;
    d = std::rotl(d, 21);
    d ^= a;
    c += b;
    b = std::rotl(b, 17);
    b ^= c;
    c = std::rotl(c, 32);
  }
  void absorb(std::uint64_t word) {
    d ^= word;
    round();
    a ^= word;
  }
};

}  // namespace

std::uint64_t keyed_hash(HashSeed seed, std::string_view bytes) {
  // Half of SipHash's key is the secret; the other half is derived from it.
  const std::uint64_t k0 = seed.value;
  const std::uint64_t k1 = std::rotl(seed.value, 29) * 0x9e3779b97f4a7c15u;
  State state{k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du, k0 ^ 0x6c7967656e657261u,
              k1 ^ 0x7465646279746573u};
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    state.absorb(word);
  }
  std::uint64_t last = 0;
  if (left > 0) std::memcpy(&last, at, left);
  state.absorb(last | (static_cast<std::uint64_t>(bytes.size()) << 56));
  state.c ^= 0xff;
  state.round();
  state.round();
  state.round();
  return state.a ^ state.b ^ state.c ^ state.d;
}

}  // namespace mimus
