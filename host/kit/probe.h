// The probe: a plugin's code tried in a child process before it is loaded into the host.
#pragma once

#include <chrono>
#include <string>

#include "host/kit/child.h"
#include "mimus/result.h"

namespace mimus::kit {

struct ProbeRequest {
  std::string file;                 ///< The private copy that will be loaded; absolute, or /proc/self/fd/N.
  std::string options_json = "{}";  ///< What `configure` will be given; over the manifest's defaults.
  std::string program = own_program();  ///< A mimus program: what is run in the child.
  std::chrono::milliseconds timeout{5000};
};

/// Has a child process load the file, compare its table with its manifest, and take an instance through
/// its life against the fake host: create, configure, self_test, activate, definitions bound, hostile
/// requests, quiesce, destroy, unload. Time is virtual there: nothing that a plugin waits for takes
/// long. Blocks for some ms if the plugin is good, at most for `timeout` as run_child counts it; any
/// thread, several at once.
/// What the plugin answers is not judged: see `mimus plugin check` for that.
/// Errors: invalid     - the plugin must not be loaded. The message has no subject: "crashed with
///                       SIGSEGV in on_request", "did not return from create within 5 s: …",
///                       "refused its configuration: …", and says what to mend
///         unavailable - no child can be started; says nothing of the plugin
Status probe_image(const ProbeRequest& request);

/// `mimus plugin probe FILE`, which is what the child runs: options on stdin, the report on its page.
/// Does not return, but for 2 where no parent reads the report.
int probe_child(const std::string& file);

}  // namespace mimus::kit
