// What a client makes of coded bytes.
#pragma once

#include <brotli/decode.h>
#include <zlib.h>

#include <string>
#include <string_view>

namespace mimus::compress {

/// The content of a whole gzip or br body of at most 2 MiB; a text that no test expects if
/// it is none.
inline std::string decoded(std::string_view coding, std::string_view bytes) {
  std::string out(2 << 20, '\0');
  if (coding == "br") {
    std::size_t size = out.size();
    if (BrotliDecoderDecompress(bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data()), &size,
                                reinterpret_cast<std::uint8_t*>(out.data())) != BROTLI_DECODER_RESULT_SUCCESS)
      return "this is not br";
    out.resize(size);
    return out;
  }
  z_stream stream{};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  constexpr int gzip_only = 15 + 16;
  if (inflateInit2(&stream, gzip_only) != Z_OK) return "no memory";
  const int ended = inflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  const bool whole = ended == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  return whole ? out : "this is not gzip";
}

}  // namespace mimus::compress
