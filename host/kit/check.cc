#include "host/kit/check.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "host/kit/checks.h"
#include "host/kit/child.h"

namespace mimus::kit {
namespace {

/// The remarks that a child left on its page: "E text\n" and so on. Not trusted.
std::vector<Remark> remarks_in(std::string_view page) {
  std::vector<Remark> out;
  while (!page.empty()) {
    const std::size_t end = std::min(page.find('\n'), page.size());
    const std::string_view line = page.substr(0, end);
    page.remove_prefix(std::min(end + 1, page.size()));
    if (line.size() < 3) continue;
    const Level level = line[0] == 'E' ? Level::error : line[0] == 'W' ? Level::warning : Level::info;
    out.push_back({level, one_line(line.substr(2))});
  }
  return out;
}

/// A plugin that hung once is not waited for as long in the other checks.
constexpr int patience_lost = 6;

/// Runs one check in its child. An error if no child can be started.
Status run_one(const CheckRequest& request, const Clock& clock, std::atomic<bool>& hung, CheckResult& check) {
  const auto started = clock.now();
  const auto timeout = hung ? request.timeout / patience_lost : request.timeout;
  const auto end =
      run_child({.program = request.program,
                 .arguments = {"plugin", "run-check", check.name, request.file, std::to_string(request.seed)},
                 .input = request.options_json,
                 .timeout = timeout});
  if (!end) return end.error();
  if (end->how == ChildEnd::How::hung) hung = true;
  check.remarks = remarks_in(end->text);
  if (end->how != ChildEnd::How::done) check.remarks.push_back({Level::error, told(*end, timeout)});
  check.took = clock.now() - started;
  return Done{};
}

/// Some checks on several threads; the first failure to start a child.
Status run_some(const CheckRequest& request, const Clock& clock, const std::vector<CheckResult*>& some,
                std::atomic<bool>& hung, std::size_t threads) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  Status failed = Done{};  // guarded by mutex
  const auto work = [&] {
    for (std::size_t i = next++; i < some.size(); i = next++) {
      const Status status = run_one(request, clock, hung, *some[i]);
      if (status) continue;
      const std::lock_guard lock(mutex);
      if (failed) failed = status;
    }
  };
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < std::min(threads, some.size()); ++i) others.emplace_back(work);
  work();
  for (std::thread& one : others) one.join();
  return failed;
}

}  // namespace

std::string_view name_of(Level level) {
  constexpr std::string_view names[] = {"info", "warning", "error"};
  return names[static_cast<std::size_t>(level)];
}

Level CheckResult::level() const {
  Level worst = Level::info;
  for (const Remark& remark : remarks) worst = std::max(worst, remark.level);
  return worst;
}

std::size_t CheckReport::count(Level level) const {
  std::size_t out = 0;
  for (const CheckResult& check : checks) {
    out += static_cast<std::size_t>(std::count_if(check.remarks.begin(), check.remarks.end(),
                                                  [&](const Remark& one) { return one.level == level; }));
  }
  return out;
}

bool CheckReport::passed(bool strict) const {
  return count(Level::error) == 0 && (!strict || count(Level::warning) == 0);
}

Result<CheckReport> run_checks(const CheckRequest& request, const Clock& clock) {
  struct stat info {};
  if (::stat(request.file.c_str(), &info) != 0 || !S_ISREG(info.st_mode))
    return Error{Code::not_found, "there is no file " + request.file};
  CheckReport out;
  out.file = request.file;
  out.seed = request.seed;
  for (CheckResult& check : known_checks()) {
    const bool wanted = request.names.empty() || std::find(request.names.begin(), request.names.end(),
                                                           check.name) != request.names.end();
    if (wanted) out.checks.push_back(std::move(check));
  }
  for (const std::string& name : request.names) {
    if (std::any_of(out.checks.begin(), out.checks.end(), [&](const auto& one) { return one.name == name; }))
      continue;
    std::string all;
    for (const CheckResult& check : known_checks()) all += (all.empty() ? "" : ", ") + check.name;
    return invalid("there is no check called " + one_line(name) + "; there are " + all);
  }
  if (const auto text = read_manifest(request.file)) {
    if (const auto manifest = parse_manifest(*text)) {
      out.id = one_line(manifest->id);
      out.version = one_line(manifest->version);
    }
  }
  const auto started = clock.now();
  std::vector<CheckResult*> together, alone;
  for (CheckResult& check : out.checks) (runs_alone(check.name) ? alone : together).push_back(&check);
  std::atomic<bool> hung{false};
  if (Status ran = run_some(request, clock, together, hung, request.at_once); !ran)
    return std::move(ran).error();
  if (Status ran = run_some(request, clock, alone, hung, 1); !ran) return std::move(ran).error();
  out.took = clock.now() - started;
  return out;
}

}  // namespace mimus::kit
