// How fields are numbered, by hand and with a journal that learns them too.
#include "store/field_numbers.h"

#include <thread>

#include "tests/unit/store/scratch.h"

namespace mimus {
namespace {

constexpr int first = core_field_count;
using Specs = std::vector<FieldSpec>;

Specs with_core(const Specs& plugins) {
  Specs out = core_fields();
  out.insert(out.end(), plugins.begin(), plugins.end());
  return out;
}

Specs many(std::size_t count) {
  Specs out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back({"many" + std::to_string(i), FieldType::text, false, ""});
  return out;
}

const FieldSpec country{"geoCountry", FieldType::text, true, "country"};
const FieldSpec proxied{"proxied", FieldType::flag, true, "proxied"};

struct MergeCase {
  const char* name;
  Specs before, more;
  std::vector<int> numbers;
  Specs after;
};

TEST(MergeFields, GivesEachNameItsNumber) {
  const MergeCase cases[] = {
      {"nothing", {country}, {}, {}, {country}},
      {"the first", {}, {country, proxied}, {first, first + 1}, {country, proxied}},
      {"the same again", {country, proxied}, {proxied, country}, {first + 1, first}, {country, proxied}},
      {"one known, one new", {country}, {proxied, country}, {first + 1, first}, {country, proxied}},
      {"twice in one", {}, {proxied, proxied}, {first, first}, {proxied}},
      {"no longer indexed",
       {country},
       {{"geoCountry", FieldType::text, false, ""}},
       {first},
       {{"geoCountry", FieldType::text, false, ""}}},
      {"a filter goes to who asked last",
       {country},
       {{"land", FieldType::text, false, "country"}},
       {first + 1},
       {{"geoCountry", FieldType::text, true, ""}, {"land", FieldType::text, false, "country"}}},
      {"and comes back",
       {{"geoCountry", FieldType::text, true, ""}, {"land", FieldType::text, false, "country"}},
       {country},
       {first},
       {country, {"land", FieldType::text, false, ""}}},
      {"fields without a filter share nothing",
       {{"a", FieldType::text, false, ""}},
       {{"b", FieldType::text, false, ""}},
       {first + 1},
       {{"a", FieldType::text, false, ""}, {"b", FieldType::text, false, ""}}},
      {"core filters stay",
       {},
       {{"mine", FieldType::text, false, "path"}},
       {first},
       {{"mine", FieldType::text, false, "path"}}},
  };
  for (const auto& c : cases) {
    Specs specs = with_core(c.before);
    const auto numbers = merge_fields(specs, c.more);
    ASSERT_OK(numbers) << c.name;
    EXPECT_EQ(*numbers, c.numbers) << c.name;
    EXPECT_TRUE(specs == with_core(c.after)) << c.name;
  }
}

struct RefusalCase {
  const char* name;
  Specs before, more;
  Code code;
  const char* says;
};

TEST(MergeFields, RefusesWithoutAChange) {
  constexpr std::size_t room = max_fields - core_field_count;
  const std::string first_beyond = "no room for many" + std::to_string(room);
  const RefusalCase cases[] = {
      {"another type",
       {country},
       {proxied, {"geoCountry", FieldType::flag, false, ""}},
       Code::conflict,
       "the journal field geoCountry is of type text and can be of type flag only after a restart"},
      {"two types at once",
       {},
       {country, {"geoCountry", FieldType::integer, false, ""}},
       Code::conflict,
       "of type integer only after"},
      {"a core field",
       {},
       {{"status", FieldType::integer, true, "status"}},
       Code::conflict,
       "the journal field status is the host's own"},
      {"one too many",
       many(room),
       {{"last", FieldType::flag, false, ""}},
       Code::unavailable,
       "the journal has its 256 fields and no room for last"},
      {"too many at once", {}, many(room + 1), Code::unavailable, first_beyond.c_str()},
  };
  for (const auto& c : cases) {
    const Specs before = with_core(c.before);
    Specs specs = before;
    const auto numbers = merge_fields(specs, c.more);
    ASSERT_FALSE(numbers) << c.name;
    EXPECT_EQ(numbers.error().code, c.code) << c.name;
    EXPECT_NE(numbers.error().message.find(c.says), std::string::npos)
        << c.name << ": " << numbers.error().message;
    EXPECT_TRUE(specs == before) << c.name;
  }
}

class FieldNumbersTest : public testing::Test {
 protected:
  std::unique_ptr<Journal> open(Specs fields) {
    JournalOptions options;
    options.plugin_fields = std::move(fields);
    options.reader_patience = patience;
    return *open_journal(database_->blocks(), clock_, std::move(options));
  }

