// valijson with RE2 in the place of std::regex, which crashes on long texts and takes
// exponential time. valijson 1.0 has no hook for it, so its headers are read with the names
// exchanged, and in a namespace of their own: another user of valijson in the same program
// must not share its inline functions. For schema.cc only.
#pragma once

#include <re2/re2.h>

#include <regex>
#include <string>

#include "plugins/validate/prepare.h"

namespace mimus::validate {

/// One validation under way on this thread.
struct Run {
  const Patterns& patterns;
  std::size_t steps_left;
};
inline thread_local Run* current_run = nullptr;

/// Stands for std::regex: finds what `prepare` compiled.
class Pattern {
 public:
  explicit Pattern(const std::string& text) {
    if (current_run == nullptr) return;
    const auto it = current_run->patterns.find(text);
    if (it != current_run->patterns.end()) compiled_ = it->second.get();
  }
  bool found_in(const std::string& text) const {
    return compiled_ != nullptr && re2::RE2::PartialMatch(text, *compiled_);
  }

 private:
  const re2::RE2* compiled_ = nullptr;
};

inline bool pattern_search(const std::string& text, const Pattern& pattern) { return pattern.found_in(text); }
/// Used by valijson for `format` alone, which `prepare` takes out.
template <class... Any>
bool pattern_match(Any&&...) {
  return false;
}

}  // namespace mimus::validate

namespace std {
using mimus_pattern = mimus::validate::Pattern;
using mimus::validate::pattern_match;
using mimus::validate::pattern_search;
}  // namespace std

// Without this, valijson ends the process where it finds a schema malformed.
#define VALIJSON_USE_EXCEPTIONS 1
#define valijson valijson_re2
#define regex mimus_pattern
#define regex_search pattern_search
#define regex_match pattern_match
