// What the child of the probe does with the plugin.
#include "host/kit/child.h"
#include "host/kit/probe.h"
#include "host/kit/samples.h"
#include "host/kit/trial.h"

namespace mimus::kit {
namespace {

constexpr unsigned cpu_seconds = 10;

/// Why the plugin must not be loaded; "" if it may.
std::string try_out(const std::string& file) {
  auto plugin = Opened::open(file);
  if (!plugin) return plugin.error().message;
  StepWatcher steps;
  {
    testing::FakeHost host(*spied(plugin->table(), steps), plugin->manifest().text,
                           {.options = options_of(standard_input())});
    host.collect_misuse();
    if (std::string why = refusal_of(host, steps.last()); !why.empty()) return why;
    walk(host, plugin->manifest(), {});
    host.quiesce();
  }
  plugin->close();
  return {};
}

}  // namespace

int probe_child(const std::string& file) {
  if (!begin_child(cpu_seconds)) return 2;
  report().add(try_out(file));
  report().end();
}

}  // namespace mimus::kit
