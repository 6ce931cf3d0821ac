// What plugins are bound with, who is in a pipeline, and how it explains itself.
#include <thread>

#include "host/plugin/plugin_set.h"
#include "tests/unit/pipeline/world.h"

namespace mimus {
namespace {

using ::testing::ElementsAre;

TEST(PickFields, KeepsTheSourceTextByteForByte) {
  const struct {
    const char* name;
    std::string_view document;
    std::vector<std::string> names;
    std::string_view picked;
  } rows[] = {
      {"none is wanted", R"({"a":1})", {}, "{}"},
      {"none is there", R"({"a":1})", {"b"}, "{}"},
      {"numbers as they were sent", R"({ "a" : 1.50e+3 , "b":0.1 })", {"a"}, R"({"a":1.50e+3})"},
      {"in the document's order",
       R"({"b":[1, 2],"x":0,"a":{"k": "v" }})",
       {"a", "b"},
       R"({"b":[1, 2],"a":{"k": "v" }})"},
      {"strings with escapes", R"({"a":"\u00e9\"}"})", {"a"}, R"({"a":"\u00e9\"}"})"},
      {"a name with an escape", R"({"\u0061":null})", {"a"}, R"({"a":null})"},
      {"only the outermost", R"({"x":{"a":1}})", {"a"}, "{}"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(pick_fields(row.document, row.names), row.picked);
  }
}

TEST(Binding, ShowsAPluginItsOwnFieldsAndWhereItStands) {
  World world;
  int bound = 0;
  probes().a.bind = [&](const View& view) {
    if (view.level == MIMUS_LEVEL_API) {
      EXPECT_EQ(view.fields, R"({"api_a":[1]})");
      EXPECT_EQ(view.id, view.api_id);
      EXPECT_EQ(view.method, "");
    } else {
      EXPECT_EQ(view.level, MIMUS_LEVEL_ENDPOINT);
      EXPECT_EQ(view.fields, R"({"a":1.0})");
      EXPECT_EQ(view.method, "GET");
      EXPECT_EQ(view.path, "/users/:id");
      EXPECT_EQ(view.id.size(), 26U);
    }
    EXPECT_EQ(view.api_fields, R"({"api_a":[1]})");
    EXPECT_EQ(view.slug, "test");
    EXPECT_EQ(view.config, "");
    EXPECT_EQ(view.revision, 1U);
    ++bound;
    return MIMUS_OK;
  };
  world.open({.api = R"({"api_a": [1],"api_b":2})", .endpoint = R"({"a":1.0,"b":2,"path":"/users/:id"})"});
  EXPECT_EQ(bound, 2);
}

TEST(Binding, TakesTheNearestConfig) {
  const struct {
    const char* name;
    const char* endpoint;
    const char* api;
    std::vector<std::pair<std::string, std::string>> host;
    const char* config;  ///< Of test.a; nullptr: it is not bound.
  } rows[] = {
      {"none", "{}", "{}", {}, ""},
      {"the host's", "{}", "{}", {{"test.b", "1"}, {"test.a", R"({"h":1})"}}, R"({"h":1})"},
      {"the API's before the host's",
       "{}",
       R"({"plugins":{"test.a":{"p":1}}})",
       {{"test.a", "{}"}},
       R"({"p":1})"},
      {"the endpoint's before the API's",
       R"({"plugins":{"test.a":{ "e" :1}}})",
       R"({"plugins":{"test.a":{"p":1}}})",
       {},
       R"({ "e" :1})"},
      {"another plugin's is not its", R"({"plugins":{"test.b":{}}})", R"({"plugins":{"test.a":7}})", {}, "7"},
      {"false switches off", R"({"plugins":{"test.a":false}})", "{}", {}, nullptr},
      {"the API's false too", "{}", R"({"plugins":{"test.a":false}})", {}, nullptr},
      {"and the host's", "{}", "{}", {{"test.a", "false"}}, nullptr},
      {"what is nearer switches on again",
       R"({"plugins":{"test.a":{}}})",
       R"({"plugins":{"test.a":false}})",
       {},
       "{}"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    World world;
    std::string config = "not bound";
    probes().a.bind = [&](const View& view) {
      if (view.level == MIMUS_LEVEL_ENDPOINT) config = view.config;
      return MIMUS_OK;
    };
    world.open({.api = row.api, .endpoint = row.endpoint, .host_config = row.host});
    EXPECT_EQ(config, row.config == nullptr ? "not bound" : row.config);
  }
}

const Pipeline* compiled(const World& world, const ApiRecord& api, const EndpointRecord& endpoint) {
  const CompiledPipeline* const held =
      Compiler::compiled(world.generations->plugins()->serial, api, endpoint);
  return held != nullptr ? held->stable.get() : nullptr;
}

TEST(Binding, LeavesOutWhoHasNothingToDoAndMarksWhoRefuses) {
  World world;
  probes().a.bind = [](const View&) { return MIMUS_OK; };
  probes().b.bind = [](const View&) { return MIMUS_E_INVAL; };
  world.open();
  const auto definitions = world.generations->definitions();
  const Pipeline* const made =
      compiled(world, *definitions->find_api(world.api_id), *definitions->find_endpoint(world.id));
  ASSERT_NE(made, nullptr);
  ASSERT_EQ(made->steps().size(), 2U);
  EXPECT_TRUE(made->steps()[0].broken);
  EXPECT_FALSE(made->steps()[1].broken);
  EXPECT_EQ(
      made->explain(),
      R"([{"plugin":"test.b","version":"1.0.0","phase":"traffic","fail":"open","bound":false,"why":)"
      R"x("phase traffic, after test.c (without effect: another phase), after test.none (not in this pipeline)"},)x"
      R"({"plugin":"test.c","version":"1.0.0","phase":"content","fail":"closed","bound":true,"why":"phase content"}])");
  EXPECT_EQ(world.plugins->current()->find("test.a")->holders.bindings, 0U);
  EXPECT_EQ(world.plugins->current()->find("test.b")->holders.bindings, 0U);
  EXPECT_EQ(world.plugins->current()->find("test.c")->holders.bindings, 2U);
}

TEST(Compiler, BindsAgainWhenTheApiChangesAndUnbindsWhatNobodyUses) {
  World world;
  world.open();
  auto definitions = world.generations->definitions();
  const std::string document = R"({"capture":{"bodies":true}})";
  const auto next =
      definitions->with_api({world.api_id, "test", {}, 2, std::make_shared<const std::string>(document)}, 2);
  const Compiler::Job job{next, next->find_api(world.api_id), next->find_endpoint(world.id), nullptr,
                          nullptr};
  EXPECT_EQ(compiled(world, *job.api, *job.endpoint), nullptr) << "bound to revision 1";
  world.generations->publish(next);
  ASSERT_TRUE(world.compiler->compile(job));
  const Pipeline* const made = compiled(world, *job.api, *job.endpoint);
  ASSERT_NE(made, nullptr);
  EXPECT_TRUE(made->capture().bodies);
  const auto again = world.compiler->compile(job);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->get(), made) << "nothing was to be done";
  EXPECT_EQ(compiled(world, *job.api, *job.endpoint), made);
  // An exchange of the old snapshot uses the newer one rather than compiling back and forth.
  EXPECT_EQ(compiled(world, *definitions->find_api(world.api_id), *job.endpoint), made);
  // Once no generation can use them, what was bound to the old API is unbound.
  EXPECT_EQ(world.plugins->current()->find("test.c")->holders.bindings, 3U)
      << "the API, the endpoint, and that again";
  definitions.reset();
  while (world.plugins->current()->find("test.c")->holders.bindings != 1U) {
    world.generations->publish(next);
    std::this_thread::yield();
  }
}

TEST(Compiler, CarriesBindingsOverSwapsAndLetsGoOfThoseToInstancesThatWent) {
  World world;
  int asked = 0;  // of b, which takes no part: that is remembered, too
  probes().b.bind = [&](const View&) -> mimus_rc {
    ++asked;
    return MIMUS_OK;
  };
  world.open();
  const auto definitions = world.generations->definitions();
  Compiler::Job job{definitions, definitions->find_api(world.api_id), nullptr, nullptr, nullptr};
  const EndpointRecord* const endpoint = definitions->find_endpoint(world.id);
  const Pipeline* const before = compiled(world, *job.api, *endpoint);
  ASSERT_NE(before, nullptr);
  EXPECT_EQ(asked, 2) << "by the API and the endpoint";
  PluginPtr old_c, a;
  for (const PluginPtr& plugin : world.plugins->current()->in_order()) {
    if (plugin->manifest().id == "test.c") old_c = plugin;
    if (plugin->manifest().id == "test.a") a = plugin;
  }
  const auto bound_of_a = a->holders.bindings.load();
  for (int swap = 0; swap < 3; ++swap) {
    const auto made =
        world.plugins->make(old_c->image, [](const OptionSpec& option) { return option.fallback; });
    ASSERT_TRUE(made) << made.error().message;
    const auto set = PluginSet::make(world.plugins->current()->with(*made));
    ASSERT_TRUE(set);
    world.plugins->use(*set);
    world.generations->publish(PluginMix{*set});
    world.compiler->forget_older(*definitions);
    world.generations->renew();
    EXPECT_EQ(compiled(world, *job.api, *endpoint), nullptr) << "of an older mix";
    while (old_c->holders.bindings != 0U) {
      world.generations->renew();
      std::this_thread::yield();
    }
    job.endpoint = nullptr;
    ASSERT_TRUE(world.compiler->compile(job));
    job.endpoint = endpoint;
    ASSERT_TRUE(world.compiler->compile(job));
    EXPECT_EQ((*made)->holders.bindings, 2U);
    EXPECT_EQ(a->holders.bindings, bound_of_a);
    EXPECT_EQ(asked, 2) << "once for each instance and definition";
    old_c = *made;
  }
}

TEST(Compiler, HasReadyForOtherPluginsWhatRequestsHaveUsed) {
  World world;
  world.open();
  const auto definitions = world.generations->definitions();
  const ApiRecord& api = *definitions->find_api(world.api_id);
  const EndpointRecord& endpoint = *definitions->find_endpoint(world.id);
  const auto swap = [&] {
    PluginMix next{world.plugins->current()};
    next.serial = world.generations->plugins()->serial + 1;
    world.compiler->compile_ahead(definitions, next);
    return next;
  };
  const Pipeline* const first = compiled(world, api, endpoint);
  world.start({});
  world.on([&] { EXPECT_EQ(world.sink->ended, 1); });
  const PluginMix second = swap();
  const Pipeline* const ahead = compiled(world, api, endpoint);
  ASSERT_NE(ahead, nullptr);
  EXPECT_NE(ahead, first);
  world.generations->publish(second);
  EXPECT_EQ(compiled(world, api, endpoint), ahead) << "nobody need wait";
  const auto of_api = [&] { return Compiler::compiled(world.generations->plugins()->serial, api); };
  EXPECT_EQ(of_api(), nullptr) << "no request ran it";
  world.generations->publish(swap());
  EXPECT_EQ(compiled(world, api, endpoint), nullptr) << "nor this since the plugins changed";
}

TEST(Binding, KeepsAnInstanceOnlyWhereItTakesPart) {
  World world;
  world.open();
  const PluginPtr plugin = world.plugins->current()->in_order().front();
  const mimus_view view{};
  const long held = plugin.use_count();
  probes().a.bind = [](const View&) -> mimus_rc { return MIMUS_OK; };
  const Binding without(plugin, view);
  EXPECT_EQ(plugin.use_count(), held);
  EXPECT_TRUE(without.is_of(plugin));
  EXPECT_FALSE(without.is_of(world.plugins->current()->in_order().back()));
  probes().a.bind = [](const View&) -> mimus_rc { return MIMUS_E_INVAL; };
  const Binding refused(plugin, view);
  EXPECT_EQ(plugin.use_count(), held + 1);
}

TEST(AddressCount, CountsUpToTheLimit) {
  AddressCount count;
  EXPECT_TRUE(count.enter("a", 2));
  EXPECT_TRUE(count.enter("a", 2));
  EXPECT_FALSE(count.enter("a", 2));
  EXPECT_TRUE(count.enter("b", 2));
  count.leave("a");
  EXPECT_TRUE(count.enter("a", 2));
  EXPECT_TRUE(count.enter("a", 0)) << "0 is no limit";
  count.leave("nobody");
}

}  // namespace
}  // namespace mimus
