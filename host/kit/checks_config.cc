// Checks with definitions and options that nobody thought of.
#include "host/kit/checks.h"
#include "host/kit/definitions.h"
#include "host/kit/samples.h"

namespace mimus::kit {
namespace {

constexpr std::uint64_t made_definitions = 600, made_options = 100;

/// What is being tried, for the report of a crash.
std::string shortened(const testing::Definition& d) {
  return "fields " + d.fields.substr(0, 300) + ", config " + d.config.substr(0, 200);
}

}  // namespace

void check_definitions(Case& t) {
  Life life;
  begin(life, t);
  if (!life) return;
  Values values(t.seed);
  const auto& shown = samples(false);
  std::size_t bound_ones = 0, refused = 0;
  const Patience patience(t.clock);
  std::uint64_t i = 0;
  for (; i < made_definitions && (i < 30 || patience.left()); ++i) {
    const testing::Definition definition = any_definition(life.manifest(), values, i, i % 2 == 1);
    report().about(shortened(definition));
    const std::vector<testing::Fault> faults = life.host->check(definition);
    testing::Bound& bound = life.host->bind(definition);
    if (bound.rc != MIMUS_OK) {
      ++refused;
      if (bound.rc > 0)
        return t.error("bind answers " + std::to_string(bound.rc) +
                       ": it must be MIMUS_OK or a refusal, below 0");
      if (bound.error.empty())
        t.warning("refuses a binding without a reason: call set_error before returning a refusal");
      continue;
    }
    if (!bound.in_pipeline) continue;
    ++bound_ones;
    if (definition.level != MIMUS_LEVEL_CHANNEL) {
      for (std::size_t k = 0; k < 3; ++k) show(*life.host, bound, shown[(i + k * 5) % shown.size()]);
    } else if (life.host->has_peer()) {
      testing::Channel& channel = life.host->open(bound);
      life.host->advance(500);
      life.host->close(channel);
    }
    life.host->unbind(bound);
  }
  report().about({});
  t.misuses(*life.host);
  t.info("of " + std::to_string(i) + " definitions " + std::to_string(bound_ones) + " were bound and " +
         std::to_string(refused) + " refused");
}

void check_options(Case& t) {
  const auto plugin = t.open();
  if (!plugin) return;
  if (plugin->manifest().options.empty()) return t.info("has no options");
  StepWatcher steps;
  Values values(t.seed);
  std::size_t refused = 0;
  const Patience patience(t.clock);
  std::uint64_t i = 0;
  for (; i < made_options && (i < 10 || patience.left()); ++i) {
    testing::Setup setup = t.setup(plugin->manifest());
    setup.options = any_options(plugin->manifest(), values, i % 2 == 1);
    std::string told;
    for (const auto& [name, value] : setup.options) told += name + " = " + value.substr(0, 200) + " ";
    report().about(told);
    testing::FakeHost host(*spied(plugin->table(), steps), plugin->manifest().text, std::move(setup));
    host.collect_misuse();
    if (host.rc() == MIMUS_OK) continue;
    ++refused;
    if (host.error().empty()) {
      t.warning("refuses options without a reason: call set_error before returning a refusal");
      return;
    }
  }
  t.info("of " + std::to_string(i) + " settings " + std::to_string(refused) + " were refused");
}

}  // namespace mimus::kit
