// Payloads: what placeholders become, and that everything else stays as it was written.
#include "plugins/channels/payload.h"

#include <gtest/gtest.h>

namespace mimus::channels {
namespace {

constexpr std::int64_t noon = 1'767'225'600'123'456;  // 2026-01-01T00:00:00.123456Z

TEST(Payload, FillsInPlaceholdersAndNothingElse) {
  const struct {
    const char* name;
    const char* json;
    const char* want;
  } rows[] = {
      {"no placeholder, odd spelling", R"( { "a" : 1.0, "b":[ 1e3,"\u0041\/" ] } )",
       R"( { "a" : 1.0, "b":[ 1e3,"\u0041\/" ] } )"},
      {"null", "null", "null"},
      {"an empty string", R"("")", R"("")"},
      {"count alone is a number", R"("{{count}}")", "3"},
      {"now alone is a string", R"("{{now}}")", R"("2026-01-01T00:00:00.123Z")"},
      {"clientId alone is a string", R"("{{clientId}}")", R"("01ABC")"},
      {"in an object", R"({"n":"{{count}}","x":1.50})", R"({"n":3,"x":1.50})"},
      {"nested", R"({"a":[{"b":["{{count}}",true]}],"c":"{{now}}"})",
       R"({"a":[{"b":[3,true]}],"c":"2026-01-01T00:00:00.123Z"})"},
      {"inside a text", R"("no. {{count}} of {{clientId}}!")", R"("no. 3 of 01ABC!")"},
      {"at the start of a text", R"("{{count}}.")", R"("3.")"},
      {"at the end of a text", R"("#{{count}}")", R"("#3")"},
      {"twice in a row", R"("{{count}}{{count}}")", R"("33")"},
      {"a text beside one without", R"(["\u0041","a\"{{count}}\n","\u0041"])",
       R"(["\u0041","a\"3\u000a","\u0041"])"},
      {"a space is no placeholder", R"("{{ count }}")", R"("{{ count }}")"},
      {"an unknown one stays", R"("{{other}} {{count}}")", R"("{{other}} 3")"},
      {"three braces", R"("{{{count}}}")", R"("{3}")"},
      {"spelled with escapes", R"("\u007b{count}}")", "3"},
      {"a key is not filled in", R"({"{{count}}":"{{count}}","{{now}}" :1})",
       R"({"{{count}}":3,"{{now}}" :1})"},
      {"beyond ASCII", R"("größe {{count}} €")", R"("größe 3 €")"},
      {"cut off", R"("{{count}")", R"("{{count}")"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(Payload(row.json).render({3, noon, "01ABC"}), row.want);
  }
}

TEST(Payload, IsRenderedAnewEachTime) {
  const Payload payload(R"({"n":"{{count}}"})");
  EXPECT_EQ(payload.render({1, noon, ""}), R"({"n":1})");
  EXPECT_EQ(payload.render({18'446'744'073'709'551'615u, noon, ""}), R"({"n":18446744073709551615})");
}

TEST(Placeholders, ThatCannotBeFilledInAreNamedWithTheirPlace) {
  const struct {
    const char* name;
    const char* json;
    std::string want;
  } rows[] = {
      {"known ones", R"(["{{count}}","{{now}} {{clientId}}"])", ""},
      {"no placeholders", R"(["{{ x }}","{{}}","{{1}}","{x}"])", ""},
      {"a whole payload", R"("{{message.data}}")", "|message.data|later;"},
      {"nested", R"({"a":[1,{"b/~":"x {{auth./sub}}"}]})", "/a/1/b~1~0|auth./sub|later;"},
      {"after a closed array", R"({"a":[[1,2],3],"b":["{{message}}"]})", "/b/0|message|later;"},
      {"unknown", R"({"a":"{{conut}}"})", "/a|conut|;"},
      {"two in one string", R"(["{{x}}{{message.event}}"])", "/0|x|;/0|message.event|later;"},
      {"only like one", R"(["{{messages}}"])", "/0|messages|;"},
      {"a key", R"({"{{x}}":1})", ""},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    std::string got;
    for (const PlaceholderFault& fault : faults_of(row.json)) {
      got += fault.pointer + "|" + fault.name + "|" + (fault.not_available ? "later;" : ";");
    }
    EXPECT_EQ(got, row.want);
  }
}

TEST(Rfc3339, WritesMillisecondsInUtc) {
  EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(rfc3339(951'782'399'999'999), "2000-02-28T23:59:59.999Z");
  EXPECT_EQ(rfc3339(951'782'400'000'000), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(rfc3339(-1), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace mimus::channels
