// The manager over a stage that only notes what is asked of it, with images of the sample plugin.
#include "host/plugin/manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "host/plugin/loaded.h"
#include "host/plugin/metrics.h"
#include "host/plugin/trust.h"
#include "mimus/json_text.h"
#include "store/database.h"
#include "tests/unit/plugin/sample_image.h"

namespace mimus {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

/// Stands for generations and workers: it holds the mix, and what a test wants to be in flight.
class FakeStage final : public PluginStage {
 public:
  Status learn(const Manifest&) override { return Done{}; }
  Status prepare(const PluginSetPtr&) override { return refuses; }
  void publish(PluginMix mix) override {
    const std::lock_guard lock(mutex_);
    std::swap(mix_, mix);
    ++published;
  }
  void end_work(const PluginPtr&) override {}
  void evict(const PluginPtr& plugin) override {
    const std::lock_guard lock(mutex_);
    evicted.push_back(plugin->manifest().version);
  }
  TrafficSum traffic(bool candidate) const override {
    const std::lock_guard lock(mutex_);
    return candidate ? canary : stable;
  }
  void answer(TrafficSum& arm, std::uint64_t requests) {
    const std::lock_guard lock(mutex_);
    arm.requests += requests;
    arm.micros[5] += requests;
  }
  std::string serving(bool candidate = false) const {
    const std::lock_guard lock(mutex_);
    const PluginSetPtr& set = candidate ? mix_.candidate : mix_.stable;
    const auto* const found = set == nullptr ? nullptr : set->find("test.sample");
    return found == nullptr ? "" : found->manifest().version;
  }
  PluginPtr hold() const {
    const std::lock_guard lock(mutex_);
    return mix_.stable->in_order().at(0);
  }
  std::vector<std::string> evictions() const {
    const std::lock_guard lock(mutex_);
    return evicted;
  }

  Status refuses = Done{};  // the plugins thread reads it while a command runs
  TrafficSum stable, canary;
  std::atomic<int> published{0};

 private:
  mutable std::mutex mutex_;
  PluginMix mix_;
  std::vector<std::string> evicted;
};

class ManagerTest : public ::testing::Test {
 protected:
  ManagerTest() : database(memory_database(clock)), trust(*Trust::open({})) {
    services.clock = &clock;
    services.metrics = &metrics;
    services.kv = &database->kv();
    services.extension = [](std::string_view) -> const void* { return nullptr; };
    services.log = [](mimus_log_level, std::string_view) {};
    put("1.2.0");
  }
  ~ManagerTest() override { stop(); }

  void start(seconds probation = seconds(0)) {
    host = *PluginHost::load({}, services, [](const OptionSpec& spec) { return spec.fallback; });
    ASSERT_TRUE(host->activate(services));
    images = *ImageStore::open(data.path(), *trust);
    stage.emplace();
    ManagerSetup setup;
    setup.plugins = host.get();
    setup.stage = &*stage;
    setup.images = images.get();
    setup.clock = &clock;
    setup.data = data.path();
    setup.directories = {operators.path()};
    setup.decisions = *read_decisions(data.path());
    setup.quarantine = *read_quarantine(data.path());
    setup.options = [](const OptionSpec& spec) { return spec.fallback; };
    setup.log = [](mimus_log_level, std::string_view) {
      if (on_log) on_log();
    };
    setup.probe = probe;
    setup.probation = probation;
    setup.drain = setup.park = seconds(30);
    setup.supervision.unproven = unproven;
    manager = *PluginManager::open(std::move(setup));
    manager->start();
  }
  void stop() {
    if (manager != nullptr) manager->stop();
    manager.reset();
    stage.reset();
    if (host != nullptr) host->use(*PluginSet::make({}));
    host.reset();
    images.reset();
  }

