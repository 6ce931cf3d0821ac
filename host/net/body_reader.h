// A request's body, taken out of its framing piece by piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "host/net/bytes.h"
#include "host/net/head_scan.h"

namespace mimus {

/// What a body whose reading ends `bad` is refused with.
inline constexpr Refusal bad_chunks{400, "the chunked body is malformed"};

/// Content-Length or chunked. Trailers and chunk extensions are bounded, held to their grammar
/// and dropped. Memory grows only with bytes that came in, never with sizes that were announced.
class BodyReader {
 public:
  enum class State { more, end, bad, too_large };

  void start_length(std::uint64_t length);
  void start_chunked();

  /// Takes body bytes off the front of `input`, appending them to `out` (nullptr: dropped),
  /// never more than `limit` of them in all. After `bad` or `too_large` the connection's
  /// framing is lost.
  State read(std::string_view& input, Bytes* out, std::uint64_t limit);

  std::uint64_t received() const { return received_; }
  bool ended() const { return phase_ == Phase::end; }
  /// What is known to be still to come; 0 for a chunked body.
  std::uint64_t known_left() const { return phase_ == Phase::length ? left_ : 0; }

 private:
  enum class Phase : std::uint8_t { end, length, size_start, size, extension, data, data_end, trailer };

  /// Where in a chunk extension: after its ";", in its name, …
  enum class Extension : std::uint8_t { start, name, name_end, equals, value, quoted, escape, close, end };

  bool take_data(std::string_view& input, Bytes* out, std::uint64_t limit);
  State step_line(char c);
  State step_extension(char c);
  State step_trailer(char c);
  bool line_may_end() const;
  State end_line();

  Phase phase_ = Phase::end;
  Extension extension_ = Extension::start;
  bool after_return_ = false;  // The last byte was a carriage return that must end a line.
  bool trailer_has_name_ = false;
  std::uint32_t line_bytes_ = 0;  // Of the line at hand; of all trailers together.
  std::uint32_t line_start_ = 0;  // Where the trailer line at hand began in line_bytes_.
  std::uint64_t left_ = 0;        // Of the body, or of the chunk.
  std::uint64_t received_ = 0;
};

}  // namespace mimus
