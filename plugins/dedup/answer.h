// A kept answer, and as what it is stored. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mimus::dedup {

inline constexpr std::size_t max_body_bytes = 1u << 20;

struct Header {
  std::string_view name, value;
};

struct Answer {
  int status = 0;
  std::uint64_t run = 0;     ///< Which run of the program kept it.
  std::int64_t kept_us = 0;  ///< When, in microseconds since 1970.
  std::int64_t expires_us = 0;
  std::uint32_t age_s = 0;      ///< How old it was already when it was kept.
  std::vector<Header> headers;  ///< Views, as the body.
  std::string_view body;
};

std::string encode(const Answer& answer);
/// Views into `bytes`. Nothing if encode of this version did not write them.
std::optional<Answer> decode(std::string_view bytes);

/// What becomes of those who wait for an answer.
enum class Verdict : std::uint8_t {
  keep,   ///< May be kept and shared.
  retry,  ///< The server's fault (500 and above): the next one may try again.
  pass    ///< Such an answer is nobody else's: each asks for itself.
};
/// By status and header fields: 206, 304, Set-Cookie, no-store and `Vary: *` are `pass`.
Verdict judge(int status, const std::vector<Header>& headers);

/// Whether a field is stored: those of the message and the hop are not, nor Age and
/// X-Mock-Deduplicated, which each hit sets anew.
bool stored_header(std::string_view name);

/// The value of an Age field in seconds, 0 if it is none.
std::uint32_t age_seconds(std::string_view value);

}  // namespace mimus::dedup
