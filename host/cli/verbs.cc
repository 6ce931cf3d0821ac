#include "host/cli/verbs.h"

#include <algorithm>
#include <cstdio>

#include "host/cli/log.h"

namespace mimus {

int fail(const Error& error) {
  std::fprintf(stderr, "mimus: %s\n", log_line(error.message).c_str());
  return error.code == Code::invalid ? 2 : 1;
}

int usage_fault(const std::string& what) { return fail(invalid(what)); }

bool asks_for_help(const Arguments& arguments) {
  return std::any_of(arguments.begin(), arguments.end(),
                     [](const std::string& word) { return word == "--help" || word == "-h"; });
}

int show_help(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return 0;
}

}  // namespace mimus
