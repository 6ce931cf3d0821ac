// Payloads: what placeholders become, and that everything else stays as it was written.
#include "plugins/channels/payload.h"

#include <gtest/gtest.h>

namespace mimus::channels {
namespace {

constexpr std::int64_t noon = 1'767'225'600'123'456;  // 2026-01-01T00:00:00.123456Z

std::string rendered(const Payload& payload, const Moment& moment) {
  std::string out;
  EXPECT_TRUE(payload.render(moment, out));
  return out;
}

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
    EXPECT_EQ(rendered(Payload(row.json), {3, noon, "01ABC", {}, nullptr}), row.want);
  }
}

TEST(Payload, IsRenderedAnewEachTime) {
  const Payload payload(R"({"n":"{{count}}"})");
  EXPECT_EQ(rendered(payload, {1, noon, "", {}, nullptr}), R"({"n":1})");
  EXPECT_EQ(rendered(payload, {18'446'744'073'709'551'615u, noon, "", {}, nullptr}),
            R"({"n":18446744073709551615})");
}

TEST(Payload, FillsInWhatAMessageHolds) {
  const struct {
    const char* name;
    const char* message;  // raw text
    const char* json;
    const char* want;
  } rows[] = {
      {"the event", R"({"event":"ask \"x\"","data":1})", R"("{{message.event}}")", R"("ask \"x\"")"},
      {"no event", "1", R"(["{{message.event}}","<{{message.event}}>"])", R"([null,"<>"])"},
      {"data as its source", R"({"event":"e","data":{"a" : 275.0}})", R"({"d":"{{message.data}}"})",
       R"({"d":{"a" : 275.0}})"},
      {"data in a text", R"({"event":"e","data":{"a":"b"}})", R"("got {{message.data}}!")",
       R"("got {\"a\":\"b\"}!")"},
      {"a string in a text, escapes and all", R"({"event":"e","data":"a\n\"\u00e9"})",
       R"("<{{message.data}}>")", R"("<a\n\"\u00e9>")"},
      {"null in a text is nothing", "null", R"("<{{message.data}}>")", R"("<>")"},
      {"a number in a text", "1.50", R"("<{{message.data}}>")", R"("<1.50>")"},
      {"part of it by pointer", R"({"event":"e","data":{"a":{"b/c":[1,2.0]}}})",
       R"("{{message.data./a/b~1c/1}}")", "2.0"},
      {"part of it by names", R"({"event":"e","data":{"a":{"b":[1,"x"]}}})", R"("{{message.data.a.b.1}}")",
       R"("x")"},
      {"no such part", "{}", R"(["{{message.data.a}}","-{{message.data.a}}-"])", R"([null,"--"])"},
      {"no data", R"({"event":"e"})", R"(["{{message.data}}"])", "[null]"},
      {"args of a raw one", R"({"event":"e","data":[1]})", R"("{{message.args}}")", "[[1]]"},
      {"args inside", R"({"event":"e","data":[1,2]})", R"("{{message.args./0/1}}")", "2"},
      {"the text", "a \"b\"", R"(["{{message.text}}"])", R"(["a \"b\""])"},
      {"auth", "1", R"("{{auth}}")", R"({"token":"t","n":{"a.b":1}})"},
      {"part of auth", "1", R"("{{auth.token}} {{auth./n/a.b}}")", R"("t 1")"},
      {"what a message holds is not filled in", R"("{{count}}")", R"("{{message.data}}")", R"("{{count}}")"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const Message message = Message::raw(row.message, false);
    EXPECT_EQ(rendered(Payload(row.json), {1, noon, "", R"({"token":"t","n":{"a.b":1}})", &message}),
              row.want);
  }
}

TEST(Payload, TellsWhatItNeeds) {
  EXPECT_NE(Payload(R"({"a":"{{ x }}"})").constant(), nullptr);
  EXPECT_EQ(Payload(R"("{{count}}")").constant(), nullptr);
  EXPECT_EQ(*Payload::literal(R"("{{count}}")").constant(), R"("{{count}}")");
  EXPECT_TRUE(Payload(R"("{{message.data}}")").is_message_data());
  for (const char* other : {R"("{{message.data}} ")", R"(["{{message.data}}"])", R"("{{message.data.a}}")"})
    EXPECT_FALSE(Payload(other).is_message_data()) << other;
}

TEST(Payload, DoesNotGrowBeyondItsBound) {
  const std::string large = "\"" + std::string(1 << 20, 'x') + "\"";
  const Message message = Message::raw(large, false);
  std::string often = "[1";
  for (int i = 0; i < 20; ++i) often += R"(,"{{message.data}}")";
  std::string out;
  EXPECT_FALSE(Payload(often + "]").render({1, noon, "", {}, &message}, out));
  EXPECT_LE(out.size(), most_rendered);
}

TEST(Placeholders, ThatCannotBeFilledInAreNamedWithTheirPlace) {
  const struct {
    const char* name;
    const char* json;
    std::string without_message, with_message;
  } rows[] = {
      {"known ones", R"(["{{count}}","{{now}} {{clientId}} {{auth.a}}"])", "", ""},
      {"no placeholders", R"(["{{ x }}","{{}}","{{1}}","{x}"])", "", ""},
      {"a whole payload", R"("{{message.data}}")", ";", ""},
      {"nested", R"({"a":[1,{"b/~":"x {{message.data./sub}}"}]})", "/a/1/b~1~0;", ""},
      {"after a closed array", R"({"a":[[1,2],3],"b":["{{message}}"]})", "/b/0;", "/b/0;"},
      {"unknown", R"({"a":"{{conut}}"})", "/a;", "/a;"},
      {"two in one string", R"(["{{x}}{{message.event}}"])", "/0;/0;", "/0;"},
      {"only like one", R"(["{{messages}}","{{authors}}","{{message.datas}}"])", "/0;/1;/2;", "/0;/1;/2;"},
      {"a bad path", R"(["{{auth.}}","{{auth.a..b}}","{{auth./~2}}","{{count.a}}","{{message.text.a}}"])",
       "/0;/1;/2;/3;/4;", "/0;/1;/2;/3;/4;"},
      {"a key", R"({"{{x}}":1})", "", ""},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    std::string got[2];
    for (const bool has_message : {false, true}) {
      for (const PlaceholderFault& fault : faults_of(row.json, has_message))
        got[has_message ? 1 : 0] += fault.pointer + ";";
    }
    EXPECT_EQ(got[0], row.without_message);
    EXPECT_EQ(got[1], row.with_message);
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
