// What is made up from schemas.
#include "host/kit/values.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace mimus::kit {
namespace {

using Json = Values::Json;

const Json schema = Json::parse(R"({
  "type": "object", "required": ["kind"], "properties": {
    "kind": {"enum": ["a", "b"]},
    "size": {"type": "integer", "minimum": 5, "maximum": 9},
    "tags": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "string", "maxLength": 4}},
    "inner": {"$ref": "#/definitions/inner"}},
  "definitions": {"inner": {"type": "object", "properties": {"inner": {"$ref": "#/definitions/inner"}}}}})");

TEST(Values, ExamplesAreFilled) {
  const Json made = Values(1).example(schema);
  EXPECT_EQ(made["kind"], "a");
  EXPECT_EQ(made["size"], 5);
  EXPECT_EQ(made["tags"].size(), 1u);
  EXPECT_TRUE(made["inner"].is_object());
}

TEST(Values, ASchemasOwnExampleIsTaken) {
  const Json own = Json::parse(R"({"type":"array","items":{"type":"integer"},"examples":[[7,8],[9]]})");
  EXPECT_EQ(Values(1).example(own), Json::parse("[7,8]"));
  EXPECT_NE(Values(1).valid(own), Json::parse("[7,8]"));
}

TEST(Values, ValidOnesKeepTheBounds) {
  Values values(7);
  for (int i = 0; i < 500; ++i) {
    const Json made = values.valid(schema);
    EXPECT_TRUE(made["kind"] == "a" || made["kind"] == "b");
    if (made.contains("size")) {
      EXPECT_GE(made["size"], 5);
      EXPECT_LE(made["size"], 9);
    }
    if (made.contains("tags")) {
      EXPECT_GE(made["tags"].size(), 1u);
      EXPECT_LE(made["tags"].size(), 3u);
      for (const Json& tag : made["tags"]) EXPECT_LE(tag.get<std::string>().size(), 4u);
    }
  }
}

TEST(Values, AreTheSameForOneSeed) {
  Values a(3), b(3), c(4);
  std::string from_a, from_b, from_c;
  for (int i = 0; i < 20; ++i) {
    from_a += a.nearly(schema).dump(-1, ' ', false, Json::error_handler_t::replace);
    from_b += b.nearly(schema).dump(-1, ' ', false, Json::error_handler_t::replace);
    from_c += c.nearly(schema).dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  EXPECT_EQ(from_a, from_b);
  EXPECT_NE(from_a, from_c);
}

TEST(Values, OfASchemaThatNamesItselfEnd) {
  const Json tree = Json::parse(R"({"definitions": {"t": {"type": "object", "properties": {
    "all": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/t"}},
    "any": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/t"}}}}}, "$ref": "#/definitions/t"})");
  Values values(1);
  for (int i = 0; i < 200; ++i) {
    const std::string text = values.valid(tree).dump();
    EXPECT_LT(std::count(text.begin(), text.end(), '{'), 5000);
  }
}

}  // namespace
}  // namespace mimus::kit
