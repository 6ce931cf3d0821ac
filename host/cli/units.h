// Texts that people write for numbers, times, sizes and addresses, as values. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mimus {

/// A whole decimal number inside the bounds, both included; nothing for all else.
std::optional<std::int64_t> parse_integer(std::string_view text, std::int64_t minimum, std::int64_t maximum);

/// "yes" or "no"; "true", "1", "false" and "0" too, which scripts put into an environment.
std::optional<bool> parse_yes_no(std::string_view text);

/// "250ms", "60s", "5m", "1h", "0": a time in whole units.
std::optional<std::chrono::milliseconds> parse_milliseconds(std::string_view text);

struct Retention {
  std::optional<std::chrono::seconds> age;  ///< At least a second, at most 10,000 days.
  std::optional<std::uint64_t> bytes;       ///< At least 1 MiB.
};

/// "7d,1GiB": an age (s, m, h, d, w) or a size (B, KiB, MiB, GiB, TiB) or both, in any order.
std::optional<Retention> parse_retention(std::string_view text);

/// Whether text is a numeric address, or one with "/bits".
bool is_cidr(std::string_view text);

/// Whether only this machine can reach what listens on "ADDR:PORT" or "unix:PATH".
bool is_loopback(std::string_view address);

}  // namespace mimus
