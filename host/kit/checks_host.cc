// Checks against hosts that refuse, lack, or are of another version.
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <set>

#include "host/kit/checks.h"
#include "host/kit/definitions.h"
#include "host/kit/samples.h"

namespace mimus::kit {
namespace {

/// What an operator may deny: the rest is always there.
constexpr const char* deniable[] = {"mimus.kv/1", "mimus.fetch/1", "mimus.forward/1", "mimus.journal/1",
                                    "mimus.channel/1"};
constexpr struct {
  mimus_rc code;
  const char* name;
} codes[] = {{MIMUS_E_NOSPC, "E_NOSPC"},
             {MIMUS_E_UNAVAILABLE, "E_UNAVAILABLE"},
             {MIMUS_E_GONE, "E_GONE"},
             {MIMUS_E_INVAL, "E_INVAL"}};

/// Refuses the calls of one name, or the nth call of all.
class Refuser final : public StepWatcher {
 public:
  std::map<std::string, std::size_t> calls;  // by name, so far
  std::size_t total = 0;
  std::string name;     // refuse these
  std::size_t nth = 0;  // or this one, from 1
  mimus_rc code = MIMUS_E_UNAVAILABLE;

  std::optional<mimus_rc> refuse(const char* call) override {
    ++calls[call];
    ++total;
    return (name == call || total == nth) ? std::optional<mimus_rc>(code) : std::nullopt;
  }
};

/// One life with a little of everything; the host may refuse anything, and so may the plugin.
void live_a_little(const Opened& plugin, StepWatcher& steps, testing::Setup setup) {
  testing::FakeHost host(*spied(plugin.table(), steps), plugin.manifest().text, std::move(setup));
  host.collect_misuse();
  if (host.rc() != MIMUS_OK) return;
  const auto& all = samples(false);
  for (const testing::Definition& definition : definitions(plugin.manifest())) {
    testing::Bound& bound = host.bind(definition);
    if (!bound.in_pipeline) continue;
    if (definition.level == MIMUS_LEVEL_CHANNEL) {
      if (!host.has_peer()) continue;
      host.handshake(bound);
      for (const bool socket_io : {false, true}) {
        testing::Channel& channel = host.open(bound, {.socket_io = socket_io});
        if (socket_io) {
          host.say_event(channel, "x", R"([1,{"_placeholder":true,"num":0}])", {"b"}, 1);
        } else {
          host.say(channel, R"({"event":"x","data":1})");
        }
        host.advance(1'000);
        host.rebind(channel, bound);
        host.close(channel);
      }
      continue;
    }
    for (const std::size_t i : {0u, 1u, 8u, 9u, 11u, 13u, 14u}) show(host, bound, all[i]);
  }
  host.records.push_back({{{"method", "GET"}}, {{"status", 200}}});
  host.admin("GET", "");
  std::vector<testing::Record> batch(1);
  host.enrich(batch);
  host.advance(60'000);
}

/// Offers tables of another size: `more` bytes beyond those that this header knows, or what they are
/// exactly, with unmapped memory behind.
class OtherHost final : public StepWatcher {
 public:
  explicit OtherHost(bool newer) : newer_(newer) {}
  const void* offer(const char* id, const void* table, std::size_t size) override {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t more = newer_ ? 64 : 0;
    auto*& pages = pages_[id];
    if (pages == nullptr) {
      void* const fresh =
          ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (fresh == MAP_FAILED) return table;
      pages = static_cast<char*>(fresh);
      ::mprotect(pages + page, page, PROT_NONE);
    }
    char* const at = pages + page - size - more;
    std::memcpy(at, table, size);
    std::memset(at + size, 0x5a, more);
    const auto told = static_cast<std::uint32_t>(size + more);
    std::memcpy(at, &told, sizeof told);  // every table begins with its size
    if (newer_ && *id == '\0') reinterpret_cast<mimus_host_api*>(at)->abi_minor = MIMUS_ABI_MINOR + 7;
    return at;
  }

 private:
  const bool newer_;
  std::map<std::string, char*> pages_;
};

void live_on(Case& t, bool newer) {
  const auto plugin = t.open();
  if (!plugin) return;
  OtherHost other(newer);
  {
    testing::FakeHost host(*spied(plugin->table(), other), plugin->manifest().text,
                           t.setup(plugin->manifest()));
    host.collect_misuse();
    if (!t.lives(host, other)) return;
    walk(host, plugin->manifest(), {});
    t.misuses(host);
  }
}

}  // namespace

void check_refusals(Case& t) {
  const auto plugin = t.open();
  if (!plugin) return;
  std::map<std::string, std::size_t> seen;
  std::size_t total = 0;
  {
    Refuser counter;
    live_a_little(*plugin, counter, t.setup(plugin->manifest()));
    seen = counter.calls;
    total = counter.total;
  }
  const Patience patience(t.clock);
  for (const auto& [name, times] : seen) {
    for (const auto& refusal : codes) {
      Refuser steps;
      steps.name = name;
      steps.code = refusal.code;
      report().about(name + " gives " + refusal.name);
      live_a_little(*plugin, steps, t.setup(plugin->manifest()));
    }
  }
  // Then each call alone: the first 400, and others evenly.
  const std::size_t stride = 1 + total / 400;
  for (std::size_t nth = 1; nth <= total && patience.left(); nth += nth < 50 ? 1 : stride) {
    Refuser steps;
    steps.nth = nth;
    steps.code = MIMUS_E_NOSPC;
    report().about("call " + std::to_string(nth) + " of the host gives E_NOSPC");
    live_a_little(*plugin, steps, t.setup(plugin->manifest()));
  }
  t.info(std::to_string(seen.size()) + " functions of the host were called, " + std::to_string(total) +
         " times");
}

void check_withheld(Case& t) {
  const auto plugin = t.open();
  if (!plugin) return;
  StepWatcher steps;
  /// True: it began all the same.
  const auto lives_without = [&](std::vector<std::string> ids) {
    testing::Setup setup = t.setup(plugin->manifest());
    setup.withheld = std::move(ids);
    bool began = false;
    {
      testing::FakeHost host(*spied(plugin->table(), steps), plugin->manifest().text, setup);
      host.collect_misuse();
      began = host.rc() == MIMUS_OK;
    }
    live_a_little(*plugin, steps, std::move(setup));
    return began;
  };
  std::string needed;
  for (const char* const id : deniable) {
    report().about("the host has no " + std::string(id));
    if (!lives_without({id})) needed += (needed.empty() ? "" : ", ") + std::string(id);
  }
  report().about("the host grants no capability");
  lives_without({std::begin(deniable), std::end(deniable)});
  if (!needed.empty()) t.info("refuses to begin without " + needed);
}

void check_extensions(Case& t) {
  Life life;
  begin(life, t);
  if (!life) return;
  if (life.plugin->table().get_extension == nullptr) return t.info("has no extensions");
  for (const char* id : {"", "mimus.nothing/1", "mimus.admin/2", "mimus.admin", "mimus.record/10",
                         "MIMUS.ADMIN/1", "mimus.peer/1 ", "\xff"}) {
    if (life.host->extension(id) != nullptr)
      t.error("gives a table for the unknown extension \"" + std::string(id) +
              "\": compare the whole id, and return NULL for all others");
  }
  for (const char* id : {"mimus.admin/1", "mimus.record/1", "mimus.peer/1"}) {
    if (life.host->extension(id) != life.host->extension(id))
      t.error("gives another table for " + std::string(id) +
              " each time it is asked: it must live as long as the code");
  }
}

void check_older_host(Case& t) { live_on(t, false); }
void check_newer_host(Case& t) { live_on(t, true); }

}  // namespace mimus::kit
