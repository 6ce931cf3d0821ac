// What the fuzzers share: the entry's name, and how a broken promise ends a run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

/// libFuzzer's entry; corpus_main.cc calls it, too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace mimus::fuzz {

/// Ends the program where `holds` is false, telling what was promised and what came.
inline void require(bool holds, const char* promise, std::string_view got = {}) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n%s\n", promise, std::string(got).c_str());
  std::abort();
}

inline std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out.append(line).append("\n");
  return out;
}

/// Numbers that differ from input to input and are the same for the same input.
class Dice {
 public:
  explicit Dice(std::string_view seed) {
    for (const char c : seed) state_ = (state_ ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  std::size_t below(std::size_t end) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return end == 0 ? 0 : (state_ >> 33) % end;
  }

 private:
  std::uint64_t state_ = 14695981039346656037u;
};

}  // namespace mimus::fuzz
