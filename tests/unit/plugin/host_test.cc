// PluginHost over a real shared object: its options, routes, timers and records.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>

#include "host/net/server.h"
#include "host/plugin/loaded.h"
#include "host/plugin/metrics.h"
#include "host/plugin/plugin_set.h"
#include "mimus/json_text.h"
#include "store/database.h"

namespace mimus {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::mutex log_mutex;
std::vector<std::string> lines;  // guarded by log_mutex

std::vector<std::string> logged() {
  const std::lock_guard lock(log_mutex);
  return std::exchange(lines, {});
}

PluginSource sample() {
  const auto text = read_manifest(SAMPLE_PLUGIN);
  EXPECT_TRUE(text);
  auto manifest = parse_manifest(*text);
  EXPECT_TRUE(manifest);
  PluginSource out;
  out.manifest = *std::move(manifest);
  out.file = SAMPLE_PLUGIN;
  return out;
}

class HostTest : public ::testing::Test {
 protected:
  HostTest() : database(memory_database(clock)) {
    static_cast<void>(logged());
    services.clock = &clock;
    services.metrics = &metrics;
    services.extension = [](std::string_view) -> const void* { return nullptr; };
    services.log = [](mimus_log_level, std::string_view text) {
      const std::lock_guard lock(log_mutex);
      lines.emplace_back(text);
    };
  }

  Status load(std::vector<PluginSource> sources, const std::string& option = "",
              const std::string& value = "") {
    auto loaded = PluginHost::load(std::move(sources), services, [&](const OptionSpec& spec) {
      return spec.name == option ? value : spec.fallback;
    });
    if (!loaded) return loaded.error();
    host = *std::move(loaded);
    return Done{};
  }
  void load() {
    std::vector<PluginSource> sources;
    sources.push_back(sample());
    const Status status = load(std::move(sources));
    ASSERT_TRUE(status) << status.error().message;
  }
  void activate() {
    services.kv = &database->kv();
    ASSERT_TRUE(host->activate(services));
  }
  AdminAnswer ask(const char* path) {
    return host->admin(*host->current()->find("test.sample"), "GET", path, "", "");
  }

  FakeClock clock;
  Metrics metrics;
  std::unique_ptr<Database> database;
  PluginServices services;
  std::unique_ptr<PluginHost> host;
};

TEST_F(HostTest, GivesEachOptionItsValue) {
  std::vector<PluginSource> sources;
  sources.push_back(sample());
  ASSERT_TRUE(load(std::move(sources), "sample-number", "3"));
  EXPECT_EQ(ask("/options").body,
            R"({"sample-text":"a\"b","sample-number":3,"sample-none":null,"sample-refuses":false})");
  EXPECT_EQ(ask("/options").code, "");
}

TEST_F(HostTest, NamesThePluginThatCannotBeLoaded) {
  const struct {
    const char* name;
    std::function<void(PluginSource&)> spoil;
    const char* message;
  } rows[] = {
      {"no file", [](PluginSource& s) { s.file = "/nowhere/x.so"; }, "does not load"},
      {"no ELF file", [](PluginSource& s) { s.file = "/etc/passwd"; }, "does not load"},
      {"another id in the code", [](PluginSource& s) { s.manifest.id = "test.other"; },
       "another id or version"},
      {"another version in the code", [](PluginSource& s) { s.manifest.version = "9"; },
       "another id or version"},
      {"an entry that refuses",
       [](PluginSource& s) {
         s.entry = [](std::uint32_t, std::uint32_t) -> const mimus_plugin* { return nullptr; };
       },
       "refuses this host's plugin ABI"},
      {"an entry with an empty table",
       [](PluginSource& s) {
         s.entry = [](std::uint32_t, std::uint32_t) -> const mimus_plugin* {
           static mimus_plugin table{};
           table.id = "test.sample";
           table.version = "1.2.0";
           return &table;
         };
       },
       "lacks create"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    std::vector<PluginSource> sources;
    sources.push_back(sample());
    row.spoil(sources[0]);
    const std::string id = sources[0].manifest.id;
    const Status status = load(std::move(sources));
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Code::invalid);
    EXPECT_THAT(status.error().message, HasSubstr("plugin " + id));
    EXPECT_THAT(status.error().message, HasSubstr(row.message));
  }
}