  /// The sample's file says that it is of this version, as does its code.
  void put(const std::string& version, const std::string& name = "sample.so") {
    std::string bytes = sample_image();
    for (std::size_t at = 0; (at = bytes.find("1.2.0", at)) != std::string::npos; at += version.size())
      bytes.replace(at, version.size(), version);
    operators.put(name, bytes);
  }
  void bring(const std::string& version) {
    put(version);
    const Status done = manager->reload(id);
    ASSERT_TRUE(done) << done.error().message;
  }
  PluginStatus status() {
    for (PluginStatus& one : manager->overview().plugins) {
      if (one.id == id) return std::move(one);
    }
    ADD_FAILURE() << "there is no plugin " << id;
    return {};
  }
  std::string state() { return status().state; }
  /// Time goes by, and the plugins thread has looked.
  void pass(seconds time) {
    clock.advance(time);
    (void)manager->remove("no.such");
    (void)manager->remove("no.such");  // the look between both is over
  }
  std::string ending_of(const std::string& version) {
    for (const EndingStatus& one : status().endings) {
      if (one.version == version) return one.state;
    }
    return "";
  }

  /// The watch has seen what happened to the files, and it has settled.
  void notice() {
    pass(seconds(1));
    pass(seconds(1));
  }

  const std::string id = "test.sample";
  std::vector<std::string> unproven;  ///< What a crash found on trial.
  std::function<Status(const std::string& file, const std::string& options)> probe;
  inline static std::function<void()> on_log;  ///< On the plugins thread.

  FakeClock clock;
  Metrics metrics;
  std::unique_ptr<Database> database;
  PluginServices services;
  Scratch data, operators;
  std::unique_ptr<Trust> trust;
  std::unique_ptr<ImageStore> images;
  std::unique_ptr<PluginHost> host;
  std::optional<FakeStage> stage;
  std::unique_ptr<PluginManager> manager;
};

TEST_F(ManagerTest, LoadsWhatLiesThereAndReplacesIt) {
  start();
  EXPECT_EQ(stage->serving(), "1.2.0");
  bring("1.3.0");
  EXPECT_EQ(stage->serving(), "1.3.0");
  EXPECT_EQ(state(), "active");
  pass(seconds(1));
  EXPECT_EQ(ending_of("1.2.0"), "unloaded");
}

TEST_F(ManagerTest, AcceptsWhenTheProbationIsOver) {
  start(seconds(60));
  bring("1.3.0");
  EXPECT_EQ(state(), "probation");
  EXPECT_EQ(status().former_version, "1.2.0");
  pass(seconds(59));
  EXPECT_EQ(state(), "probation");
  EXPECT_EQ(ending_of("1.2.0"), "");
  pass(seconds(1));
  EXPECT_EQ(state(), "active");
  EXPECT_EQ(ending_of("1.2.0"), "unloaded");
  EXPECT_EQ(bytes_of(data.path() + "/plugins/kept/test.sample.so"),
            bytes_of(operators.path() + "/sample.so"));
}

TEST_F(ManagerTest, RollsBackWhatFailsAndRemembersIt) {
  start(seconds(60));
  bring("1.3.0");
  stage->answer(stage->stable, 20);
  stage->hold()->failures += 10;  // last: the plugins thread may look at any time
  pass(seconds(1));
  EXPECT_EQ(state(), "active");
  EXPECT_EQ(stage->serving(), "1.2.0");
  const Status again = manager->reload(id);
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message,
              HasSubstr("is quarantined: rolled-back: 10 of 20 requests failed in it"));
  ASSERT_TRUE(manager->enable(id));
  EXPECT_EQ(stage->serving(), "1.3.0");
}

TEST_F(ManagerTest, KeepsTheLastGoodOneWhileCandidatesFollowEachOther) {
  start(seconds(60));
  bring("1.3.0");
  bring("1.4.0");
  EXPECT_EQ(status().former_version, "1.2.0");
  pass(seconds(1));
  EXPECT_EQ(ending_of("1.3.0"), "unloaded");
  ASSERT_TRUE(manager->rollback(id));
  EXPECT_EQ(stage->serving(), "1.2.0");
  EXPECT_EQ(manager->rollback(id).error().code, Code::not_found);
}