  FakeClock clock_;
  std::unique_ptr<Database> database_ = memory_database(clock_);
  FieldNumbers numbers_;
};

TEST_F(FieldNumbersTest, CountOnWithoutAJournal) {
  EXPECT_EQ(numbers_.number("status"), field_status);
  const Specs& at_first = numbers_.all();
  ASSERT_OK(numbers_.add(Specs{country}));
  ASSERT_OK(numbers_.add(Specs{proxied, country}));
  EXPECT_EQ(numbers_.number("geoCountry"), first);
  EXPECT_EQ(numbers_.number("proxied"), first + 1);
  EXPECT_EQ(numbers_.number("other"), -1);
  EXPECT_TRUE(at_first == core_fields()) << "what was shown stays";
}

TEST_F(FieldNumbersTest, TellTheJournalFirst) {
  ASSERT_OK(numbers_.add(Specs{country}));
  const auto journal = open({country});
  ASSERT_OK(numbers_.attach(*journal));
  ASSERT_OK(numbers_.add(Specs{proxied}));
  EXPECT_EQ(journal->field("proxied"), first + 1);
  EXPECT_TRUE(journal->fields() == numbers_.all());
}

TEST_F(FieldNumbersTest, RefuseAJournalThatCountsOtherwise) {
  ASSERT_OK(numbers_.add(Specs{country}));
  for (const Specs& others : {Specs{}, Specs{proxied}, Specs{country, proxied}}) {
    const auto journal = open(others);
    EXPECT_EQ(numbers_.attach(*journal).error().code, Code::conflict) << others.size();
  }
  const auto journal = open({country});
  ASSERT_OK(numbers_.attach(*journal));
  ASSERT_OK(journal->add_fields(Specs{{"somebody's", FieldType::text, false, ""}}));
  EXPECT_EQ(numbers_.add(Specs{proxied}).error().code, Code::conflict);
  EXPECT_EQ(numbers_.number("proxied"), -1);
}

TEST_F(FieldNumbersTest, GoBackAndForthForEverButNotAnywhere) {
  const FieldSpec bare{"geoCountry", FieldType::text, false, ""};
  for (int i = 0; i < 2000; ++i) ASSERT_OK(numbers_.add(Specs{i % 2 == 0 ? country : bare})) << i;
  int changes = 0;
  Status added = Done{};
  for (; changes < 2000 && added; ++changes) {
    FieldSpec other = country;
    other.filter = "filter" + std::to_string(changes);
    added = numbers_.add(Specs{other});
  }
  EXPECT_EQ(changes, 510) << "with the core's alone and these two 512, and the one that was refused";
  EXPECT_EQ(added.error().code, Code::unavailable);
  EXPECT_OK(numbers_.add(Specs{bare}));
}

TEST_F(FieldNumbersTest, AreReadWhileTheyGrow) {
  const Specs fields = many(100);
  std::thread reader([&] {
    for (std::size_t seen = 0; seen < core_field_count + fields.size();) {
      const Specs& all = numbers_.all();
      EXPECT_GE(all.size(), seen);
      seen = all.size();
      for (std::size_t i = core_field_count; i < seen; ++i)
        EXPECT_EQ(all[i].name, fields[i - core_field_count].name);
      std::this_thread::yield();
    }
  });
  for (const FieldSpec& field : fields) EXPECT_OK(numbers_.add(std::span(&field, 1)));
  reader.join();
}

}  // namespace
}  // namespace mimus
