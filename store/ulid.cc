#include "store/ulid.h"

#include <sys/random.h>

#include <cstring>

namespace mimus {
namespace {

constexpr char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The value of a base 32 digit, -1 if it is none. I, L, O and U are not in the alphabet.
int digit(char c) {
  if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  const char* const at = c == '\0' ? nullptr : std::strchr(alphabet, c);
  return at == nullptr ? -1 : static_cast<int>(at - alphabet);
}

}  // namespace

void Ulid::text_to(char out[26]) const {
  // 128 bits in groups of five, the first of which has three.
  unsigned bits = 2;  // two zero bits ahead make 130, a multiple of five
  unsigned held = 0;
  int at = 0;
  for (const std::uint8_t byte : bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out[at++] = alphabet[(held >> bits) & 31];
    }
  }
}

std::string Ulid::text() const {
  std::string out(26, '\0');
  text_to(out.data());
  return out;
}

std::optional<Ulid> Ulid::parse(std::string_view text) {
  if (text.size() != 26 || digit(text[0]) > 7) return std::nullopt;
  Ulid out;
  unsigned held = 0;
  unsigned bits = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int value = digit(text[i]);
    if (value < 0) return std::nullopt;
    held = (held << 5) | static_cast<unsigned>(value);
    bits += i == 0 ? 3 : 5;
    if (bits >= 8) {
      bits -= 8;
      out.bytes[at++] = static_cast<std::uint8_t>(held >> bits);
    }
  }
  return out;
}

std::int64_t Ulid::wall_ms() const {
  std::int64_t out = 0;
  for (int i = 0; i < 6; ++i) out = (out << 8) | bytes[static_cast<std::size_t>(i)];
  return out;
}

UlidSource::UlidSource(std::uint64_t seed) : state_(seed) {}

Ulid UlidSource::next(std::int64_t wall_us) {
  // 58 bits of time: the milliseconds, then ten bits for the microseconds in them.
  const auto time =
      static_cast<std::uint64_t>(wall_us / 1000) << 10 | static_cast<std::uint64_t>(wall_us % 1000);
  std::uint64_t last_time = 0;
  for (int i = 0; i < 8; ++i) last_time = last_time << 8 | last_.bytes[static_cast<std::size_t>(i)];
  last_time >>= 6;
  if (time > last_time) {
    // SplitMix64 (Steele, Lea, Flood 2014)
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    const std::uint64_t high = time << 6 | state_ >> 58;
    for (int i = 0; i < 8; ++i) {
      last_.bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(high >> (56 - 8 * i));
      last_.bytes[static_cast<std::size_t>(8 + i)] = static_cast<std::uint8_t>(z >> (56 - 8 * i));
    }
    return last_;
  }
  for (std::size_t i = 16; i-- > 0;) {  // the same microsecond: one more than the last
    if (++last_.bytes[i] != 0) break;
  }
  return last_;
}

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed) std::abort();  // cannot fail for 8 bytes
  return seed;
}

}  // namespace mimus

std::size_t std::hash<mimus::Ulid>::operator()(const mimus::Ulid& id) const noexcept {
  std::size_t tail = 0;
  std::memcpy(&tail, id.bytes.data() + 8, sizeof tail);
  return tail * 0x9e3779b97f4a7c15u;
}
