// Three plugins whose hooks a test writes on the spot: "test.a" around "test.b" around "test.c".
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/plugin_host.h"
#include "mimus/plugin.hpp"

namespace mimus {

/// What one of them does; a hook that is not set says NEXT. Set before a flow starts.
struct Script {
  std::function<mimus_action(Request&)> request, resume, response;
  std::function<mimus_action(Request&, std::string_view)> body;
  std::function<mimus_action(Request&, std::string_view, mimus_rc)> response_body;
  std::function<void(Request&)> end;
  /// Empty: it binds. What it answers is in the place of a binding: OK is "not in this pipeline".
  std::function<mimus_rc(const View&)> bind;
};

struct Probes {
  std::array<Script, 3> scripts;
  Script& a = scripts[0];
  Script& b = scripts[1];
  Script& c = scripts[2];

  void note(const std::string& what);
  std::vector<std::string> calls();  ///< "a request", "b end", … in order; forgets them.
};
/// The probes of the test that runs.
Probes& probes();
void reset_probes();

/// The sources of the three: a (observe) and c (content) fail closed, b (traffic) fails open.
/// `without`: hooks that their tables have not, by name: "on_resume", "on_request_body".
std::vector<PluginSource> probe_sources(const std::string& without = "");

}  // namespace mimus
