// zlib and brotli in one call each.
#include "plugins/compress/encode.h"

#include <brotli/encode.h>
#include <zlib.h>

namespace mimus::compress {
namespace {

constexpr int gzip_level = 6;
constexpr int gzip_window = 15 + 16;  // 32 KiB, and gzip's frame in place of zlib's
constexpr int gzip_memory = 8;
constexpr int brotli_quality = 5;

Error out_of_memory(const char* library) { return {Code::unavailable, std::string(library) + ": no memory"}; }

Result<std::string> gzip(std::string_view body) {
  z_stream stream{};
  if (deflateInit2(&stream, gzip_level, Z_DEFLATED, gzip_window, gzip_memory, Z_DEFAULT_STRATEGY) != Z_OK) {
    return out_of_memory("zlib");
  }
  std::string out(deflateBound(&stream, body.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int ended = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (ended != Z_STREAM_END) return out_of_memory("zlib");
  return out;
}

Result<std::string> brotli(std::string_view body) {
  std::string out(BrotliEncoderMaxCompressedSize(body.size()), '\0');
  std::size_t size = out.size();
  if (BrotliEncoderCompress(brotli_quality, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, body.size(),
                            reinterpret_cast<const std::uint8_t*>(body.data()), &size,
                            reinterpret_cast<std::uint8_t*>(out.data())) != BROTLI_TRUE) {
    return out_of_memory("brotli");
  }
  out.resize(size);
  return out;
}

}  // namespace

Result<std::string> encode(Coding coding, std::string_view body) {
  return coding == Coding::br ? brotli(body) : gzip(body);
}

}  // namespace mimus::compress
