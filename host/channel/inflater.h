// Inflates one compressed message after the other, never beyond a limit (RFC 7692, 7.2.2).
//
// This header is C++17, for framing.cc.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace mimus {

/// Messages that were compressed without what went before them (no context takeover), with a
/// window of any size. Holds about 7 KiB, and 32 KiB more once a message came in pieces.
/// Not thread-safe.
class Inflater {
 public:
  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  enum class Outcome : unsigned char {
    good,
    too_big,  ///< `out` would be longer than `limit`.
    broken,   ///< This is not what any compressor makes.
  };
  /// Appends to `out` what the next bytes of the message stand for. `out` never holds, nor
  /// reserves, more than `limit` bytes.
  Outcome inflate(std::string_view compressed, std::string& out, std::size_t limit);
  /// The same for the message's end, which the wire leaves out. Ready for the next message
  /// afterwards.
  Outcome finish(std::string& out, std::size_t limit);
  /// Forgets a message that was begun.
  void reset();

 private:
  z_stream stream_{};
  bool ended_ = false;  ///< A final block was among them.
};

}  // namespace mimus
