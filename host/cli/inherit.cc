#include "host/cli/inherit.h"

#include <algorithm>
#include <climits>

#include "host/cli/units.h"

namespace mimus {
namespace {

/// What stands before the next `end`, which is taken off too.
std::string_view take(std::string_view& text, char end) {
  const std::size_t at = std::min(text.find(end), text.size());
  const std::string_view out = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return out;
}

}  // namespace

// A line for the parent's pid, then one for each listener: "pa 3,4 http://127.0.0.1:3000".
std::string inheritance_text(const Inheritance& inheritance) {
  std::string out = std::to_string(inheritance.parent);
  for (const Listener& listener : inheritance.listeners) {
    out += listener.serves_public ? "\np" : "\n-";
    out += listener.serves_admin ? "a " : "- ";
    for (std::size_t i = 0; i < listener.fds.size(); ++i)
      out += (i == 0 ? "" : ",") + std::to_string(listener.fds[i]);
    out += ' ' + listener.url;
  }
  return out;
}

Result<Inheritance> parse_inheritance(std::string_view text) {
  const Error wrong = invalid("--inherit is for Mimus itself");
  Inheritance out;
  const auto pid = parse_integer(take(text, '\n'), 1, INT_MAX);
  if (!pid) return wrong;
  out.parent = static_cast<pid_t>(*pid);
  while (!text.empty()) {
    std::string_view line = take(text, '\n');
    const std::string_view serves = take(line, ' ');
    std::string_view numbers = take(line, ' ');
    if (serves.size() != 2 || numbers.empty() || line.empty()) return wrong;
    Listener listener;
    listener.serves_public = serves[0] == 'p';
    listener.serves_admin = serves[1] == 'a';
    while (!numbers.empty()) {
      const auto fd = parse_integer(take(numbers, ','), 3, INT_MAX);
      if (!fd) return wrong;
      listener.fds.push_back(static_cast<int>(*fd));
    }
    listener.url = line;
    out.listeners.push_back(std::move(listener));
  }
  return out;
}

}  // namespace mimus
