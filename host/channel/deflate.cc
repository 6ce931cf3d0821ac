// permessage-deflate (RFC 7692): what is agreed on in the handshake, and compressed frames.
#include "host/channel/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>

#include "host/channel/extension_offer.h"

namespace mimus {
namespace {

/// 8 to 15, without a leading zero (7.1.2); 0 if it is not.
int window_bits_in(const std::string& value) {
  static constexpr std::array<std::string_view, 8> words{"8", "9", "10", "11", "12", "13", "14", "15"};
  const auto at = std::find(words.begin(), words.end(), value);
  return at == words.end() ? 0 : static_cast<int>(at - words.begin()) + 8;
}

bool repeats(const ExtensionOffer& offer) {
  std::vector<std::string_view> names;
  for (const ExtensionParameter& one : offer.parameters) names.push_back(one.name);
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

/// Whether this offer can be accepted; sets the window that it asks for.
bool accept(const ExtensionOffer& offer, int& server_window_bits) {
  if (offer.name != "permessage-deflate" || repeats(offer)) return false;
  for (const auto& [name, value] : offer.parameters) {
    if (name == "server_no_context_takeover" || name == "client_no_context_takeover") {
      if (value) return false;
    } else if (name == "server_max_window_bits") {
      server_window_bits = value ? window_bits_in(*value) : 0;
      if (server_window_bits == 0) return false;
    } else if (name == "client_max_window_bits") {
      if (value && window_bits_in(*value) == 0) return false;
    } else {
      return false;
    }
  }
  return true;
}

/// A thread's compressor, for one whole message at a time.
class Compressor {
 public:
  ~Compressor() { end(); }

  /// `payload` as 7.2.1 has it, flushed and without the last block's tail; "" if that is not
  /// smaller.
  std::string compressed(std::string_view payload, int window_bits) {
    begin(window_bits);
    std::string out(payload.size(), '\0');
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(payload.data()));  // zlib only reads it
    stream_.avail_in = static_cast<uInt>(payload.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    ::deflate(&stream_, Z_SYNC_FLUSH);
    if (stream_.avail_out == 0) return {};  // more may be to come
    out.resize(out.size() - stream_.avail_out - 4);
    return out;
  }

 private:
  void begin(int window_bits) {
    if (window_bits_ == window_bits) {
      ::deflateReset(&stream_);
      return;
    }
    end();
    stream_ = {};
    // It runs on a worker's loop: the best level costs twice as much, for a few hundredths less.
    if (::deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, -window_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
    window_bits_ = window_bits;
  }
  void end() {
    if (window_bits_ != 0) ::deflateEnd(&stream_);
    window_bits_ = 0;
  }

  z_stream stream_{};
  int window_bits_ = 0;  ///< Of the stream; 0: there is none.
};

thread_local Compressor compressor;

}  // namespace

bool are_extension_lists(std::span<const std::string_view> offers) {
  return std::all_of(offers.begin(), offers.end(),
                     [](std::string_view value) { return extension_offers(value); });
}

std::optional<DeflateTerms> agree_on_deflate(std::span<const std::string_view> offers) {
  std::optional<DeflateTerms> terms;
  for (const std::string_view value : offers) {
    const auto list = extension_offers(value);
    if (!list) return std::nullopt;
    for (const ExtensionOffer& offer : *list) {
      int bits = 0;
      if (terms || !accept(offer, bits)) continue;
      terms.emplace();
      terms->answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
      if (bits == 0) continue;
      terms->server_window_bits = bits;
      terms->answer += "; server_max_window_bits=" + std::to_string(bits);
    }
  }
  return terms;
}

std::string deflated_frame(Opcode opcode, std::string_view payload, int window_bits) {
  const bool message = opcode == Opcode::text || opcode == Opcode::binary;
  if (!message || payload.size() < min_deflated_bytes) return frame(opcode, payload);
  // zlib has no raw window of 256 bytes; with one of 512 it looks back 250 at most.
  const std::string deflated = compressor.compressed(payload, std::max(window_bits, 9));
  return deflated.empty() ? frame(opcode, payload) : compressed_frame(opcode, deflated);
}

}  // namespace mimus
