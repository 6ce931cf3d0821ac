// Whole sets of definitions: out, in, and from files at start.
#include <array>

#include "tests/unit/admin/world.h"

namespace mimus {
namespace {

using testing::HasSubstr;

class AdminTransfer : public World {
 protected:
  static constexpr const char* file = R"({"version":1,"apis":[
    {"slug":"shop","hosts":["shop.example"],
     "endpoints":[{"name":"get","method":"GET","path":"/a","sample": 1 },{"method":"POST","path":"/a"}],
     "websocketEndpoints":[{"path":"/ws/a"}]},
    {"slug":"bare"}]})";

  using Counts = std::array<int, 3>;  ///< Created, updated, unchanged.
  static std::string counted(Counts apis, Counts endpoints, Counts sockets) {
    const auto one = [](const Counts& n) {
      return "{\"created\":" + std::to_string(n[0]) + ",\"updated\":" + std::to_string(n[1]) +
             ",\"unchanged\":" + std::to_string(n[2]) + "}";
    };
    return "{\"apis\":" + one(apis) + ",\"endpoints\":" + one(endpoints) +
           ",\"websocketEndpoints\":" + one(sockets) + "}";
  }
  std::string endpoint_path(const char* name) {
    const auto api = definitions()->find_api_by_slug("shop");
    std::string out;
    api->endpoints.each([&](const EndpointRecord& e) {
      const std::string at = "/admin/api-definitions/" + api->id.text() + "/endpoints/" + e.id.text();
      if (call("GET", at).text("name") == name) out = at;
    });
    return out;
  }
};

TEST_F(AdminTransfer, AnExportImportsWithoutAnyChange) {
  EXPECT_EQ(call("PUT", "/admin/definitions", file).body, counted({2, 0, 0}, {2, 0, 0}, {1, 0, 0}));
  const Reply exported = call("GET", "/admin/definitions");
  EXPECT_THAT(exported.body, HasSubstr(R"("sample":1,)"));
  const std::uint64_t before = database->definitions().sequence();
  EXPECT_EQ(call("PUT", "/admin/definitions", file).body, counted({0, 0, 2}, {0, 0, 2}, {0, 0, 1}));
  EXPECT_EQ(database->definitions().sequence(), before);
}

TEST_F(AdminTransfer, AnExportMakesTheSameElsewhere) {
  EXPECT_EQ(call("PUT", "/admin/definitions", file).status, 200);
  const std::string exported = call("GET", "/admin/definitions").body;
  const auto wipe = [&] {
    while (const ApiRecord* const api = definitions()->apis().first()) {
      ASSERT_EQ(call("DELETE", "/admin/api-definitions/" + api->id.text()).status, 204);
    }
  };
  wipe();
  EXPECT_EQ(call("PUT", "/admin/definitions", exported).body, counted({2, 0, 0}, {2, 0, 0}, {1, 0, 0}));
  EXPECT_EQ(call("GET", "/admin/definitions").body, exported);
  EXPECT_EQ(database->definitions().sequence(), definitions()->sequence());
}

TEST_F(AdminTransfer, MatchesBySlugAndByNameMethodAndPath) {
  EXPECT_EQ(call("PUT", "/admin/definitions", file).status, 200);
  EXPECT_EQ(call("PUT", "/admin/definitions", R"({"apis":[{"slug":"shop","description":"d",
      "endpoints":[{"name":"get","method":"GET","path":"/a","sample":2},{"name":"new","method":"GET","path":"/a"}],
      "websocketEndpoints":[{"path":"/ws/a","enabled":false}]}]})")
                .body,
            counted({0, 1, 0}, {1, 1, 0}, {0, 1, 0}));
  EXPECT_EQ(call("GET", endpoint_path("get")).at("sample"), "2");
  EXPECT_FALSE(definitions()->find_channel_by_path("/ws/a")->enabled);
  EXPECT_EQ(definitions()->find_api_by_host("shop.example"), nullptr) << "an API that is named is replaced";
  EXPECT_NE(definitions()->find_api_by_slug("bare"), nullptr) << "what is not named stays";
}

