// What the parent hands to the server: open sockets, as one hidden argument. Pure.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "host/net/server.h"
#include "mimus/result.h"

namespace mimus {

struct Inheritance {
  pid_t parent = 0;
  std::vector<Listener> listeners;
};

std::string inheritance_text(const Inheritance& inheritance);

/// Errors: invalid - it is not what inheritance_text made
Result<Inheritance> parse_inheritance(std::string_view text);

}  // namespace mimus
