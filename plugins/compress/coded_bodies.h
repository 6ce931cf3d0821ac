// Bodies that were coded before, so that content which does not change is coded once.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "plugins/compress/coding.h"

namespace mimus::compress {

/// By the body itself, not a digest of it: comparing costs less and mistakes nothing. The
/// least recently used go first. Not thread-safe: one for each worker.
class CodedBodies {
 public:
  /// Keeps at most so many bytes: of the bodies, their coded forms and what finds them.
  explicit CodedBodies(std::size_t max_bytes) : max_bytes_(max_bytes) {}
  CodedBodies(const CodedBodies&) = delete;
  CodedBodies& operator=(const CodedBodies&) = delete;

  /// The coded form of `body`, valid until the next `keep`; nullptr if it is not kept.
  const std::string* find(Coding coding, std::string_view body);

  /// Keeps a coded form that `find` did not find, unless it is too large to be kept beside
  /// others. Returns how many were dropped for it.
  std::size_t keep(Coding coding, std::string_view body, std::string coded);

  std::size_t bytes() const { return bytes_; }

 private:
  struct Key {
    Coding coding;
    std::string_view body;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const {
      return std::hash<std::string_view>()(key.body) + static_cast<std::size_t>(key.coding);
    }
  };
  struct Kept {
    Coding coding;
    std::string body, coded;
    std::size_t bytes() const { return body.size() + coded.size() + overhead; }
  };
  static constexpr std::size_t overhead = 256;  // of an entry, its nodes and allocations

  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::list<Kept> kept_;  // the most recently used first
  std::unordered_map<Key, std::list<Kept>::iterator, Hash> places_;
};

}  // namespace mimus::compress
