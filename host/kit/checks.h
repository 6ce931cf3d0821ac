// What the checks share: one plugin file in the child process that checks it.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "host/kit/check.h"
#include "host/kit/opened.h"
#include "host/kit/trial.h"

namespace mimus::kit {

/// One check at work. Remarks go to report() at once, so that a crash loses none.
class Case {
 public:
  Case(std::string file_of_plugin, std::string options, std::uint64_t random_seed, const Clock& time)
      : file(std::move(file_of_plugin)), options_json(std::move(options)), seed(random_seed), clock(time) {}

  const std::string file;
  const std::string options_json;
  const std::uint64_t seed;
  const Clock& clock;

  void error(const std::string& text) { remark('E', text); }
  void warning(const std::string& text) { remark('W', text); }
  void info(const std::string& text) { remark('I', text); }

  /// The plugin; nothing, and an error told, if it does not load.
  std::optional<Opened> open();
  testing::Setup setup(const Manifest& manifest) const;
  /// Whether the host's life began; else an error is told.
  bool lives(const testing::FakeHost& host, const StepWatcher& steps);
  /// Ends the host's life, and tells of what the plugin did that the contract forbids.
  void misuses(testing::FakeHost& host);

 private:
  void remark(char level, const std::string& text);
};

/// Time that a check may spend on repeating itself: a slow plugin is tried fewer times, not killed.
class Patience {
 public:
  explicit Patience(const Clock& clock) : clock_(clock), until_(clock.now() + std::chrono::seconds(5)) {}
  bool left() const { return clock_.now() < until_; }

 private:
  const Clock& clock_;
  std::chrono::microseconds until_;
};

/// A fake host with the plugin alive in it, every step told; nothing if it does not come to life.
struct Life {
  std::optional<Opened> plugin;
  StepWatcher steps;
  std::unique_ptr<testing::FakeHost> host;
  explicit operator bool() const { return host != nullptr; }
  const Manifest& manifest() const { return plugin->manifest(); }
};
void begin(Life& life, Case& t);

/// Whether the check of this name measures time.
bool runs_alone(std::string_view name);

struct Check {
  const char* name;
  const char* title;
  bool alone;  ///< Measures time: nothing else of the report runs meanwhile.
  void (*run)(Case&);
};

// The file (checks_file.cc)
void check_elf(Case&);
void check_manifest(Case&);
void check_signature(Case&);
void check_exports(Case&);
void check_tls(Case&);
void check_load(Case&);
void check_table(Case&);
// Life and death (checks_life.cc, checks_unload.cc)
void check_life(Case&);
void check_quiesce_twice(Case&);
void check_instance_leak(Case&);
void check_request_leak(Case&);
void check_residue(Case&);
void check_unload(Case&);
void check_swap(Case&);
// What it is shown (checks_hooks.cc, checks_threads.cc)
void check_requests(Case&);
void check_channels(Case&);
void check_admin(Case&);
void check_records(Case&);
void check_cancel(Case&);
void check_resume(Case&);
void check_threads(Case&);
void check_budget(Case&);
// What the host does (checks_host.cc)
void check_refusals(Case&);
void check_withheld(Case&);
void check_extensions(Case&);
void check_older_host(Case&);
void check_newer_host(Case&);
// What it is configured with (checks_config.cc)
void check_definitions(Case&);
void check_options(Case&);

}  // namespace mimus::kit
