// Stands between the fake host and one plugin: sees every call in both directions, and may refuse.
//
// C tables have no room for a closure, so there is one spy in a process: a child that checks one
// plugin. Only the watcher may be called by several threads.
#pragma once

#include <cstddef>
#include <optional>

#include "mimus/plugin.h"

namespace mimus::kit {

/// What is done at every call. The functions of the base do nothing; "hook" is the host calling the
/// plugin, "host" the plugin calling the host. Names are those of plugin.h and live for ever.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void enter_hook(const char*) {}
  virtual void leave_hook(const char*) {}
  virtual void enter_host(const char*) {}
  virtual void leave_host(const char*) {}
  /// A code to return instead of making the call; nothing makes it. Asked inside enter and leave.
  virtual std::optional<mimus_rc> refuse(const char*) { return std::nullopt; }
  /// The table of the host that the plugin is given under an id ("" is mimus_host_api).
  virtual const void* offer(const char*, const void* table, std::size_t) { return table; }
};

/// `plugin` with the watcher told of all its hooks, its extensions' hooks, its callbacks, and of all
/// that it calls of the host. Both live as long as the table is used. One at a time.
const mimus_plugin* spied(const mimus_plugin& plugin, Watcher& watcher);

}  // namespace mimus::kit
