// A list in the order of use, and the places in it by body.
#include "plugins/compress/coded_bodies.h"

#include <utility>

namespace mimus::compress {

const std::string* CodedBodies::find(Coding coding, std::string_view body) {
  const auto place = places_.find({coding, body});
  if (place == places_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, place->second);
  return &kept_.front().coded;
}

std::size_t CodedBodies::keep(Coding coding, std::string_view body, std::string coded) {
  coded.shrink_to_fit();  // the encoder's worst case was as large as the body
  if (body.size() + coded.size() + overhead > max_bytes_ / 2) return 0;
  kept_.push_front({coding, std::string(body), std::move(coded)});
  bytes_ += kept_.front().bytes();
  places_.emplace(Key{coding, kept_.front().body}, kept_.begin());
  std::size_t dropped = 0;
  for (; bytes_ > max_bytes_; ++dropped) {
    const Kept& oldest = kept_.back();
    bytes_ -= oldest.bytes();
    places_.erase({oldest.coding, oldest.body});
    kept_.pop_back();
  }
  return dropped;
}

}  // namespace mimus::compress
