// Writes small MaxMind-format databases, so that tests need no download.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugins/analytics/address.h"

namespace mimus::analytics {

/// A value of the format: text, or a map of values.
struct MmdbValue {
  std::string text;
  std::vector<std::pair<std::string, MmdbValue>> map;

  MmdbValue(const char* t) : text(t) {}
  MmdbValue(std::vector<std::pair<std::string, MmdbValue>> m) : map(std::move(m)) {}

  std::string encoded() const {
    if (map.empty()) return string(text);
    std::string out(1, static_cast<char>(7 << 5 | map.size()));
    for (const auto& [key, value] : map) out += string(key) + value.encoded();
    return out;
  }
  /// Below 29 bytes, which the format's short form holds.
  static std::string string(std::string_view t) {
    return static_cast<char>(2 << 5 | t.size()) + std::string(t);
  }
};

/// A tree of IPv6 with IPv4 at ::/96, records of 24 bits.
class MmdbWriter {
 public:
  /// Every address whose first `bits` bits are those of `address` (96 more for IPv4).
  void insert(const Address& address, unsigned bits, const MmdbValue& value) {
    Address path = address;
    if (is_ipv4(address)) {
      path[10] = path[11] = 0;
      bits += 96;
    }
    std::size_t node = 0;
    for (unsigned i = 0; i < bits; ++i) {
      const unsigned side = path[i / 8] >> (7 - i % 8) & 1;
      if (i + 1 == bits) {
        nodes_[node][side] = {Kind::data, data_.size()};
      } else if (nodes_[node][side].kind != Kind::node) {
        nodes_[node][side] = {Kind::node, nodes_.size()};
        nodes_.emplace_back();
        node = nodes_.size() - 1;
      } else {
        node = nodes_[node][side].at;
      }
    }
    data_ += value.encoded();
  }

  std::string file() const {
    std::string out;
    for (const auto& node : nodes_) {
      for (const Record& r : node) {
        std::size_t value = nodes_.size();
        if (r.kind == Kind::node) value = r.at;
        if (r.kind == Kind::data) value = nodes_.size() + 16 + r.at;
        for (int shift = 16; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
      }
    }
    out += std::string(16, '\0') + data_ + "\xAB\xCD\xEFMaxMind.com";
    out += static_cast<char>(7 << 5 | 9);
    out += MmdbValue::string("node_count") + number(6, nodes_.size(), 4);
    out += MmdbValue::string("record_size") + number(5, 24, 2);
    out += MmdbValue::string("ip_version") + number(5, 6, 2);
    out += MmdbValue::string("database_type") + MmdbValue::string("Test");
    out += MmdbValue::string("languages") + std::string("\x00\x04", 2);
    out += MmdbValue::string("binary_format_major_version") + number(5, 2, 2);
    out += MmdbValue::string("binary_format_minor_version") + number(5, 0, 2);
    out += MmdbValue::string("build_epoch") + std::string("\x08\x02", 2) + std::string(7, '\0') + '\1';
    out += MmdbValue::string("description") + static_cast<char>(7 << 5);
    return out;
  }

 private:
  enum class Kind : unsigned char { nothing, node, data };
  struct Record {
    Kind kind = Kind::nothing;
    std::size_t at = 0;
  };

  static std::string number(int type, std::size_t value, int bytes) {
    std::string out(1, static_cast<char>(type << 5 | bytes));
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
    return out;
  }

  std::vector<std::array<Record, 2>> nodes_{1};
  std::string data_;
};

}  // namespace mimus::analytics
