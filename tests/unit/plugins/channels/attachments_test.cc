// Binary placeholders: renumbered by what is used, and harmless where they are forged.
#include "plugins/channels/attachments.h"

#include <gtest/gtest.h>

namespace mimus::channels {
namespace {

TEST(Attachments, AreRenumberedByWhatIsUsedOfThem) {
  const struct {
    const char* name;
    std::string json, want, used;
  } rows[] = {
      {"none", R"([1,"x",{"a":null}])", R"([1,"x",{"a":null}])", ""},
      {"one", R"([{"_placeholder":true,"num":0}])", R"([{"_placeholder":true,"num":0}])", "a"},
      {"the second alone", R"({"x":{"_placeholder":true,"num":1}})", R"({"x":{"_placeholder":true,"num":0}})",
       "b"},
      {"in another order", R"([{"num":2,"_placeholder":true},{"_placeholder":true,"num":0}])",
       R"([{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])", "ca"},
      {"twice the same", R"([{"_placeholder":true,"num":1},{"_placeholder":true,"num":1}])",
       R"([{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}])", "b"},
      {"spelled with escapes", R"({"\u005fplaceholder" : true , "num" : 1.0e0 })",
       R"({"_placeholder":true,"num":0})", "b"},
      {"beyond what there is", R"([{"_placeholder":true,"num":99}])", "[null]", ""},
      {"below", R"([{"_placeholder":true,"num":-1}])", "[null]", ""},
      {"between", R"([{"_placeholder":true,"num":0.5}])", "[null]", ""},
      {"no number", R"([{"_placeholder":true,"num":"0"},{"_placeholder":true}])", "[null,null]", ""},
      {"not meant as one", R"([{"_placeholder":false,"num":99},{"_placeholder":"true"}])",
       R"([{"_placeholder":false,"num":99},{"_placeholder":"true"}])", ""},
      {"the last of repeated members", R"([{"_placeholder":true,"num":0,"_placeholder":false}])",
       R"([{"_placeholder":true,"num":0,"_placeholder":false}])", ""},
      {"a string that looks like one", R"(["{\"_placeholder\":true,\"num\":99}"])",
       R"(["{\"_placeholder\":true,\"num\":99}"])", ""},
      {"one inside another", R"({"_placeholder":true,"num":0,"x":{"_placeholder":true,"num":9}})",
       R"({"_placeholder":true,"num":0})", "a"},
      {"one inside another, used as well",
       R"([{"_placeholder":true,"num":0,"x":{"_placeholder":true,"num":1}}])",
       R"([{"_placeholder":true,"num":0}])", "a"},
      {"a tree for a number", R"({"_placeholder":true,"num":{"num":{"num":0}}})", "null", ""},
  };
  const mimus_str binaries[] = {{"a", 1}, {"b", 1}, {"c", 1}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const Attached got = attach(row.json, binaries);
    EXPECT_EQ(got.json, row.want);
    std::string used;
    for (const mimus_str& one : got.binaries) used.append(one.p, one.n);
    EXPECT_EQ(used, row.used);
  }
}

}  // namespace
}  // namespace mimus::channels
