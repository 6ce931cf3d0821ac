// `mimus plugin check`: every property that a plugin needs to be loaded and swapped, each tried in a child.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "host/kit/child.h"
#include "mimus/clock.h"
#include "mimus/result.h"

namespace mimus::kit {

/// info: nothing to mend. warning: works, but not everywhere or not well. error: must be mended.
enum class Level : std::uint8_t { info, warning, error };
std::string_view name_of(Level level);

struct Remark {
  Level level = Level::error;
  std::string text;  ///< One line; what was seen and how to mend it, without a subject.
};

struct CheckRequest {
  std::string file;
  std::string options_json = "{}";            ///< For `configure`, over the manifest's defaults.
  std::uint64_t seed = 1;                     ///< Of what is made up; equal seeds, equal checks.
  std::vector<std::string> names;             ///< Only these checks; empty for all.
  std::string program = own_program();        ///< A mimus program: what is run in the children.
  std::chrono::milliseconds timeout{30'000};  ///< Of each check.
  unsigned at_once = 2;                       ///< Children that run at one time.
};

struct CheckResult {
  std::string name, title;
  std::vector<Remark> remarks;
  std::chrono::microseconds took{0};

  /// The worst of its remarks.
  Level level() const;
};

struct CheckReport {
  std::string file, id, version;  ///< id and version are "" if the manifest cannot be read.
  std::uint64_t seed = 1;
  std::vector<CheckResult> checks;
  std::chrono::microseconds took{0};

  std::size_t count(Level level) const;  ///< Of remarks.
  /// No errors; if `strict`, no warnings either.
  bool passed(bool strict) const;
};

/// The names and titles of all checks, in order.
std::vector<CheckResult> known_checks();

/// Runs the checks, each in a child process of its own, so that a crash is one failed check. Blocks for
/// seconds.
/// Errors: invalid     - a name is that of no check
///         not_found   - there is no such file
///         unavailable - no child can be started
Result<CheckReport> run_checks(const CheckRequest& request, const Clock& clock);

/// `mimus plugin run-check NAME FILE SEED`, which is what a child runs: options on stdin, remarks on its
/// page. Does not return, but for 2 where no parent reads them or there is no such check.
int check_child(const std::string& name, const std::string& file, std::uint64_t seed, const Clock& clock);

enum class CheckFormat : std::uint8_t { text, json, junit };
/// The report for people, as one JSON object, or as JUnit's XML; ends with a line end. What it quotes of
/// the file has neither control characters nor bytes that are not UTF-8.
std::string written(const CheckReport& report, CheckFormat format, bool strict);

}  // namespace mimus::kit
