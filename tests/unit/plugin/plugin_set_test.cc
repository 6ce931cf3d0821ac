// Sets of instances: their order, what they find, and what they hold.
#include "host/plugin/plugin_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/plugin/loaded.h"

namespace mimus {
namespace {

const mimus_plugin* entry(std::uint32_t, std::uint32_t) {
  static mimus_plugin table{};
  table.size = sizeof table;
  table.abi_major = MIMUS_ABI_MAJOR;
  table.abi_minor = MIMUS_ABI_MINOR;
  table.id = "set";
  table.version = "1";
  table.create = [](const mimus_host_api*, mimus_host*, mimus_inst**) -> mimus_rc { return MIMUS_OK; };
  table.destroy = [](mimus_inst*) {};
  table.bind = [](mimus_inst*, const mimus_view*, mimus_bound**) -> mimus_rc { return MIMUS_OK; };
  table.unbind = [](mimus_inst*, mimus_bound*) {};
  return &table;
}

/// All share one table; the manifests tell them apart.
PluginPtr instance(const char* id, Phase phase, const std::string& admin_path = "",
                   std::vector<std::string> after = {}) {
  PluginSource source;
  source.manifest.id = "set";
  source.manifest.version = "1";
  source.entry = entry;
  auto image = Image::load(source);
  EXPECT_TRUE(image) << image.error().message;
  Manifest& manifest = const_cast<Manifest&>((*image)->manifest());
  manifest.id = id;
  manifest.phase = phase;
  manifest.admin_path = admin_path;
  manifest.after = std::move(after);
  static const mimus_admin_v1 admin{};
  auto out = std::make_shared<PluginHost::Loaded>(*std::move(image));
  out->admin = admin_path.empty() ? nullptr : &admin;
  return out;
}

std::vector<std::string> ids(const PluginSetPtr& set) {
  std::vector<std::string> out;
  for (const PluginPtr& plugin : set->in_order()) out.push_back(plugin->manifest().id);
  return out;
}

TEST(PluginSet, OrdersFindsAndReplaces) {
  const PluginPtr edge = instance("edge", Phase::edge), content = instance("content", Phase::content);
  const auto set = PluginSet::make({content, edge});
  ASSERT_TRUE(set);
  EXPECT_THAT(ids(*set), ::testing::ElementsAre("edge", "content"));
  EXPECT_EQ((*set)->find("edge"), edge.get());
  EXPECT_EQ((*set)->find("edg"), nullptr);
  const PluginPtr other = instance("edge", Phase::edge);
  const auto next = PluginSet::make((*set)->with(other));
  ASSERT_TRUE(next);
  EXPECT_THAT(ids(*next), ::testing::ElementsAre("edge", "content"));
  EXPECT_EQ((*next)->find("edge"), other.get());
  EXPECT_THAT((*next)->without("edge"), ::testing::ElementsAre(content));
  EXPECT_EQ((*set)->find("edge"), edge.get()) << "sets do not change";
}

TEST(PluginSet, CountsTheSetsThatHoldAnInstance) {
  const PluginPtr one = instance("one", Phase::edge);
  {
    const auto first = PluginSet::make({one});
    const auto second = PluginSet::make({one});
    EXPECT_EQ(one->holders.sets, 2u);
  }
  EXPECT_EQ(one->holders.sets, 0u);
}

TEST(PluginSet, RefusesCyclesAndConflicts) {
  const auto cycle =
      PluginSet::make({instance("a", Phase::edge, "", {"b"}), instance("b", Phase::edge, "", {"a"})});
  ASSERT_FALSE(cycle);
  EXPECT_EQ(cycle.error().code, Code::conflict);
  EXPECT_EQ(cycle.error().message, "the plugins' order is a cycle: a after b after a");
  EXPECT_FALSE(PluginSet::make({instance("a", Phase::edge), instance("a", Phase::edge)}));
}

TEST(PluginSet, GivesAPathToThePluginThatClaimsItUpToASlash) {
  const PluginPtr owner = instance("a", Phase::edge, "/admin/a");
  const auto set = PluginSet::make({owner, instance("b", Phase::edge)});
  ASSERT_TRUE(set);
  const struct {
    const char* path;
    bool owned;
  } rows[] = {{"/admin/a", true}, {"/admin/a/x", true}, {"/admin/ab", false}, {"/admin", false}, {"", false}};
  for (const auto& row : rows)
    EXPECT_EQ((*set)->admin_owner(row.path), row.owned ? owner.get() : nullptr) << row.path;
}

}  // namespace
}  // namespace mimus
