// Which plugin files are taken, and whose word counts where two have one id.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "host/plugin/plugin_host.h"

namespace mimus {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// Two directories, and copies of the sample plugin whose manifests say something else of the
/// same length: finding runs no code, so that nothing else of them matters.
class FindPlugins : public ::testing::Test {
 protected:
  FindPlugins() {
    char name[] = "/tmp/mimus-find-XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    root = name;
    builtin = root + "/builtin";
    third = root + "/third";
    fs::create_directory(builtin);
    fs::create_directory(third);
  }
  ~FindPlugins() override { fs::remove_all(root); }

  static void put(const std::string& file,
                  const std::vector<std::pair<std::string, std::string>>& changes = {}) {
    std::ifstream in(SAMPLE_PLUGIN, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    std::string bytes = text.str();
    for (const auto& [from, to] : changes) {
      ASSERT_EQ(from.size(), to.size());
      const std::size_t at = bytes.find(from);
      ASSERT_NE(at, std::string::npos) << from;
      bytes.replace(at, from.size(), to);
    }
    std::ofstream(file, std::ios::binary) << bytes;
  }
  static std::pair<std::string, std::string> version(const std::string& to) {
    return {R"("version": "1.2.0")", R"("version": ")" + to + '"'};
  }

  std::string root, builtin, third;
};

TEST_F(FindPlugins, FilesThatEndInSoAreRead) {
  put(builtin + "/sample.so");
  std::ofstream(builtin + "/README.md") << "no plugin";
  const auto found = find_plugins(builtin, {});
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ((*found)[0].manifest.id, "test.sample");
  EXPECT_EQ((*found)[0].file, builtin + "/sample.so");
  EXPECT_TRUE((*found)[0].builtin);
}

TEST_F(FindPlugins, AProgramMayHaveNoFolderButTheOperatorsMustBeThere) {
  const auto none = find_plugins(root + "/none", {});
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
  const auto missing = find_plugins(builtin, {root + "/none"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::not_found);
  EXPECT_THAT(missing.error().message, HasSubstr("/none"));
}

TEST_F(FindPlugins, AThirdPartysReplacesABuiltInOneUnlessItIsOlder) {
  const struct {
    const char* version;
    bool taken;
  } rows[] = {{"1.2.0", true}, {"1.2.1", true},  {"2.0.0", true},
              {"1.10.", true}, {"1.1.9", false}, {"0.9.9", false}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.version);
    put(builtin + "/sample.so");
    put(third + "/other.so", {version(row.version)});
    const auto found = find_plugins(builtin, {third});
    ASSERT_EQ(static_cast<bool>(found), row.taken);
    if (row.taken) {
      ASSERT_EQ(found->size(), 1U);
      EXPECT_EQ((*found)[0].file, third + "/other.so");
      EXPECT_FALSE((*found)[0].builtin);
    } else {
      EXPECT_EQ(found.error().code, Code::invalid);
      EXPECT_THAT(found.error().message, HasSubstr("lower than the built-in 1.2.0"));
    }
  }
}

TEST_F(FindPlugins, OfTwoWithOneIdTheHigherVersionIsFound) {
  put(third + "/a.so");
  for (const char* other : {"1.1.0", "1.2.0", "9.9.9"}) {
    SCOPED_TRACE(other);
    put(third + "/b.so", {version(other)});
    std::vector<Error> skipped;
    const auto found = find_plugins(builtin, {third}, &skipped);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 1U);
    const bool higher = std::string_view(other) == "9.9.9";
    EXPECT_EQ((*found)[0].file, third + (higher ? "/b.so" : "/a.so"));
    ASSERT_EQ(skipped.size(), higher ? 0U : 1U);
    if (!higher) {
      EXPECT_THAT(skipped[0].message, HasSubstr("b.so has the id test.sample"));
    }
  }
}

TEST_F(FindPlugins, TwoBuiltInOnesWithOneIdAreAConflict) {
  put(third + "/a.so");
  put(third + "/b.so", {version("9.9.9")});
  const auto found = find_plugins(third, {});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::conflict);
  EXPECT_THAT(found.error().message, HasSubstr("b.so has the id test.sample"));
  EXPECT_THAT(found.error().message, HasSubstr("a.so"));
}

TEST_F(FindPlugins, AFileThatIsNoneOrNeedsAnotherHostIsNamed) {
  const struct {
    const char* name;
    std::vector<std::pair<std::string, std::string>> changes;
    const char* message;
  } rows[] = {
      {"another major", {{R"("major": 1)", R"("major": 2)"}}, "needs plugin ABI 2.0"},
      {"a newer minor", {{R"("minor": 0)", R"("minor": 9)"}}, "needs plugin ABI 1.9"},
      {"a bad manifest", {{R"("fail": "open")", R"("fail": "oben")"}}, "\"fail\" must be open or closed"},
      {"no ELF file",
       {{"\x7f"
         "ELF",
         "\x7f"
         "elf"}},
       "no ELF file"},
      {"claims what another has", {{R"("id": "test.sample")", R"("id": "test.simple")"}}, "both claim"},
  };
  put(builtin + "/sample.so");
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    put(third + "/other.so", row.changes);
    const auto found = find_plugins(builtin, {third});
    ASSERT_FALSE(found);
    EXPECT_THAT(found.error().message, HasSubstr(row.message));
    if (std::string(row.name) != "claims what another has") {
      EXPECT_THAT(found.error().message, HasSubstr("other.so"));
    }
  }
}

}  // namespace
}  // namespace mimus
