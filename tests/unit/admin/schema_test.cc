// What is said of documents that do not fit.
#include "host/admin/schema.h"

#include <gtest/gtest.h>

namespace mimus::admin {
namespace {

std::string findings(const char* schema, const std::string& document) {
  const auto compiled = Schema::compile(schema);
  EXPECT_TRUE(compiled) << schema << ": " << compiled.error().message;
  if (!compiled) return "";
  std::vector<Fault> faults;
  compiled->check(document, "", faults);
  std::string out;
  for (const Fault& fault : faults) out += fault.pointer + ": " + fault.detail + "\n";
  return out;
}

TEST(Schema, SaysWhatIsWrongAndWhere) {
  constexpr const char* cors =
      R"({"oneOf":[{"type":"boolean"},{"type":"object","additionalProperties":false,"properties":{"maxAge":{"type":"integer","minimum":0}}}]})";
  constexpr const char* tree =
      R"({"$ref":"#/definitions/t","definitions":{"t":{"type":"object","additionalProperties":false,"properties":{"not":{"$ref":"#/definitions/t"},"op":{"enum":["x","y"]},"all":{"type":"array","items":{"$ref":"#/definitions/t"}}}}}})";
  const struct {
    const char* name;
    const char* schema;
    const char* document;
    const char* want;
  } cases[] = {
      {"a valid one", R"({"type":"integer"})", "1", ""},
      {"the wrong type", R"({"type":"integer"})", "\"1\"", ": must be an integer\n"},
      {"a fraction", R"({"type":"object","properties":{"a":{"type":["integer","null"]}}})", R"({"a":1.5})",
       "/a: must be an integer or null\n"},
      {"below the minimum", R"({"minimum":200,"type":"integer"})", "199", ": must be at least 200\n"},
      {"above the maximum", R"({"maximum":599,"type":"integer"})", "600", ": must be at most 599\n"},
      {"above all that valijson reads", R"({"maximum":599,"type":"integer"})", "18446744073709551615",
       ": must be at most 599\n"},
      {"none of an enum", R"({"enum":["a","b"]})", "\"c\"", ": must be one of \"a\" or \"b\"\n"},
      {"an unknown field and its neighbour",
       R"({"type":"object","additionalProperties":false,"properties":{"status":{},"body":{}}})",
       R"({"staus":1})", "/staus: is not a known field (did you mean \"status\"?)\n"},
      {"a missing field", R"({"type":"object","required":["name"]})", "{}", "/name: is required\n"},
      {"in an array",
       R"({"type":"array","items":{"type":"object","properties":{"status":{"type":"integer","minimum":200}}}})",
       R"([{"status":200},{"status":1}])", "/1/status: must be at least 200\n"},
      {"too long", R"({"type":"string","maxLength":2})", "\"abc\"", ": must have at most 2 characters\n"},
      {"empty", R"({"type":"string","minLength":1})", "\"\"", ": must not be empty\n"},
      {"fields that exclude each other",
       R"({"type":"object","not":{"anyOf":[{"required":["a","b"]},{"required":["b","c"]}]}})",
       R"({"b":1,"c":2})", ": must not have more than one of a, b or c\n"},
      {"no object that could have such fields",
       R"({"type":"object","not":{"anyOf":[{"required":["a","b"]}]}})", "5", ": must be an object\n"},
      {"too many", R"({"type":"array","maxItems":1})", "[1,2]", ": must have at most 1 elements\n"},
      {"no alternative has the type", cors, "5", ": must be a boolean or an object\n"},
      {"inside of the alternative that fits the type", cors, R"({"maxAge":-1})",
       "/maxAge: must be at least 0\n"},
      {"unknown inside of an alternative", cors, R"({"maxage":1})",
       "/maxage: is not a known field (did you mean \"maxAge\"?)\n"},
      {"several at once, by place",
       R"({"type":"object","properties":{"b":{"type":"string"},"a":{"type":"string"}}})", R"({"b":1,"a":2})",
       "/a: must be a string\n/b: must be a string\n"},
      {"through references", tree, R"({"not":{"all":[{"op":"z"}]}})",
       "/not/all/0/op: must be one of \"x\" or \"y\"\n"},
      {"a missing dependency", R"({"type":"object","dependencies":{"in":["op"]}})", R"({"in":1})",
       "/op: is required here\n"},
      {"a pattern", R"({"type":"object","properties":{"a":{"type":"string","pattern":"^[a-z]+$"}}})",
       R"({"a":"A"})", "/a: must match the pattern ^[a-z]+$\n"},
      {"a pattern that holds", R"({"properties":{"pattern":{"type":"array","items":{"pattern":"b"}}}})",
       R"({"pattern":["abc",1]})", ""},
      {"escaped pointers", R"({"type":"object","additionalProperties":{"type":"string"}})", R"({"a/b~c":1})",
       "/a~1b~0c: must be a string\n"},
  };
  for (const auto& c : cases) EXPECT_EQ(findings(c.schema, c.document), c.want) << c.name;
}

TEST(Schema, RunsPatternsOnTextThatWouldCrashStdRegex) {
  const std::string text = "\"" + std::string(200'000, 'a') + "!\"";
  EXPECT_EQ(findings(R"({"type":"string","pattern":"^(a|b)*$"})", text),
            ": must match the pattern ^(a|b)*$\n");
}

TEST(Schema, RefusesWhatItCannotCheckSafely) {
  const struct {
    const char* name;
    const char* schema;
    const char* message;
  } cases[] = {
      {"format", R"({"properties":{"a":{"format":"date"}}})", "\"format\""},
      {"patternProperties", R"({"patternProperties":{"a":{}}})", "\"patternProperties\""},
      {"a remote reference", R"({"$ref":"http://example.com/x"})", "\"$ref\""},
      {"a pattern that RE2 does not have", R"x({"pattern":"(?=a)"})x", "does not compile"},
      {"no object", "[]", "not an object"},
      {"a type that there is not", R"({"properties":{"a":{"type":"text"}}})", "not a JSON Schema"},
      {"a bound that is no number", R"({"maxLength":"x"})", "not a JSON Schema"},
      {"no JSON", "{", "not a JSON Schema"},
  };
  for (const auto& c : cases) {
    const auto got = Schema::compile(c.schema);
    ASSERT_FALSE(got) << c.name;
    EXPECT_NE(got.error().message.find(c.message), std::string::npos)
        << c.name << ": " << got.error().message;
  }
}

TEST(DidYouMean, NamesOnlyWhatIsNear) {
  const std::vector<std::string> known{"enabled", "method", "path", "priority"};
  EXPECT_EQ(did_you_mean("Enable", known), " (did you mean \"enabled\"?)");
  EXPECT_EQ(did_you_mean("paht", known), "");
  EXPECT_EQ(did_you_mean("pat", known), " (did you mean \"path\"?)");
  EXPECT_EQ(did_you_mean("somethingElse", known), "");
}

}  // namespace
}  // namespace mimus::admin
