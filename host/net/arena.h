// Memory for one exchange: bump allocation, everything freed at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace mimus {

/// Keeps its first block from one reset to the next, so that a warmed-up arena does not
/// touch the heap. Not thread-safe.
class Arena {
 public:
  /// Aligned for anything; never nullptr, also for 0 bytes.
  void* allocate(std::size_t bytes) {
    bytes = (bytes + 15) & ~std::size_t{15};
    if (bytes > static_cast<std::size_t>(end_ - next_)) grow(bytes);
    void* const out = next_;
    next_ += bytes;
    return out;
  }

  std::string_view copy(std::string_view text) {
    char* const out = static_cast<char*>(allocate(text.size()));
    if (!text.empty()) std::memcpy(out, text.data(), text.size());
    return {out, text.size()};
  }

  void reset() {
    large_.clear();
    next_ = first_.get();
    end_ = next_ + (first_ ? first_bytes : 0);
  }

 private:
  static constexpr std::size_t first_bytes = 8192;

  void grow(std::size_t bytes) {
    if (!first_ && bytes <= first_bytes) {
      first_ = std::make_unique_for_overwrite<char[]>(first_bytes);
      next_ = first_.get();
      end_ = next_ + first_bytes;
      return;
    }
    const std::size_t size = bytes > first_bytes ? bytes : first_bytes;
    large_.push_back(std::make_unique_for_overwrite<char[]>(size));
    next_ = large_.back().get();
    end_ = next_ + size;
  }

  std::unique_ptr<char[]> first_;
  std::vector<std::unique_ptr<char[]>> large_;
  char* next_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace mimus
