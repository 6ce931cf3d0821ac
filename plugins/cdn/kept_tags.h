// Entity tags of bodies that were seen lately, so that a mock's body is hashed once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mimus::cdn {

/// A quoted MD5 in hexadecimal.
using Tag = std::array<char, 34>;

/// Finds a tag by where the body lies, and believes it only if the content is the same, too:
/// comparing costs a thirtieth of hashing. At most `slots` bodies of up to `max_body` bytes.
/// Not thread-safe: one for each worker.
class KeptTags {
 public:
  static constexpr std::size_t slots = 64;
  static constexpr std::size_t max_body = 64u << 10;

  /// `hash(body)` is asked where no tag is kept. Valid until the next call.
  template <class Hash>
  const Tag& of(std::string_view body, Hash&& hash) {
    if (slots_.empty()) slots_.resize(slots);
    const std::uint64_t place = reinterpret_cast<std::uintptr_t>(body.data()) * 0x9e3779b97f4a7c15;
    Slot& slot = slots_[place >> 32 & (slots - 1)];
    if (slot.known && slot.body == body) return slot.tag;
    slot.tag = hash(body);
    slot.known = body.size() <= max_body;
    if (slot.known) slot.body.assign(body);
    return slot.tag;
  }

 private:
  struct Slot {
    bool known = false;
    Tag tag{};
    std::string body;
  };
  std::vector<Slot> slots_;  // Empty until the first use.
};

}  // namespace mimus::cdn
