#include "host/kit/checks.h"

#include <algorithm>

#include "host/kit/child.h"
#include "host/kit/samples.h"
#include "host/plugin/capabilities.h"

namespace mimus::kit {
namespace {

constexpr unsigned cpu_seconds = 120;

constexpr Check checks[] = {
    {"elf", "its headers let it be loaded, unloaded and moved", false, check_elf},
    {"manifest", "its manifest and the schemas in it parse", false, check_manifest},
    {"signature", "who signed it", false, check_signature},
    {"exports", "it exports its entry and nothing else", false, check_exports},
    {"tls", "no thread's storage keeps it mapped", false, check_tls},
    {"load", "it loads at once, in under 50 ms", true, check_load},
    {"table", "its table agrees with its manifest and this host", false, check_table},
    {"life", "an instance is made and ended", false, check_life},
    {"quiesce", "it may be quiesced twice", false, check_quiesce_twice},
    {"instance-leak", "1,000 instances leave no memory behind", false, check_instance_leak},
    {"request-leak", "requests leave no memory behind", false, check_request_leak},
    {"residue", "an instance leaves no thread and no descriptor behind", false, check_residue},
    {"unload", "200 loads and unloads leave nothing mapped", false, check_unload},
    {"swap", "100 swaps with requests in flight leave nothing mapped", false, check_swap},
    {"requests", "it stands empty, huge, binary and repeated requests", false, check_requests},
    {"channels", "it stands channels that open, stall and close", false, check_channels},
    {"admin", "it stands any request to its admin routes", false, check_admin},
    {"records", "it stands any journal record", false, check_records},
    {"cancel", "it stands clients that go at any moment", false, check_cancel},
    {"resume", "it stands resumes that come too late", false, check_resume},
    {"threads", "it stands requests on eight threads", false, check_threads},
    {"refusals", "it stands every refusal of every host function", false, check_refusals},
    {"withheld", "it stands a host that denies it its capabilities", false, check_withheld},
    {"extensions", "it knows only its own extensions", false, check_extensions},
    {"older-host", "it reads no table beyond its size", false, check_older_host},
    {"newer-host", "it runs on a host of a later minor version", false, check_newer_host},
    {"definitions", "it stands any definition, right or slightly wrong", false, check_definitions},
    {"options", "it stands any options, right or slightly wrong", false, check_options},
    {"budget", "99 of 100 calls of each hook take under 1 ms", true, check_budget},
};

}  // namespace

std::optional<Opened> Case::open() {
  auto plugin = Opened::open(file);
  if (plugin) return *std::move(plugin);
  error(plugin.error().message);
  return std::nullopt;
}

testing::Setup Case::setup(const Manifest& manifest) const {
  testing::Setup out{.options = options_of(options_json)};
  for (const char* id :
       {"mimus.kv/1", "mimus.fetch/1", "mimus.forward/1", "mimus.journal/1", "mimus.channel/1"}) {
    if (!may_use(manifest.capabilities, id)) out.withheld.emplace_back(id);
  }
  return out;
}

bool Case::lives(const testing::FakeHost& host, const StepWatcher& steps) {
  const std::string why = refusal_of(host, steps.last());
  if (!why.empty()) error(why);
  return why.empty();
}

void Case::misuses(testing::FakeHost& host) {
  host.end();
  std::vector<std::string> told = host.misuse();
  std::sort(told.begin(), told.end());
  told.erase(std::unique(told.begin(), told.end()), told.end());
  for (const std::string& one : told) error("breaks the contract of mimus/plugin.h: " + one);
}

void Case::remark(char level, const std::string& text) {
  report().add(level + (" " + one_line(text)) + "\n");
}

void begin(Life& life, Case& t) {
  life.plugin = t.open();
  if (!life.plugin) return;
  auto host = std::make_unique<testing::FakeHost>(*spied(life.plugin->table(), life.steps),
                                                  life.manifest().text, t.setup(life.manifest()));
  host->collect_misuse();
  if (t.lives(*host, life.steps)) life.host = std::move(host);
}

std::vector<CheckResult> known_checks() {
  std::vector<CheckResult> out;
  for (const Check& check : checks) out.push_back({check.name, check.title, {}, {}});
  return out;
}

bool runs_alone(std::string_view name) {
  const auto* const at = std::find_if(std::begin(checks), std::end(checks),
                                      [&](const Check& check) { return name == check.name; });
  return at != std::end(checks) && at->alone;
}

int check_child(const std::string& name, const std::string& file, std::uint64_t seed, const Clock& clock) {
  if (!begin_child(cpu_seconds)) return 2;
  for (const Check& check : checks) {
    if (name != check.name) continue;
    Case t(file, standard_input(), seed, clock);
    check.run(t);
    report().end();
  }
  return 2;
}

}  // namespace mimus::kit
