// ULIDs: 48 bits of milliseconds since 1970, then 80 bits that never repeat; ours begin with
// the microseconds, so that ids of several sources come in the order of time.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mimus {

struct Ulid {
  std::array<std::uint8_t, 16> bytes{};

  /// 26 characters of Crockford's base 32, upper case (github.com/ulid/spec).
  std::string text() const;
  void text_to(char out[26]) const;

  /// The id that `text` spells, either case; nothing if it is not 26 such characters or
  /// overflows 128 bits.
  static std::optional<Ulid> parse(std::string_view text);

  std::int64_t wall_ms() const;
  auto operator<=>(const Ulid&) const = default;
};

/// Makes ULIDs that rise strictly, also when the wall clock stands still or goes back.
/// Not thread-safe: one for each thread.
class UlidSource {
 public:
  /// `seed` tells sources apart; give each one its own random 64 bits.
  explicit UlidSource(std::uint64_t seed);
  Ulid next(std::int64_t wall_us);

 private:
  std::uint64_t state_;
  Ulid last_;
};

/// 64 bits from the kernel's random source.
std::uint64_t random_seed();

}  // namespace mimus

template <>
struct std::hash<mimus::Ulid> {
  std::size_t operator()(const mimus::Ulid& id) const noexcept;
};