TEST_F(AdminTransfer, AllOrNothingWithPointersFromTheRoot) {
  make_api("taken");
  const std::uint64_t before = database->definitions().sequence();
  const struct {
    const char* name;
    const char* body;
    int status;
    const char* errors;
  } cases[] = {
      {"no apis", "{}", 400, "/apis: is required\n"},
      {"another version", R"({"version":2,"apis":[]})", 400, "/version: must be 1\n"},
      {"an unknown key", R"({"apis":[],"api":[]})", 400,
       "/api: is not a known field (did you mean \"apis\"?)\n"},
      {"no list", R"({"apis":{}})", 400, "/apis: must be an array\n"},
      {"no object", R"({"apis":[1]})", 400, "/apis/0: must be an object\n"},
      {"a bad endpoint after good ones",
       R"({"apis":[{"slug":"a","endpoints":[{"method":"GET","path":"/"},{"method":"GET","path":"x"}]},{"slug":"B"}]})",
       400, "/apis/0/endpoints/1/path: the path must"},
      {"and what is wrong after it",
       R"({"apis":[{"slug":"a","endpoints":[{"method":"GET","path":"x"}]},{"slug":"B"}]})", 400,
       "/apis/1/slug: must be lower-case"},
      {"a bad id", R"({"apis":[{"slug":"a","id":"x"}]})", 400, "/apis/0/id: must be an id"},
      {"a slug twice", R"({"apis":[{"slug":"a"},{"slug":"a"}]})", 400,
       "/apis/1: is the same API as one before it"},
      {"a channel path twice",
       R"({"apis":[{"slug":"a","websocketEndpoints":[{"path":"/ws/x"}]},{"slug":"b","websocketEndpoints":[{"path":"/ws/x"}]}]})",
       409, "/apis/1/websocketEndpoints/0/path: "},
  };
  for (const auto& c : cases) {
    const Reply reply = call("PUT", "/admin/definitions", c.body);
    EXPECT_EQ(reply.status, c.status) << c.name << ": " << reply.body;
    EXPECT_THAT(reply.errors(), HasSubstr(c.errors)) << c.name;
  }
  EXPECT_EQ(database->definitions().sequence(), before);
  EXPECT_EQ(definitions()->find_api_by_slug("a"), nullptr);
}

TEST_F(AdminTransfer, FilesLoadOnceAndNeverOverEdits) {
  ASSERT_TRUE(admin->load_file(file));
  const std::uint64_t loaded = database->definitions().sequence();
  ASSERT_TRUE(admin->load_file(file));
  EXPECT_EQ(database->definitions().sequence(), loaded) << "the same file again changes nothing";

  const std::string newer = R"({"apis":[{"slug":"shop","hosts":["new.example"],
     "endpoints":[{"name":"get","method":"PUT","path":"/b","sample":3},{"method":"POST","path":"/a","sample":4}]}]})";
  ASSERT_EQ(call("PATCH", endpoint_path("get"), R"({"sample":2})").status, 200);
  open_admin();  // as after a restart
  ASSERT_TRUE(admin->load_file(newer));
  EXPECT_EQ(call("GET", endpoint_path("get")).at("sample"), "2") << "it was edited";
  EXPECT_EQ(call("GET", endpoint_path("")).at("sample"), "4") << "it was not";
  EXPECT_NE(definitions()->find_api_by_host("new.example"), nullptr);
  EXPECT_EQ(call("GET", endpoint_path("get")).at("loadedRevision"), "") << "the mark is ours";
}

TEST_F(AdminTransfer, BadFilesSayWhere) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "empty"},
      {"[]", "JSON object"},
      {R"({"apis":[{"slug":"A"}]})", "/apis/0/slug must be lower-case"}};
  for (const auto& [text, message] : cases) {
    const Status loaded = admin->load_file(text);
    ASSERT_FALSE(loaded) << text;
    EXPECT_EQ(loaded.error().code, Code::invalid) << text;
    EXPECT_THAT(loaded.error().message, HasSubstr(message));
    EXPECT_EQ(loaded.error().pointer, "") << "it would be told twice";
  }
}

}  // namespace
}  // namespace mimus
