// Where a request's head ends, found as the bytes come in, within the limits.
#pragma once

#include <cstddef>
#include <string_view>

namespace mimus {

struct Limits;

/// A status to refuse a request with, and why; 0: none.
struct Refusal {
  int status = 0;
  const char* detail = "";
  explicit operator bool() const { return status != 0; }
};

/// Remembers how far it looked, so that a head that drips in byte by byte costs one pass.
/// One for each message. It refuses what would make the end doubtful: bare line feeds,
/// folded lines, a first byte that starts no method (TLS, for one).
class HeadScan {
 public:
  enum class Found { more, end, refused };

  /// `input` starts at the message's first byte and has grown since the last call. The head
  /// is input[begin(), end()) when it was found; one empty line before it is skipped.
  Found scan(std::string_view input, const Limits& limits);

  std::size_t begin() const { return begin_; }
  std::size_t end() const { return line_; }
  const Refusal& refusal() const { return refusal_; }

 private:
  Found refuse(int status, const char* detail);

  std::size_t begin_ = 0;   // Of the request line.
  std::size_t line_ = 0;    // Of the line at hand.
  std::size_t looked_ = 0;  // No line feed in [line_, looked_).
  std::size_t lines_ = 0;   // Complete, not counting an empty first one.
  Refusal refusal_;
};

}  // namespace mimus
