// Numbers as bytes: fixed width, variable width, and a reader that cannot run past the end.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace mimus::bytes {

static_assert(std::endian::native == std::endian::little, "stored numbers are little-endian");

constexpr std::size_t max_varint = 10;

/// Writes at `at`, which has max_varint bytes of room; gives back the end.
inline char* put_varint(char* at, std::uint64_t value) {
  while (value >= 0x80) {
    *at++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *at++ = static_cast<char>(value);
  return at;
}

inline void add_varint(std::string& out, std::uint64_t value) {
  char buffer[max_varint];
  out.append(buffer, put_varint(buffer, value));
}

template <class T>
char* put_fixed(char* at, T value) {
  std::memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

template <class T>
void add_fixed(std::string& out, T value) {
  char buffer[sizeof value];
  out.append(buffer, put_fixed(buffer, value));
}

inline void add_text(std::string& out, std::string_view text) {
  add_varint(out, text.size());
  out.append(text);
}

/// Signed as unsigned, so that small negatives stay short.
inline std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
inline std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

/// Big-endian, so that keys sort as their numbers do.
template <class T>
void add_key(std::string& out, T value) {
  for (int shift = (sizeof value - 1) * 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> shift));
}
template <class T>
T key(std::string_view at) {
  T out = 0;
  for (std::size_t i = 0; i < sizeof out; ++i)
    out = static_cast<T>(out << 8) | static_cast<std::uint8_t>(at[i]);
  return out;
}

/// Takes values off the front. After anything did not fit, ok() is false and values are 0.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool ok() const { return ok_; }
  bool done() const { return at_ == end_; }
  std::string_view rest() const { return {at_, static_cast<std::size_t>(end_ - at_)}; }

  std::uint64_t varint() {
    std::uint64_t out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) break;
      const auto byte = static_cast<std::uint8_t>(*at_++);
      out |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return out;
    }
    fail();
    return 0;
  }

  template <class T>
  T fixed() {
    T out{};
    const std::string_view from = take(sizeof out);
    if (ok_) std::memcpy(&out, from.data(), sizeof out);
    return out;
  }

  std::string_view take(std::uint64_t size) {
    if (size > static_cast<std::uint64_t>(end_ - at_)) {
      fail();
      return {};
    }
    at_ += size;
    return {at_ - size, static_cast<std::size_t>(size)};
  }

  std::string_view text() { return take(varint()); }

 private:
  void fail() {
    ok_ = false;
    at_ = end_;
  }

  const char* at_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace mimus::bytes
