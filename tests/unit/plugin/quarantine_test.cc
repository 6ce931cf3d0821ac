// Which images are quarantined by which strikes, and what the file keeps.
#include "host/plugin/quarantine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace mimus {
namespace {

constexpr std::int64_t second = 1'000'000;

Blame blame(bool certain, bool builtin, bool probation) {
  Blame out;
  out.image = 1;
  out.certain = certain;
  out.builtin = builtin;
  out.on_probation = probation;
  out.id = "com.example.x";
  out.version = "1.0.0";
  out.hash = "abc";
  out.reason = "SIGSEGV in on_request";
  return out;
}

TEST(Quarantine, TakesAsManyStrikesAsTheEvidenceNeeds) {
  struct Row {
    const char* name;
    Blame blame;
    std::int64_t apart_s;
    int quarantined_at;  // the strike, of six; 0: never
  };
  const Row rows[] = {
      {"a third party's, surely", blame(true, false, false), 1, 1},
      {"a third party's, suspected", blame(false, false, false), 1, 3},
      {"a built-in, surely", blame(true, true, false), 1, 3},
      {"a built-in, suspected", blame(false, true, false), 1, 3},
      {"on probation, suspected", blame(false, false, true), 1, 1},
      {"a built-in's successor on probation", blame(true, true, true), 1, 1},
      {"three within ten minutes", blame(true, true, false), 299, 3},
      {"never three within ten minutes", blame(true, true, false), 300, 0},
      {"the host itself", {}, 1, 0},
  };
  for (const Row& row : rows) {
    Quarantine quarantine;
    int at = 0;
    for (int i = 1; i <= 6 && at == 0; ++i) {
      if (quarantine.strike(row.blame, i * row.apart_s * second)) at = i;
    }
    EXPECT_EQ(at, row.quarantined_at) << row.name;
    EXPECT_EQ(quarantine.refuses("abc"), at != 0) << row.name;
    EXPECT_EQ(quarantine.charges().empty(), row.blame.image == no_image) << row.name;
  }
}

TEST(Quarantine, IsAnImagesNotAPlugins) {
  Quarantine quarantine;
  EXPECT_TRUE(quarantine.strike(blame(true, false, false), second));
  Blame mended = blame(false, false, false);
  mended.hash = "def";
  EXPECT_FALSE(quarantine.strike(mended, second));
  EXPECT_TRUE(quarantine.refuses("abc"));
  EXPECT_FALSE(quarantine.refuses("def"));
  EXPECT_TRUE(quarantine.pardon("abc"));
  EXPECT_FALSE(quarantine.pardon("abc"));
  EXPECT_FALSE(quarantine.refuses("abc"));
}

TEST(Quarantine, IsBounded) {
  Quarantine quarantine;
  quarantine.strike(blame(true, false, false), 0);
  for (std::size_t i = 0; i < 2 * Quarantine::max_charges; ++i) {
    Blame other = blame(false, false, false);
    other.hash = std::to_string(i);
    quarantine.strike(other, second);
  }
  EXPECT_EQ(quarantine.charges().size(), Quarantine::max_charges);
  EXPECT_TRUE(quarantine.refuses("abc")) << "what is quarantined goes last";
}

class QuarantineFile : public testing::Test {
 protected:
  QuarantineFile() {
    std::string name = (std::filesystem::temp_directory_path() / "mimus-quarantine-XXXXXX").string();
    directory = ::mkdtemp(name.data());
  }
  ~QuarantineFile() override { std::filesystem::remove_all(directory); }
  std::string directory;
};

TEST_F(QuarantineFile, KeepsWhatIsHeldAgainstAnImage) {
  auto quarantine = read_quarantine(directory);
  ASSERT_TRUE(quarantine);
  EXPECT_TRUE(quarantine->charges().empty()) << "no file is an empty one";
  quarantine->strike(blame(true, false, false), 5 * second);
  ASSERT_TRUE(write_quarantine(directory, *quarantine));
  ASSERT_TRUE(write_quarantine(directory, *quarantine));
  const auto again = read_quarantine(directory);
  ASSERT_TRUE(again);
  ASSERT_EQ(again->charges().size(), 1u);
  const Charge& charge = again->charges()[0];
  EXPECT_EQ(charge.id, "com.example.x");
  EXPECT_EQ(charge.version, "1.0.0");
  EXPECT_EQ(charge.reason, "SIGSEGV in on_request");
  EXPECT_EQ(charge.by, "supervisor");
  EXPECT_THAT(charge.strikes, testing::ElementsAre(5 * second));
  EXPECT_TRUE(again->refuses("abc"));
}

TEST_F(QuarantineFile, ThatCannotBeReadIsNamed) {
  std::filesystem::create_directories(directory + "/plugins");
  std::ofstream(directory + "/plugins/quarantine.json") << "[{\"id\":1}]";
  const auto read = read_quarantine(directory);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::invalid);
  EXPECT_THAT(read.error().message, testing::HasSubstr("quarantine.json"));
}

}  // namespace
}  // namespace mimus
