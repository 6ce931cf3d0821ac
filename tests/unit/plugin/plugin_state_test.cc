// What operators decided about plugins, in its file.
#include "host/plugin/plugin_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/plugin/sample_image.h"

namespace mimus {
namespace {

TEST(PluginState, ComesBackAsItWasWritten) {
  const Scratch scratch;
  const auto none = read_decisions(scratch.path());
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
  PluginDecisions decisions;
  decisions["com.example.off"].disabled = true;
  decisions["com.example.set"].config = R"({"word":"a\"b","number":3})";
  decisions["com.example.both"] = {true, R"({"x":null})"};
  ASSERT_TRUE(write_decisions(scratch.path(), decisions));
  const auto read = read_decisions(scratch.path());
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 3u);
  EXPECT_TRUE(read->at("com.example.off").disabled);
  EXPECT_EQ(read->at("com.example.off").config, "");
  EXPECT_FALSE(read->at("com.example.set").disabled);
  EXPECT_EQ(read->at("com.example.set").config, R"({"number":3,"word":"a\"b"})");
  EXPECT_EQ(read->at("com.example.both"), decisions["com.example.both"]);
  ASSERT_TRUE(write_decisions(scratch.path(), {}));
  EXPECT_TRUE(read_decisions(scratch.path())->empty());
}

TEST(PluginState, RefusesAFileThatItDidNotWrite) {
  const Scratch scratch;
  for (const char* const text : {"", "{", "[]", "null", R"({"id":true})"}) {
    const std::string file = scratch.put("plugins/state.json", text);
    const auto read = read_decisions(scratch.path());
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Code::corrupt) << text;
    EXPECT_THAT(read.error().message, ::testing::HasSubstr(file)) << text;
  }
}

}  // namespace
}  // namespace mimus
