// `when` conditions: what holds, and what is refused.
#include <gtest/gtest.h>

#include <map>

#include "plugins/mock/places.h"
#include "plugins/when/condition.h"

namespace mimus::mock {
namespace {

using when::Condition;
using when::Subject;

class FakeFacts final : public when::Facts {
 public:
  std::multimap<std::pair<Where, std::string>, std::string> values;
  std::string text;

  bool any(std::size_t place, std::string_view name, const Show& show) const override {
    const Where where = static_cast<Where>(place);
    if (where == Where::cookie) {
      return any(mock::place(Where::header), "cookie",
                 [&](std::string_view field) { return any_cookie(field, name, show); });
    }
    auto [from, to] = values.equal_range({where, std::string(name)});
    for (; from != to; ++from) {
      if (show(from->second)) return true;
    }
    return false;
  }
  std::string_view document(std::size_t) const override { return text; }
};

FakeFacts request() {
  FakeFacts f;
  f.values = {{{Where::query, "n"}, "1"},
              {{Where::query, "n"}, "20"},
              {{Where::query, "flag"}, "true"},
              {{Where::query, "empty"}, ""},
              {{Where::header, "x-a"}, "one"},
              {{Where::path, "id"}, "42"},
              {{Where::header, "cookie"}, "s=abc; t = no;q=\"x\""},
              {{Where::header, "cookie"}, "u=2;s=def"},
              {{Where::method, ""}, "GET"},
              {{Where::ip, ""}, "10.0.0.1"}};
  f.text =
      R"({"a":{"b":[1,2.0,{"c":"deep"}]},"n":5,"s":"5","t":true,"z":null,"":1,"x/y":2,"m~n":3,"list":["p","q"]})";
  return f;
}

TEST(Matcher, AConditionHolds) {
  const struct {
    const char* name;
    const char* when;
    bool want;
  } cases[] = {
      {"equals", R"({"in":"query","name":"flag","op":"equals","value":"true"})", true},
      {"equals any of repeated values", R"({"in":"query","name":"n","op":"equals","value":"20"})", true},
      {"equals compares as strings", R"({"in":"query","name":"n","op":"equals","value":1})", true},
      {"a number's text is its source", R"({"in":"query","name":"n","op":"equals","value":1.0})", false},
      {"a boolean is its text", R"({"in":"query","name":"flag","op":"equals","value":true})", true},
      {"equals is false when absent", R"({"in":"query","name":"gone","op":"equals","value":""})", false},
      {"an empty value is a value", R"({"in":"query","name":"empty","op":"equals","value":""})", true},
      {"notEquals is not equals", R"({"in":"query","name":"n","op":"notEquals","value":"20"})", false},
      {"notEquals of another value", R"({"in":"query","name":"n","op":"notEquals","value":"3"})", true},
      {"notEquals is true when absent", R"({"in":"query","name":"gone","op":"notEquals","value":"x"})", true},
      {"names are exact", R"({"in":"query","name":"N","op":"exists"})", false},
      {"contains", R"({"in":"header","name":"x-a","op":"contains","value":"n"})", true},
      {"startsWith", R"({"in":"header","name":"x-a","op":"startsWith","value":"on"})", true},
      {"startsWith is not contains", R"({"in":"header","name":"x-a","op":"startsWith","value":"n"})", false},
      {"endsWith", R"({"in":"header","name":"x-a","op":"endsWith","value":"ne"})", true},
      {"matches is unanchored", R"({"in":"header","name":"x-a","op":"matches","value":"n."})", true},
      {"matches anchored", R"({"in":"header","name":"x-a","op":"matches","value":"^n"})", false},
      {"exists", R"({"in":"path","name":"id","op":"exists"})", true},
      {"absent", R"({"in":"path","name":"other","op":"absent"})", true},
      {"absent of what is there", R"({"in":"path","name":"id","op":"absent"})", false},
      {"in", R"({"in":"path","name":"id","op":"in","value":["1",42]})", true},
      {"in none", R"({"in":"path","name":"id","op":"in","value":["1","2"]})", false},
      {"gt any", R"({"in":"query","name":"n","op":"gt","value":10})", true},
      {"gte", R"({"in":"path","name":"id","op":"gte","value":"42"})", true},
      {"lt", R"({"in":"path","name":"id","op":"lt","value":42})", false},
      {"lte compares numbers, not text", R"({"in":"query","name":"n","op":"lte","value":3})", true},
      {"gt needs two numbers", R"({"in":"header","name":"x-a","op":"gt","value":0})", false},
      {"an empty text is no number", R"({"in":"query","name":"empty","op":"lt","value":1})", false},
      {"a cookie", R"({"in":"cookie","name":"s","op":"equals","value":"abc"})", true},
      {"a cookie of a second field", R"({"in":"cookie","name":"s","op":"equals","value":"def"})", true},
      {"a cookie keeps its quotes", R"({"in":"cookie","name":"q","op":"equals","value":"\"x\""})", true},
      {"a cookie's name is whole", R"({"in":"cookie","name":"t","op":"exists"})", false},
      {"method", R"({"in":"method","op":"in","value":["GET","HEAD"]})", true},
      {"ip", R"({"in":"ip","op":"startsWith","value":"10."})", true},
      {"body as text", R"({"in":"body","op":"contains","value":"\"deep\""})", true},
      {"body number typed", R"({"in":"body","pointer":"/n","op":"equals","value":5})", true},
      {"body 5.0 is 5", R"({"in":"body","pointer":"/n","op":"equals","value":5.0})", true},
      {"body number is not a string", R"({"in":"body","pointer":"/n","op":"equals","value":"5"})", false},
      {"body string is not a number", R"({"in":"body","pointer":"/s","op":"gt","value":1})", false},
      {"body boolean", R"({"in":"body","pointer":"/t","op":"equals","value":true})", true},
      {"body null is a value", R"({"in":"body","pointer":"/z","op":"equals","value":null})", true},
      {"body null exists", R"({"in":"body","pointer":"/z","op":"exists"})", true},
      {"body array element", R"({"in":"body","pointer":"/a/b/2/c","op":"equals","value":"deep"})", true},
      {"body past an array", R"({"in":"body","pointer":"/a/b/3","op":"exists"})", false},
      {"an index has no leading zero", R"({"in":"body","pointer":"/a/b/00","op":"exists"})", false},
      {"body whole values", R"({"in":"body","pointer":"/a/b","op":"equals","value":[1,2,{"c":"deep"}]})",
       true},
      {"body array contains", R"({"in":"body","pointer":"/list","op":"contains","value":"q"})", true},
      {"an empty key", R"({"in":"body","pointer":"/","op":"equals","value":1})", true},
      {"escaped slash", R"({"in":"body","pointer":"/x~1y","op":"equals","value":2})", true},
      {"escaped tilde", R"({"in":"body","pointer":"/m~0n","op":"equals","value":3})", true},
      {"body in, typed", R"({"in":"body","pointer":"/n","op":"in","value":["5",5]})", true},
      {"body gt", R"({"in":"body","pointer":"/n","op":"gt","value":4.5})", true},
      {"a string operator on a number", R"({"in":"body","pointer":"/n","op":"matches","value":"5"})", false},
      {"body notEquals when absent", R"({"in":"body","pointer":"/gone","op":"notEquals","value":1})", true},
      {"all", R"({"all":[{"in":"path","name":"id","op":"exists"},{"in":"ip","op":"exists"}]})", true},
      {"all but one", R"({"all":[{"in":"path","name":"id","op":"exists"},{"in":"ip","op":"absent"}]})",
       false},
      {"any", R"({"any":[{"in":"path","name":"id","op":"absent"},{"in":"ip","op":"exists"}]})", true},
      {"not", R"({"not":{"any":[{"in":"path","name":"id","op":"exists"}]}})", false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    std::string faults;
    const auto condition =
        Condition::compile(c.when, places, "", [&](const auto& p, const auto& d) { faults += p + " " + d; });
    ASSERT_TRUE(condition) << faults;
    const FakeFacts facts = request();
    Subject subject(facts);
    EXPECT_EQ(condition->holds(subject), c.want);
  }
}

TEST(Matcher, ABodyThatIsNotBoundedJsonHasNoValues) {
  const auto nested = [](int levels) { return std::string(levels, '[') + "1" + std::string(levels, ']'); };
  const struct {
    const char* name;
    std::string body;
    bool want;
  } cases[] = {
      {"JSON", "[1]", true},
      {"empty", "", false},
      {"text", "hello", false},
      {"cut off", "[1", false},
      {"trailing text", "[1] x", false},
      {"NUL", std::string("[1]\0[", 5), false},
      {"100 levels", nested(100), true},
      {"101 levels", nested(101), false},
      {"100,000 levels", nested(100'000), false},
  };
  const auto condition =
      Condition::compile(R"({"in":"body","pointer":"","op":"exists"})", places, "", [](auto&&...) {});
  ASSERT_TRUE(condition);
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    FakeFacts facts;
    facts.text = c.body;
    Subject subject(facts);
    EXPECT_EQ(condition->holds(subject), c.want);
  }
}

TEST(Matcher, AConditionIsRefusedWithAPointer) {
  const std::string deep = [] {
    std::string when = R"({"in":"ip","op":"exists"})";
    for (int i = 0; i < 40; ++i) when = R"({"not":)" + when + "}";
    return when;
  }();
  const struct {
    const char* name;
    std::string when;
    std::string pointer;
  } cases[] = {
      {"no form", "{}", "/when"},
      {"two forms", R"({"all":[],"in":"ip","op":"exists"})", "/when"},
      {"unknown place", R"({"in":"moon","op":"exists"})", "/when/in"},
      {"unknown operator", R"({"in":"ip","op":"like","value":"x"})", "/when/op"},
      {"no name", R"({"in":"query","op":"exists"})", "/when/name"},
      {"a name for the method", R"({"in":"method","name":"x","op":"exists"})", "/when/name"},
      {"a pointer for a query", R"({"in":"query","name":"x","pointer":"/a","op":"exists"})", "/when/pointer"},
      {"a bad pointer", R"({"in":"body","pointer":"a","op":"exists"})", "/when/pointer"},
      {"a bad escape", R"({"in":"body","pointer":"/~2","op":"exists"})", "/when/pointer"},
      {"no value", R"({"in":"ip","op":"equals"})", "/when/value"},
      {"a value for exists", R"({"in":"ip","op":"exists","value":1})", "/when/value"},
      {"an object as a string", R"({"in":"ip","op":"equals","value":{}})", "/when/value"},
      {"in without an array", R"({"in":"ip","op":"in","value":"x"})", "/when/value"},
      {"in of nothing", R"({"in":"ip","op":"in","value":[]})", "/when/value"},
      {"gt of a word", R"({"in":"ip","op":"gt","value":"x"})", "/when/value"},
      {"gt of a word in the body", R"({"in":"body","pointer":"/a","op":"gt","value":"5"})", "/when/value"},
      {"matches a number", R"({"in":"ip","op":"matches","value":5})", "/when/value"},
      {"a bad pattern", R"({"in":"ip","op":"matches","value":"("})", "/when/value"},
      {"a back reference", R"({"in":"ip","op":"matches","value":"(a)\\1"})", "/when/value"},
      {"a pattern too large", R"({"in":"ip","op":"matches","value":"((a{500}){500}){2}"})", "/when/value"},
      {"a pattern too long", R"({"in":"ip","op":"matches","value":")" + std::string(1025, 'a') + "\"}",
       "/when/value"},
      {"inside all", R"({"all":[{"in":"ip","op":"exists"},{"in":"ip"}]})", "/when/all/1/op"},
      {"inside not and any", R"({"not":{"any":[{"in":"x"}]}})", "/when/not/any/0/in"},
      {"too deep", deep,
       [] {
         std::string p = "/when";
         for (int i = 0; i < 33; ++i) p += "/not";
         return p;
       }()},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    std::vector<std::string> pointers;
    const auto got =
        Condition::compile(c.when, places, "/when", [&](auto p, auto) { pointers.push_back(p); });
    EXPECT_FALSE(got);
    ASSERT_EQ(pointers.size(), 1u);
    EXPECT_EQ(pointers[0], c.pointer);
  }
}

}  // namespace
}  // namespace mimus::mock
