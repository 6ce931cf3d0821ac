// Inflates one compressed message after the other, never beyond a limit (RFC 7692, 7.2.2).
#include "host/channel/inflater.h"

#include <algorithm>
#include <array>
#include <new>

namespace mimus {
namespace {

/// How the last block ends that a sender flushes with, and then takes away.
constexpr std::string_view tail{"\x00\x00\xff\xff", 4};
/// zlib's data_type: it stands between two blocks.
constexpr int between_blocks = 128;

/// Room for `more` bytes, by doubling, but never for more than `limit` in all.
void make_room(std::string& out, std::size_t more, std::size_t limit) {
  const std::size_t needed = out.size() + more;
  if (needed > out.capacity()) out.reserve(std::min(limit, std::max(needed, 2 * out.capacity())));
}

}  // namespace

Inflater::Inflater() {
  // What a sender may use at most: it serves smaller windows as well.
  if (::inflateInit2(&stream_, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
}

Inflater::~Inflater() { ::inflateEnd(&stream_); }

void Inflater::reset() {
  ::inflateReset(&stream_);
  ended_ = false;
}

Inflater::Outcome Inflater::inflate(std::string_view compressed, std::string& out, std::size_t limit) {
  std::array<char, 8192> chunk;
  stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));  // zlib only reads it
  stream_.avail_in = static_cast<uInt>(compressed.size());
  do {
    stream_.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream_.avail_out = chunk.size();
    const int said = ::inflate(&stream_, Z_SYNC_FLUSH);
    const std::size_t size = chunk.size() - stream_.avail_out;
    if (size > limit - out.size()) return Outcome::too_big;
    if (said != Z_OK && said != Z_BUF_ERROR && said != Z_STREAM_END) return Outcome::broken;
    make_room(out, size, limit);
    out.append(chunk.data(), size);
    if (said == Z_STREAM_END) {  // 7.2.3.4: another stream may follow a final block
      ended_ = true;
      ::inflateReset(&stream_);
    }
  } while (stream_.avail_in > 0 || stream_.avail_out == 0);
  return Outcome::good;
}

Inflater::Outcome Inflater::finish(std::string& out, std::size_t limit) {
  if (stream_.total_in == 0 && !ended_) return Outcome::good;  // some compress nothing to nothing
  Outcome outcome = inflate(tail, out, limit);
  // A message that was cut takes the tail for a part of itself.
  const bool whole = ended_ || (stream_.data_type & between_blocks) != 0;
  if (outcome == Outcome::good && !whole) outcome = Outcome::broken;
  reset();
  return outcome;
}

}  // namespace mimus
