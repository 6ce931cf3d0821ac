// The plugin mimus.validate through its real .so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mimus/testing/fake_host.h"

namespace mimus::testing {
namespace {

Definition with(const std::string& schema, const char* mode = "enforce") {
  return {.method = "POST",
          .fields = R"({"requestSchema":)" + schema + R"(,"validationMode":")" + mode + "\"}"};
}
std::string nested(int levels) { return std::string(levels, '[') + std::string(levels, ']'); }

TEST(Validate, ABodyMatchesOrIsRefusedWithAPointer) {
  const std::string user =
      R"({"type":"object","required":["name"],"additionalProperties":false,"properties":{)"
      R"("name":{"type":"string","pattern":"^[A-Z]"},"age":{"type":"integer","minimum":0},)"
      R"("tags":{"type":"array","items":{"type":"string"},"uniqueItems":true},"a/b":{"type":"null"}}})";
  const std::string tree =
      R"({"definitions":{"t":{"type":"object","properties":{"v":{"type":"number"},)"
      R"("kids":{"type":"array","items":{"$ref":"#/definitions/t"}}}}},"$ref":"#/definitions/t"})";
  const std::string named =
      R"({"properties":{"a":{"type":"string"}},"patternProperties":{"^n_":{"type":"number"}},"additionalProperties":false})";
  const struct {
    const char* name;
    std::string schema;
    std::string body;
    const char* pointer;  // null: it matches
  } cases[] = {
      {"a match", user, R"({"name":"Ada","age":36,"tags":["a","b"]})", nullptr},
      {"empty", user, "", ""},
      {"white space", user, " \n", ""},
      {"no JSON", user, "name=Ada", ""},
      {"trailing text", user, R"({"name":"Ada"} x)", ""},
      {"NUL", user, std::string("{\"name\":\"Ada\"}\0", 15), ""},
      {"missing", user, "{}", ""},
      {"wrong type of all", user, "[]", ""},
      {"wrong type of a member", user, R"({"name":"Ada","age":"x"})", "/age"},
      {"1.0 is an integer", user, R"({"name":"Ada","age":1.0})", nullptr},
      {"1.5 is none", user, R"({"name":"Ada","age":1.5})", "/age"},
      {"below the minimum", user, R"({"name":"Ada","age":-1})", "/age"},
      {"a pattern that does not match", user, R"({"name":"ada"})", "/name"},
      {"inside an array", user, R"({"name":"Ada","tags":["a",5]})", "/tags/1"},
      {"not unique", user, R"({"name":"Ada","tags":["a","b","a"]})", "/tags"},
      {"one too many", user, R"({"name":"Ada","x":1})", ""},
      {"an escaped pointer", user, R"({"name":"Ada","a/b":1})", "/a~1b"},
      {"a recursive schema", tree, R"({"v":1,"kids":[{"v":2,"kids":[]}]})", nullptr},
      {"deep in a recursive schema", tree, R"({"kids":[{"kids":[{"v":"x"}]}]})", "/kids/0/kids/0/v"},
      {"patternProperties", named, R"({"a":"x","n_1":1})", nullptr},
      {"patternProperties of another type", named, R"({"n_1":"x"})", "/n_1"},
      {"neither named nor matched", named, R"({"b":1})", ""},
      {"a property that is called pattern",
       R"({"properties":{"pattern":{"type":"string"},"format":{"const":1}}})",
       R"({"pattern":"(","format":1})", nullptr},
      {"format only annotates", R"({"type":"string","format":"date-time"})", R"("yesterday")", nullptr},
      {"an id moves nothing",
       R"({"$id":"http://x.test/s","definitions":{"n":{"type":"null"}},"$ref":"#/definitions/n"})", "null",
       nullptr},
      {"unique objects", R"({"uniqueItems":true})", R"([{"a":1,"b":2},{"b":2,"a":1.0}])", ""},
      {"unique kinds", R"({"uniqueItems":true})", R"([1,"1",true,null,[1],{"1":1},1.5])", nullptr},
      {"uniqueItems false", R"({"uniqueItems":false})", "[1,1]", nullptr},
      {"a price in cents", R"({"multipleOf":0.01})", "19.99", nullptr},
      {"another one", R"({"multipleOf":0.01})", "4.35", nullptr},
      {"a whole price", R"({"multipleOf":0.01})", "1e3", nullptr},
      {"half a cent", R"({"multipleOf":0.01})", "-0.075", ""},
      {"a tenth", R"({"multipleOf":1e-1})", "2.3", nullptr},
      {"zero is a multiple", R"({"multipleOf":0.3})", "-0.0", nullptr},
      {"a great multiple of a small number", R"({"multipleOf":3e-300})", "3e300", nullptr},
      {"a small part of a great number", R"({"multipleOf":1e300})", "10", ""},
      {"dozens", R"({"multipleOf":12})", "1.2e2", nullptr},
      {"no dozen", R"({"multipleOf":12})", "9007199254740993", ""},
      {"multipleOf of a text", R"({"multipleOf":12})", R"("x")", nullptr},
      {"multipleOf in an array", R"({"items":{"multipleOf":0.1}})", "[0.3,0.35]", "/1"},
      {"above 2^63", R"({"type":"integer","minimum":0})", "18446744073709551615", nullptr},
      {"const 1 is 1.0", R"({"const":1})", "1.0", nullptr},
      {"anyOf", R"({"anyOf":[{"type":"string"},{"minimum":5}]})", "4", ""},
      {"allOf keeps its places", R"({"allOf":[true,{"type":"string"}],"not":{"$ref":"#/allOf/1"}})", R"("a")",
       ""},
      {"if then", R"({"if":{"type":"string"},"then":{"minLength":2}})", R"("a")", ""},
      {"propertyNames", R"({"propertyNames":{"pattern":"^a"}})", R"({"b":1})", ""},
      {"a property that may not be", R"({"properties":{"a":false}})", R"({"a":1})", ""},
      {"true takes any JSON", "true", "[]", nullptr},
      {"true takes no text", "true", "x", ""},
      {"false takes nothing", "false", "[]", ""},
      {"100 levels", "{}", nested(100), nullptr},
      {"101 levels", "{}", nested(101), ""},
      {"100,000 levels", "{}", nested(100'000), ""},
      {"a long text against (a|b)*", R"x({"pattern":"^(a|b)*$"})x", '"' + std::string(100'000, 'a') + '"',
       nullptr},
      {"a long text against (a+)+", R"x({"pattern":"^(a+)+$"})x", '"' + std::string(10'000, 'a') + "!\"", ""},
  };
  FakeHost host(VALIDATE);
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    Bound& bound = host.bind(with(c.schema));
    ASSERT_TRUE(bound.in_pipeline) << bound.error;
    const Exchange& x =
        host.run(bound, {.method = "POST", .body = c.body, .body_arrived = false}, {.status = 201});
    EXPECT_EQ(x.answer.status, c.pointer == nullptr ? 201 : 400);
    EXPECT_EQ(x.problem, c.pointer == nullptr ? "" : "request-invalid");
    if (c.pointer != nullptr) {
      ASSERT_FALSE(x.faults.empty());
      EXPECT_EQ(x.faults[0].pointer, c.pointer) << x.faults[0].detail;
      EXPECT_NE(x.faults[0].detail, "");
    }
  }
}

TEST(Validate, ReportOnlyJournals) {
  FakeHost host(VALIDATE);
  Bound& bound = host.bind(with(R"({"type":"object"})", "report"));
  const Exchange& bad = host.run(bound, {.method = "POST", .body = "[]"}, {.status = 201});
  EXPECT_EQ(bad.answer.status, 201);
  EXPECT_EQ(bad.error, "request-invalid");
  EXPECT_EQ(host.run(bound, {.method = "POST", .body = "{}"}).error, "");
}

TEST(Validate, EveryMistakeIsToldUpToTwenty) {
  FakeHost host(VALIDATE);
  Bound& bound = host.bind(with(R"({"items":{"type":"string"}})"));
  EXPECT_EQ(host.run(bound, {.body = R"(["a",1,"b",2])"}).faults.size(), 2u);
  std::string many = "[0";
  for (int i = 1; i < 100'000; ++i) many += ",0";
  EXPECT_EQ(host.run(bound, {.body = many + "]"}).faults.size(), 20u);
}

TEST(Validate, WorkIsBounded) {
  std::string doubling = R"({"definitions":{"d0":{"type":"string"})";
  for (int i = 1; i < 30; ++i) {
    const std::string below = R"({"$ref":"#/definitions/d)" + std::to_string(i - 1) + "\"}";
    doubling += ",\"d" + std::to_string(i) + R"(":{"properties":{"x":)" + below + R"(},"anyOf":[{"items":)" +
                below + "},{\"items\":" + below + "}]}";
  }
  doubling += R"(},"$ref":"#/definitions/d29"})";
  FakeHost host(VALIDATE);
  Bound& bound = host.bind(with(doubling));
  ASSERT_TRUE(bound.in_pipeline) << bound.error;
  const Exchange& x = host.run(bound, {.body = nested(29).insert(29, "1")});
  EXPECT_EQ(x.problem, "request-invalid");
  EXPECT_EQ(x.faults.at(0).detail, "The body takes too much work to check.");
}

TEST(Validate, CheckRefusesWithPointers) {
  std::string chain = R"({"definitions":{"d0":{})";
  for (int i = 1; i < 60; ++i)
    chain += ",\"d" + std::to_string(i) + R"(":{"$ref":"#/definitions/d)" + std::to_string(i - 1) + "\"}";
  chain += R"(},"$ref":"#/definitions/d59"})";
  const struct {
    const char* name;
    std::string schema;
    const char* pointer;  // null: it is fine
  } cases[] = {
      {"draft 7", R"({"$schema":"http://json-schema.org/draft-07/schema#"})", nullptr},
      {"draft 4", R"({"$schema":"http://json-schema.org/draft-04/schema#"})", "/requestSchema/$schema"},
      {"2020-12", R"({"$schema":"https://json-schema.org/draft/2020-12/schema"})", "/requestSchema/$schema"},
      {"a remote reference", R"({"properties":{"a":{"$ref":"http://x.test/s.json"}}})",
       "/requestSchema/properties/a/$ref"},
      {"a file", R"({"items":{"$ref":"other.json#/a"}})", "/requestSchema/items/$ref"},
      {"nothing there", R"({"items":{"$ref":"#/definitions/x"}})", "/requestSchema/items/$ref"},
      {"an anchor", R"({"items":{"$ref":"#x"}})", "/requestSchema/items/$ref"},
      {"a property called $ref", R"({"properties":{"$ref":{"type":"string"}}})", nullptr},
      {"a reference to the whole", R"({"items":{"$ref":"#"}})", nullptr},
      {"an encoded reference", R"({"definitions":{"a b/c":{}},"items":{"$ref":"#/definitions/a%20b~1c"}})",
       nullptr},
      {"a multiple of 0", R"({"multipleOf":0})", "/requestSchema/multipleOf"},
      {"a multiple of a text", R"({"items":{"multipleOf":"5"}})", "/requestSchema/items/multipleOf"},
      {"a reference to itself", R"({"$ref":"#"})", "/requestSchema"},
      {"references in a circle",
       R"({"definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}},"items":{"$ref":"#/definitions/a"}})",
       "/requestSchema"},
      {"itself through allOf", R"({"allOf":[{"$ref":"#"}]})", "/requestSchema"},
      {"a long chain", chain, "/requestSchema"},
      {"a pattern", R"({"properties":{"a":{"pattern":"("}}})", "/requestSchema/properties/a/pattern"},
      {"a look-ahead", R"x({"pattern":"(?=a)"})x", "/requestSchema/pattern"},
      {"a pattern property", R"({"patternProperties":{"(":{}}})", "/requestSchema/patternProperties/("},
      {"a pattern too long", R"({"pattern":")" + std::string(1025, 'a') + "\"}", "/requestSchema/pattern"},
      {"a pattern that is none", R"({"pattern":5})", "/requestSchema/pattern"},
      {"a bad subschema", R"({"items":{"not":5}})", "/requestSchema/items/not"},
      {"a bad list", R"({"anyOf":{}})", "/requestSchema/anyOf"},
      {"a bad map", R"({"properties":[]})", "/requestSchema/properties"},
      {"a bad type", R"({"type":"text"})", "/requestSchema"},
      {"a bad number", R"({"minLength":"x"})", "/requestSchema"},
      {"an unused bad definition", R"({"definitions":{"a":{"pattern":"["}}})",
       "/requestSchema/definitions/a/pattern"},
      {"too deep", R"({"const":)" + nested(120) + "}", "/requestSchema"},
  };
  FakeHost host(VALIDATE);
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto faults = host.check(with(c.schema));
    if (c.pointer == nullptr) {
      EXPECT_TRUE(faults.empty()) << faults[0].pointer << " " << faults[0].detail;
      EXPECT_TRUE(host.bind(with(c.schema)).in_pipeline);
      continue;
    }
    ASSERT_EQ(faults.size(), 1u);
    EXPECT_EQ(faults[0].pointer, c.pointer) << faults[0].detail;
    EXPECT_EQ(host.bind(with(c.schema)).rc, MIMUS_E_INVAL);
  }
}

TEST(Validate, IsOnlyWhereThereIsASchema) {
  FakeHost host(VALIDATE);
  EXPECT_FALSE(host.bind({.fields = "{}"}).in_pipeline);
  EXPECT_FALSE(host.bind({.fields = R"({"validationMode":"report"})"}).in_pipeline);
}

}  // namespace
}  // namespace mimus::testing