TEST_F(ManagerTest, GoesOnWithATrialAfterACrash) {
  start(seconds(60));
  bring("1.3.0");
  unproven = {status().sha256};
  stop();
  start(seconds(60));
  EXPECT_EQ(state(), "probation");
  ASSERT_TRUE(manager->rollback(id));
  EXPECT_EQ(stage->serving(), "1.2.0");
  EXPECT_EQ(state(), "active");
  ASSERT_TRUE(manager->enable(id));
  EXPECT_EQ(stage->serving(), "1.3.0");
  stop();
  start(seconds(60));
  pass(seconds(60));
  EXPECT_EQ(state(), "active");
  ASSERT_TRUE(manager->rollback(id));
  EXPECT_EQ(stage->serving(), "1.2.0");
}

TEST_F(ManagerTest, TrustsTheLastGoodOneThatTakesAFailedOnesPlaceAfterACrash) {
  start(seconds(60));
  bring("1.3.0");
  unproven = {status().sha256};
  stop();
  start(seconds(60));
  stage->answer(stage->stable, 20);
  stage->hold()->failures += 10;
  pass(seconds(1));
  EXPECT_EQ(stage->serving(), "1.2.0");
  EXPECT_EQ(state(), "active");
}

TEST_F(ManagerTest, TakesWhatAnOrdinaryStartFindsForProven) {
  start(seconds(60));
  bring("1.3.0");
  stop();
  start(seconds(60));
  EXPECT_EQ(state(), "active");
  ASSERT_TRUE(manager->rollback(id));
  EXPECT_EQ(stage->serving(), "1.2.0");
}

TEST_F(ManagerTest, RollsBackOnceAlsoWhereTheSameImageWasConfiguredSince) {
  start();
  bring("1.3.0");
  ASSERT_TRUE(manager->configure(id, R"({"sample-number":3})"));
  ASSERT_TRUE(manager->reload(id));
  ASSERT_TRUE(manager->rollback(id));
  EXPECT_EQ(stage->serving(), "1.2.0");
  EXPECT_EQ(state(), "active");
  EXPECT_EQ(manager->rollback(id).error().code, Code::not_found);
  EXPECT_EQ(stage->serving(), "1.2.0");
  stop();
  start();
  EXPECT_EQ(stage->serving(), "1.2.0") << "the newer file stays quarantined";
}

TEST_F(ManagerTest, EvictsAtTheDrainsEndAndParksWhatHoldsOnThen) {
  start();
  PluginPtr held = stage->hold();
  held->holders.channels = 2;
  bring("1.3.0");
  pass(seconds(29));
  EXPECT_THAT(stage->evictions(), SizeIs(0));
  EXPECT_EQ(status().endings.at(0).detail, "2 channels");
  pass(seconds(1));
  EXPECT_THAT(stage->evictions(), ElementsAre("1.2.0"));
  EXPECT_EQ(ending_of("1.2.0"), "draining");
  pass(seconds(30));
  EXPECT_THAT(stage->evictions(), SizeIs(1)) << "once";
  EXPECT_EQ(ending_of("1.2.0"), "parked");
  held->holders.channels = 0;
  held.reset();
  pass(seconds(1));
  EXPECT_EQ(ending_of("1.2.0"), "unloaded");
}

TEST_F(ManagerTest, RefusesMoreImagesThanEightParked) {
  start();
  std::vector<PluginPtr> held;
  for (int i = 3; i < 11; ++i) {
    held.push_back(stage->hold());
    bring("1." + std::string(1, static_cast<char>('0' + i % 10)) + "." + std::to_string(i / 10));
  }
  pass(seconds(60));
  pass(seconds(60));
  const Status more = manager->reload(id);
  ASSERT_FALSE(more);
  EXPECT_THAT(more.error().message, HasSubstr("8 older images of plugin test.sample are parked"));
  held.clear();
  pass(seconds(1));
  EXPECT_TRUE(manager->reload(id));
}

