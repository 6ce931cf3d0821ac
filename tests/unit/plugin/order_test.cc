// The order of plugins, and what two of them may not both claim.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/plugin/manifest.h"

namespace mimus {
namespace {

using ::testing::HasSubstr;

Manifest plugin(const char* id, Phase phase, std::vector<std::string> after = {},
                std::vector<std::string> before = {}) {
  Manifest out;
  out.id = id;
  out.phase = phase;
  out.after = std::move(after);
  out.before = std::move(before);
  return out;
}

Result<std::string> solved(const std::vector<Manifest>& manifests) {
  std::vector<const Manifest*> pointers;
  for (const Manifest& m : manifests) pointers.push_back(&m);
  const auto order = solve_order(pointers);
  if (!order) return order.error();
  std::string out;
  for (const std::size_t i : *order) out += (out.empty() ? "" : " ") + manifests[i].id;
  return out;
}

TEST(SolveOrder, IsByPhaseThenConstraintsThenId) {
  const struct {
    const char* name;
    std::vector<Manifest> manifests;
    const char* order;
  } rows[] = {
      {"none", {}, ""},
      {"phases",
       {plugin("a", Phase::content), plugin("b", Phase::observe), plugin("c", Phase::cache),
        plugin("d", Phase::auth)},
       "b d c a"},
      {"ids", {plugin("c", Phase::edge), plugin("a", Phase::edge), plugin("b", Phase::edge)}, "a b c"},
      {"after",
       {plugin("a", Phase::edge, {"c"}), plugin("b", Phase::edge), plugin("c", Phase::edge)},
       "b c a"},
      {"before",
       {plugin("a", Phase::edge), plugin("b", Phase::edge), plugin("c", Phase::edge, {}, {"a"})},
       "b c a"},
      {"a chain",
       {plugin("a", Phase::edge, {"b"}), plugin("b", Phase::edge, {"c"}), plugin("c", Phase::edge)},
       "c b a"},
      {"both say the same", {plugin("a", Phase::edge, {"b"}), plugin("b", Phase::edge, {}, {"a"})}, "b a"},
      {"whoever is not there does not matter", {plugin("a", Phase::edge, {"x"}, {"y"})}, "a"},
      {"another phase's is not waited for",
       {plugin("a", Phase::edge, {"b"}), plugin("b", Phase::content)},
       "a b"},
      {"itself is not waited for", {plugin("a", Phase::edge, {"a"}, {"a"})}, "a"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const auto order = solved(row.manifests);
    ASSERT_TRUE(order) << order.error().message;
    EXPECT_EQ(*order, row.order);
  }
}

TEST(SolveOrder, PrintsACycle) {
  const struct {
    const char* name;
    std::vector<Manifest> manifests;
    const char* message;
  } rows[] = {
      {"of two", {plugin("a", Phase::edge, {"b"}), plugin("b", Phase::edge, {"a"})}, "a after b after a"},
      {"of three",
       {plugin("a", Phase::edge, {"b"}), plugin("b", Phase::edge, {"c"}), plugin("c", Phase::edge, {"a"})},
       "a after b after c after a"},
      {"from before alone",
       {plugin("a", Phase::edge, {}, {"b"}), plugin("b", Phase::edge, {}, {"a"})},
       "a after b after a"},
      {"without those that only wait for it",
       {plugin("a", Phase::edge, {"b"}), plugin("b", Phase::edge, {"c"}), plugin("c", Phase::edge, {"b"})},
       ": b after c after b"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const auto order = solved(row.manifests);
    ASSERT_FALSE(order);
    EXPECT_EQ(order.error().code, Code::conflict);
    EXPECT_THAT(order.error().message, HasSubstr(row.message));
  }
}

TEST(SolveOrder, RefusesWhatTwoClaim) {
  const struct {
    const char* name;
    std::function<void(Manifest&)> claim;
    const char* message;
  } rows[] = {
      {"an API field",
       [](Manifest& m) {
         m.fields[0].push_back({"f", "{}"});
       },
       "the API field f"},
      {"an endpoint field",
       [](Manifest& m) {
         m.fields[1].push_back({"f", "{}"});
       },
       "the endpoint field f"},
      {"a channel field",
       [](Manifest& m) {
         m.fields[2].push_back({"f", "{}"});
       },
       "the WebSocket endpoint field f"},
      {"an option",
       [](Manifest& m) {
         m.options.push_back(
             {.name = "o", .help = "", .environment = {}, .fallback = "", .minimum = {}, .maximum = {}});
       },
       "the option o"},
      {"a journal field",
       [](Manifest& m) {
         m.journal.push_back({"j", FieldType::flag});
       },
       "the journal field j"},
      {"a journal filter",
       [](Manifest& m) {
         m.journal.push_back({m.id + "Field", FieldType::flag, false, "f"});
       },
       "the journal filter f"},
      {"a reset", [](Manifest& m) { m.resets.push_back("r"); }, "the reset r"},
      {"an admin path", [](Manifest& m) { m.admin_path = "/admin/x"; }, "the path /admin/x"},
      {"an id", [](Manifest& m) { m.id = "same"; }, "the id same"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    std::vector<Manifest> both{plugin("a", Phase::edge), plugin("b", Phase::content)};
    row.claim(both[0]);
    EXPECT_TRUE(solved(both));
    row.claim(both[1]);
    const auto order = solved(both);
    ASSERT_FALSE(order);
    EXPECT_EQ(order.error().code, Code::conflict);
    EXPECT_THAT(order.error().message, HasSubstr(row.message));
  }
}

TEST(SolveOrder, OneNameAtTwoLevelsIsNoConflict) {
  std::vector<Manifest> both{plugin("a", Phase::edge), plugin("b", Phase::edge)};
  both[0].fields[0].push_back({"f", "{}"});
  both[1].fields[1].push_back({"f", "{}"});
  EXPECT_TRUE(solved(both));
}

}  // namespace
}  // namespace mimus