TEST_F(HostTest, APluginThatRefusesToBeConfiguredSaysWhyAndIsDestroyed) {
  std::vector<PluginSource> sources;
  sources.push_back(sample());
  const Status status = load(std::move(sources), "sample-refuses", "true");
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("failed to configure: told to refuse"));
  EXPECT_THAT(logged(), ElementsAre("test.sample: destroyed"));
}

TEST_F(HostTest, TwoThatClaimTheSameAreRefused) {
  std::vector<PluginSource> sources;
  sources.push_back(sample());
  sources.push_back(sample());
  const Status status = load(std::move(sources));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::conflict);
}

TEST_F(HostTest, TheStoreIsUnavailableUntilItIsOpen) {
  load();
  activate();
  EXPECT_THAT(logged(),
              ElementsAre("test.sample: kv while configured: " + std::to_string(MIMUS_E_UNAVAILABLE),
                          "test.sample: kv while activated: " + std::to_string(MIMUS_OK)));
}

TEST_F(HostTest, FindsTheOwnerOfAnAdminPath) {
  load();
  const struct {
    const char* path;
    bool owned;
  } rows[] = {{"/admin/sample", true},   {"/admin/sample/options", true},
              {"/admin/samples", false}, {"/admin/sampl", false},
              {"/admin", false},         {"", false}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.path);
    EXPECT_EQ(host->current()->admin_owner(row.path) != nullptr, row.owned);
  }
  EXPECT_EQ(host->current()->find("test.nobody"), nullptr);
}

TEST_F(HostTest, AnAdminRouteThatSaysNothingIsAFailure) {
  load();
  EXPECT_EQ(ask("/silent").status, 500);
  EXPECT_EQ(ask("/silent").code, "plugin-failed");
  EXPECT_EQ(ask("/none").status, 404);
  EXPECT_EQ(ask("/none").code, "no-such-resource");
}

TEST_F(HostTest, ResetsWhatAPluginNamesOnly) {
  load();
  static_cast<void>(logged());
  EXPECT_TRUE(host->reset("samples"));
  EXPECT_THAT(logged(), ElementsAre("test.sample: reset samples"));
  const Status status = host->reset("cache");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::not_found);
}

TEST_F(HostTest, ChecksDefinitions) {
  load();
  const auto check = [&](std::string_view fields) {
    mimus_view view{};
    view.size = sizeof view;
    view.level = MIMUS_LEVEL_ENDPOINT;
    view.fields = {fields.data(), fields.size()};
    return host->check(*host->current()->find("test.sample"), view);
  };
  EXPECT_TRUE(check(R"({"sample":"good"})").empty());
  const auto faults = check(R"({"sample":"bad"})");
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].pointer, "/sample");
  EXPECT_EQ(faults[0].code, "not-available");
}

TEST_F(HostTest, EnrichesRecordsInTheirDeclaredFields) {
  load();
  activate();
  ASSERT_EQ(host->journal_fields().size(), 1U);
  EXPECT_EQ(host->journal_fields()[0].name, "sampleNote");
  Record one, two;
  Record* const records[] = {&one, &two};
  host->enrich(records);
  EXPECT_EQ(one.text(core_field_count), "noted");
  EXPECT_EQ(two.text(core_field_count), "noted");
  EXPECT_THAT(logged(), ::testing::Not(Contains("test.sample: took an id")));
}

TEST_F(HostTest, ATimerNeedsALoop) {
  load();
  activate();
  EXPECT_EQ(ask("/timer").status, MIMUS_E_UNAVAILABLE);
}

TEST_F(HostTest, ATimerThatNeverBeganIsToldThatItIsGone) {
  load();
  auto server =
      std::make_unique<Server>(clock, Limits{}, 1, [](Loop&) { return std::unique_ptr<Service>(); });
  services.server = server.get();
  activate();
  static_cast<void>(logged());
  EXPECT_EQ(ask("/timer").status, MIMUS_OK);
  EXPECT_TRUE(logged().empty());
  server.reset();  // the loop never ran: what was posted to it is run now
  host.reset();
  EXPECT_THAT(logged(), ElementsAre("test.sample: timer " + std::to_string(MIMUS_E_GONE),
                                    "test.sample: again " + std::to_string(MIMUS_E_UNAVAILABLE),
                                    "test.sample: destroyed"));
}

}  // namespace
}  // namespace mimus
