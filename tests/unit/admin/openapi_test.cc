// The OpenAPI document agrees with itself and with what answers.
#include <nlohmann/json.hpp>
#include <set>

#include "tests/unit/admin/world.h"

namespace mimus {
namespace {

using nlohmann::json;

class AdminOpenApi : public World {
 protected:
  json document() { return json::parse(call("GET", "/admin/openapi.json").body); }
};

void each_ref(const json& at, const std::function<void(const std::string&)>& show) {
  if (at.is_object() && at.contains("$ref") && at["$ref"].is_string()) show(at["$ref"]);
  if (!at.is_structured()) return;
  for (const auto& below : at) each_ref(below, show);
}

TEST_F(AdminOpenApi, EveryReferenceResolves) {
  const json doc = document();
  EXPECT_EQ(doc["openapi"], "3.1.0");
  int seen = 0;
  each_ref(doc, [&](const std::string& ref) {
    ++seen;
    ASSERT_EQ(ref.substr(0, 2), "#/");
    EXPECT_TRUE(doc.contains(json::json_pointer(ref.substr(1)))) << ref;
  });
  EXPECT_GT(seen, 50);
}

TEST_F(AdminOpenApi, EveryOperationIsThere) {
  const json doc = document();
  std::set<std::string> ids;
  for (const auto& [path, methods] : doc["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) {
      EXPECT_TRUE(ids.insert(operation["operationId"]).second) << operation["operationId"];
      std::string upper = method, concrete = path;
      for (char& c : upper) c = static_cast<char>(c - 'a' + 'A');
      std::set<std::string> named;
      for (std::size_t open; (open = concrete.find('{')) != std::string::npos;) {
        const std::size_t close = concrete.find('}', open);
        named.insert(concrete.substr(open + 1, close - open - 1));
        concrete.replace(open, close - open + 1, "x");
      }
      std::set<std::string> declared;
      for (const json& parameter : operation.value("parameters", json::array())) {
        if (parameter["in"] == "path") declared.insert(parameter["name"]);
      }
      EXPECT_EQ(named, declared) << upper << " " << path;
      const Reply reply = call(upper, concrete, "{}");
      EXPECT_NE(reply.status, 405) << upper << " " << path;
      EXPECT_LT(reply.status, 500) << upper << " " << path << ": " << reply.body;
      EXPECT_EQ(reply.body.find("no such admin path"), std::string::npos) << upper << " " << path;
      const bool success = reply.status < 400;
      EXPECT_TRUE(!success || operation["responses"].contains(std::to_string(reply.status)))
          << upper << " " << path;
    }
  }
  EXPECT_TRUE(doc["paths"].contains("/admin/sample"));
}

TEST_F(AdminOpenApi, PluginsFieldsAreInTheSchemasAndWhatIsMissingIsNot) {
  const json doc = document();
  const json& endpoint = doc["components"]["schemas"]["EndpointInput"];
  EXPECT_TRUE(endpoint["properties"].contains("sample"));
  EXPECT_EQ(endpoint["required"], json::parse(R"(["method","path"])"));
  EXPECT_FALSE(doc["paths"].contains("/admin/requests/stream"));
  EXPECT_TRUE(doc["paths"].contains("/admin/plugins/{id}/reload"));
  std::set<std::string> filters;
  for (const json& parameter : doc["paths"]["/admin/requests"]["get"]["parameters"])
    filters.insert(parameter["name"]);
  EXPECT_TRUE(filters.contains("sampled"));
  EXPECT_FALSE(filters.contains("q"));
}

}  // namespace
}  // namespace mimus
