// Checks of an instance's life: made, ended, and nothing left.
#include <dirent.h>
#include <malloc.h>

#include <algorithm>

#include "host/kit/checks.h"
#include "host/kit/definitions.h"
#include "host/kit/samples.h"

namespace mimus::kit {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool counts_memory = false;
#else
constexpr bool counts_memory = true;
#endif

constexpr std::size_t instances = 1000;
constexpr std::size_t request_rounds = 100;
constexpr std::size_t bytes_per_instance = 16;  // a counter's worth
constexpr std::size_t bytes_per_round = 256;

/// Bytes that malloc has given out and not got back, of all threads.
std::size_t allocated() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

std::size_t entries_of(const char* directory) {
  std::size_t n = 0;
  DIR* const open = ::opendir(directory);
  if (open == nullptr) return 0;
  while (::readdir(open) != nullptr) ++n;
  ::closedir(open);
  return n;
}

/// One instance from create to destroy; false, and told, if it does not come to life.
bool live(Case& t, const Opened& plugin, StepWatcher& steps,
          const std::function<void(testing::FakeHost&)>& during) {
  testing::FakeHost host(*spied(plugin.table(), steps), plugin.manifest().text, t.setup(plugin.manifest()));
  host.collect_misuse();
  if (!t.lives(host, steps)) return false;
  during(host);
  return true;
}

/// What `round` allocates and does not free, in bytes for each time, after its caches are warm; nothing
/// if a round fails.
std::optional<std::size_t> growth(const Clock& clock, std::size_t most, const std::function<bool()>& round) {
  const std::size_t warm = most / 10, least = most / 20;
  for (std::size_t i = 0; i < warm; ++i) {
    if (!round()) return std::nullopt;
  }
  const Patience patience(clock);
  std::size_t rounds = 0;
  const std::size_t before = allocated();
  for (; rounds < most && (rounds < least || patience.left()); ++rounds) {
    if (!round()) return std::nullopt;
  }
  const std::size_t after = allocated();
  return after <= before ? 0 : (after - before) / rounds;
}

void tell_growth(Case& t, std::optional<std::size_t> each, std::size_t most, const char* what) {
  if (!each) return;
  if (*each > most) {
    t.error("leaks " + std::to_string(*each) + " bytes for each " + what +
            ": run its tests under AddressSanitizer to see where they were allocated");
  } else if (counts_memory) {
    t.info(std::to_string(*each) + " bytes remain for each " + what);
  } else {
    t.info("memory is not counted in a build with sanitizers");
  }
}

}  // namespace

void check_life(Case& t) {
  Life life;
  begin(life, t);
  if (!life) return;
  life.host->quiesce();
  t.misuses(*life.host);
  life.host.reset();
  life.plugin->close();
}

void check_quiesce_twice(Case& t) {
  Life life;
  begin(life, t);
  if (!life) return;
  for (const testing::Definition& definition : definitions(life.manifest())) {
    testing::Bound& bound = life.host->bind(definition);
    if (!bound.in_pipeline || definition.level == MIMUS_LEVEL_CHANNEL) continue;
    // Requests that were on their way still come after quiesce.
    const auto& all = samples(false);
    testing::Exchange& x = life.host->start(bound, all.front().request);
    life.host->quiesce();
    life.host->quiesce();
    settle(*life.host, x, all.front().behind);
    for (const Sample& sample : all) show(*life.host, bound, sample);
  }
  life.host->quiesce();
  t.misuses(*life.host);
}

void check_instance_leak(Case& t) {
  const auto plugin = t.open();
  if (!plugin) return;
  StepWatcher steps;
  const auto round = [&] { return live(t, *plugin, steps, [](testing::FakeHost&) {}); };
  tell_growth(t, growth(t.clock, instances, round), bytes_per_instance, "instance");
}

void check_request_leak(Case& t) {
  const auto plugin = t.open();
  if (!plugin) return;
  StepWatcher steps;
  const auto all = definitions(plugin->manifest());
  const auto& shown = samples(false);
  const auto round = [&] {
    return live(t, *plugin, steps, [&](testing::FakeHost& host) {
      for (const testing::Definition& definition : all) {
        testing::Bound& bound = host.bind(definition);
        if (!bound.in_pipeline || definition.level == MIMUS_LEVEL_CHANNEL) continue;
        for (const Sample& sample : shown) show(host, bound, sample);
      }
    });
  };
  tell_growth(t, growth(t.clock, request_rounds, round), bytes_per_round, "instance with its requests");
}

void check_residue(Case& t) {
  const auto plugin = t.open();
  if (!plugin) return;
  StepWatcher steps;
  const auto life = [&] {
    return live(t, *plugin, steps, [&](testing::FakeHost& host) { walk(host, plugin->manifest(), {}); });
  };
  const std::size_t threads = entries_of("/proc/self/task");
  if (threads == 0) return t.info("threads and descriptors are not looked at: there is no /proc");
  // The first life may open what stays with the process, like the time zone's file.
  if (!life()) return;
  const std::size_t files = entries_of("/proc/self/fd");
  for (int i = 0; i < 3; ++i) {
    if (!life()) return;
  }
  // A joined thread's entry may outlive the join by a moment: it is looked for again.
  for (int i = 0; i < 200 && entries_of("/proc/self/task") > threads; ++i) ::sched_yield();
  if (entries_of("/proc/self/task") > threads)
    t.error(
        "has a thread that runs on after destroy, in code that is about to be unmapped: join it in quiesce");
  if (entries_of("/proc/self/fd") > files)
    t.error("leaves a descriptor open with each instance: close it in destroy");
}

}  // namespace mimus::kit