TEST_F(ManagerTest, PromotesACanaryThatDoesWell) {
  start(seconds(60));
  ASSERT_TRUE(manager->canary(id, 10));
  bring("1.3.0");
  EXPECT_EQ(state(), "canary");
  EXPECT_EQ(stage->serving(), "1.2.0");
  EXPECT_EQ(stage->serving(true), "1.3.0");
  EXPECT_EQ(manager->configure(id, "{}").error().code, Code::conflict);
  stage->answer(stage->stable, 500);
  stage->answer(stage->canary, 49);
  EXPECT_EQ(status().canary.requests, 49u) << "counted as it is asked";
  EXPECT_EQ(status().stable.requests, 500u);
  pass(seconds(61));
  EXPECT_EQ(state(), "canary") << "49 requests prove nothing";
  stage->answer(stage->canary, 1);
  pass(seconds(1));
  EXPECT_EQ(state(), "active");
  EXPECT_EQ(stage->serving(), "1.3.0");
  EXPECT_EQ(stage->serving(true), "");
}

TEST_F(ManagerTest, StaysOnProbationWhereItsCanaryIsRefused) {
  start(seconds(60));
  bring("1.3.0");
  stage->refuses = Error{Code::invalid, "told to refuse"};
  EXPECT_EQ(manager->canary(id, 10).error().message, "told to refuse");
  EXPECT_EQ(state(), "probation");
  EXPECT_EQ(status().version, "1.3.0");
  EXPECT_EQ(status().former_version, "1.2.0");
  EXPECT_EQ(status().canary_percent, 0u);
  stage->refuses = Done{};
  EXPECT_TRUE(manager->canary(id, 10));
  EXPECT_EQ(state(), "canary");
  EXPECT_EQ(status().canary_version, "1.3.0");
  EXPECT_EQ(status().version, "1.2.0");
}

TEST_F(ManagerTest, TellsWhatServesWithItsStateOfThatMoment) {
  start(seconds(60));
  std::set<std::string> told;
  on_log = [&] {  // in the middle of a change
    const PluginOverview now = manager->overview();
    ASSERT_THAT(now.plugins, SizeIs(1));
    const auto* const serving = now.serving->find(id);
    EXPECT_EQ(now.plugins[0].version, serving == nullptr ? "" : serving->manifest().version);
    told.insert(now.plugins[0].version + " " + now.plugins[0].state);
  };
  bring("1.3.0");
  ASSERT_TRUE(manager->disable(id));
  on_log = nullptr;
  EXPECT_THAT(told, ElementsAre("1.2.0 active", "1.3.0 probation"));
}

TEST_F(ManagerTest, ChangesNothingWhereTheSetIsRefused) {
  start();
  const int published = stage->published;
  stage->refuses = Error{Code::invalid, "told to refuse"};
  put("1.3.0");
  EXPECT_EQ(manager->reload(id).error().message, "told to refuse");
  EXPECT_EQ(stage->published, published);
  EXPECT_EQ(stage->serving(), "1.2.0");
  std::vector<std::string> happened;
  for (const PluginEvent& event : status().events) happened.push_back(event.what);
  EXPECT_THAT(happened, ::testing::Contains("rejected"));
  EXPECT_EQ(manager->configure(id, R"({"sample-number":3})").error().message, "told to refuse");
  EXPECT_EQ(status().config, "");
}

TEST_F(ManagerTest, HoldsOptionsToTheManifest) {
  start();
  const struct {
    const char* json;
    const char* pointer;
  } rows[] = {{"[]", ""},
              {R"({"sample-nothing":1})", "/sample-nothing"},
              {R"({"sample-number":"3"})", "/sample-number"},
              {R"({"sample-number":10})", "/sample-number"},
              {R"({"sample-number":-1})", "/sample-number"},
              {R"({"sample-refuses":1})", "/sample-refuses"},
              {R"({"sample-text":1})", "/sample-text"}};
  for (const auto& row : rows) {
    const Status done = manager->configure(id, row.json);
    ASSERT_FALSE(done) << row.json;
    EXPECT_EQ(done.error().code, Code::invalid) << row.json;
    EXPECT_EQ(done.error().pointer, row.pointer) << row.json;
  }
  ASSERT_TRUE(manager->configure(id, R"({"sample-number":3})"));
  stop();
  start();
  EXPECT_EQ(status().config, R"({"sample-number":3})");
  EXPECT_THAT(stage->hold()->options, HasSubstr(R"("sample-number":3)"));
}

TEST_F(ManagerTest, TriesAConfigurationInAChildFirst) {
  probe = [](const std::string&, const std::string& options) -> Status {
    if (options.find(R"("sample-number":5)") == std::string::npos) return Done{};
    return Error{Code::invalid, "crashed with SIGSEGV in configure"};
  };
  start();
  const PluginPtr before = stage->hold();
  const Status done = manager->configure(id, R"({"sample-number":5})");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::invalid);
  EXPECT_EQ(done.error().message, "plugin test.sample crashed with SIGSEGV in configure");
  EXPECT_EQ(stage->hold(), before);
  EXPECT_EQ(status().config, "");
  EXPECT_EQ(status().events.at(0).what, "rejected");
  EXPECT_TRUE(manager->configure(id, R"({"sample-number":6})"));
}

TEST_F(ManagerTest, GoesWithItsOwnFileAndNotWithOneThatWasRefused) {
  probe = [](const std::string& file, const std::string&) -> Status {
    if (bytes_of(file).find("1.9.0") == std::string::npos) return Done{};
    return Error{Code::invalid, "crashed with SIGSEGV in create"};
  };
  start();
  const std::string good = operators.path() + "/sample.so", bad = operators.path() + "/newer.so";
  put("1.9.0", "newer.so");
  notice();
  ASSERT_EQ(status().events.at(0).what, "rejected");
  EXPECT_EQ(status().origin, good) << "what serves is told, not what was refused";
  const int published = stage->published;
  std::filesystem::remove(bad);
  notice();
  EXPECT_EQ(stage->serving(), "1.2.0");
  EXPECT_EQ(stage->published, published) << "nothing changed";
  put("1.9.0", "newer.so");
  notice();
  std::filesystem::remove(good);
  notice();
  EXPECT_EQ(stage->serving(), "") << "its file is gone, though a newer one was refused since";
}

TEST_F(ManagerTest, FollowsAFileThatWasRenamed) {
  start();
  const int published = stage->published;
  std::filesystem::rename(operators.path() + "/sample.so", operators.path() + "/renamed.so");
  notice();
  EXPECT_EQ(stage->serving(), "1.2.0");
  EXPECT_EQ(status().origin, operators.path() + "/renamed.so");
  EXPECT_EQ(stage->published, published);
}

TEST_F(ManagerTest, RemovesOnce) {
  start();
  std::filesystem::remove(operators.path() + "/sample.so");
  notice();
  EXPECT_EQ(state(), "removed");
  EXPECT_EQ(manager->remove(id).error().code, Code::not_found);
}

TEST_F(ManagerTest, StaysDisabledUntilItIsEnabled) {
  start();
  ASSERT_TRUE(manager->disable(id));
  EXPECT_EQ(stage->serving(), "");
  EXPECT_EQ(manager->reload(id).error().code, Code::conflict);
  stop();
  start();
  EXPECT_EQ(state(), "disabled");
  ASSERT_TRUE(manager->enable(id));
  EXPECT_EQ(stage->serving(), "1.2.0");
}

}  // namespace
}  // namespace mimus
