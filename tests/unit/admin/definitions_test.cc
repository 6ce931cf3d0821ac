// Creating, reading, changing and deleting definitions.
#include "tests/unit/admin/world.h"

namespace mimus {
namespace {

using testing::HasSubstr;
using testing::Not;

class AdminDefinitions : public World {};

TEST_F(AdminDefinitions, AnApiIsShownWithItsDefaults) {
  const Reply made =
      call("POST", "/admin/api-definitions", R"( {"slug":"shop","id":"ignored","revision":77} )");
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string id = made.text("id");
  EXPECT_EQ(made.headers.at("Location"), "/admin/api-definitions/" + id);
  EXPECT_EQ(made.headers.at("ETag"), "\"1\"");
  EXPECT_EQ(made.headers.at("Content-Type"), "application/json");
  EXPECT_EQ(
      made.body,
      R"({"id":")" + id +
          R"(","slug":"shop","name":"","description":"","hosts":[],"capture":{"requestHeaders":false,"responseHeaders":false,"bodies":false},"plugins":{},"createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"2026-01-01T00:00:00.000Z","revision":1})");
  const Reply shown = call("GET", made.headers.at("Location"));
  EXPECT_EQ(shown.status, 200);
  EXPECT_EQ(shown.body, made.body);
}

TEST_F(AdminDefinitions, TheNextRequestSeesAChange) {
  const std::string api = make_api();
  const Reply made = call("POST", api + "/endpoints", R"({"method":"GET","path":"/users/:id","priority":3})");
  ASSERT_EQ(made.status, 201) << made.body;
  const EndpointRecord* const record = definitions()->find_endpoint(*Ulid::parse(made.text("id")));
  ASSERT_NE(record, nullptr);
  EXPECT_EQ(record->route.path, "/users/:id");
  EXPECT_EQ(record->route.priority, 3);
  EXPECT_TRUE(record->route.enabled);
  EXPECT_EQ(definitions()->sequence(), database->definitions().sequence());
}

TEST_F(AdminDefinitions, ValuesComeBackByteForByte) {
  const std::string api = make_api();
  const std::string list = R"([ {"kind" : "a", "json": { "n": 275.0, "e":1E2,  "u":"\u00e9" } } ])";
  const Reply made =
      call("POST", api + "/endpoints", R"({"method":"GET","path":"/a","sampleList":)" + list + "}");
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string at = api + "/endpoints/" + made.text("id");
  EXPECT_EQ(call("GET", at).at("sampleList"), list);
  EXPECT_EQ(call("PATCH", at, R"({"name":"x"})").at("sampleList"), list);
  open_admin();  // as after a restart
  EXPECT_EQ(call("GET", at).at("sampleList"), list);
}

TEST_F(AdminDefinitions, PatchChangesOnlyWhatItNames) {
  const std::string api = make_api();
  const Reply made =
      call("POST", api + "/endpoints", R"({"method":"GET","path":"/a","priority":5,"sample":2})");
  const std::string at = api + "/endpoints/" + made.text("id");
  clock.advance(std::chrono::seconds(1));
  const Reply patched = call("PATCH", at, R"({"priority":null,"enabled":false})");
  ASSERT_EQ(patched.status, 200) << patched.body;
  EXPECT_EQ(patched.at("priority"), "0");
  EXPECT_EQ(patched.at("enabled"), "false");
  EXPECT_EQ(patched.at("sample"), "2");
  EXPECT_EQ(patched.at("revision"), "2");
  EXPECT_EQ(patched.text("createdAt"), "2026-01-01T00:00:00.000Z");
  EXPECT_EQ(patched.text("updatedAt"), "2026-01-01T00:00:01.000Z");
  EXPECT_FALSE(definitions()->find_endpoint(*Ulid::parse(made.text("id")))->route.enabled);
  EXPECT_EQ(call("PATCH", at, R"({"path":null})").errors(), "/path: is required\n");
}

TEST_F(AdminDefinitions, PutReplacesAll) {
  const std::string api = make_api();
  const std::string at =
      api + "/endpoints/" +
      call("POST", api + "/endpoints", R"({"method":"GET","path":"/a","sample":2})").text("id");
  const Reply put = call("PUT", at, R"({"method":"ANY","path":"/b"})");
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(put.at("sample"), "");
  EXPECT_EQ(put.text("path"), "/b");
  EXPECT_EQ(call("PUT", at, R"({"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","method":"ANY","path":"/b"})")
                .errors()
                .substr(0, 5),
            "/id: ");
  EXPECT_EQ(call("PUT", at, put.body).status, 200) << "what GET shows may be sent again";
}

TEST_F(AdminDefinitions, RevisionsGuardAgainstLostUpdates) {
  const std::string api = make_api();
  const struct {
    const char* name;
    const char* method;
    const char* if_match;
    const char* if_none_match;
    int want;
  } cases[] = {
      {"another revision", "PATCH", "\"7\"", "", 412},
      {"the revision", "PATCH", "\"1\"", "", 200},
      {"one of several", "PUT", "\"1\", \"2\"", "", 200},
      {"any", "PATCH", "*", "", 200},
      {"a weak tag never matches", "PATCH", "W/\"4\"", "", 412},
      {"unchanged since", "GET", "", "\"4\"", 304},
      {"unchanged since, weakly", "GET", "", "W/\"4\"", 304},
      {"changed since", "GET", "", "\"3\"", 200},
      {"deleting another revision", "DELETE", "\"3\"", "", 412},
      {"deleting the revision", "DELETE", "\"4\"", "", 204},
  };
  for (const auto& c : cases) {
    AdminCall request;
    request.method = c.method;
    request.path = api;
    request.body = R"({"slug":"shop"})";
    request.if_match = c.if_match;
    request.if_none_match = c.if_none_match;
    const Reply reply = call(request);
    EXPECT_EQ(reply.status, c.want) << c.name << ": " << reply.body;
    if (c.want == 304) {
      EXPECT_EQ(reply.body, "") << c.name;
    }
    if (c.want == 412) {
      EXPECT_EQ(reply.code(), "precondition-failed") << c.name;
    }
  }
}

TEST_F(AdminDefinitions, DeletingAnApiTakesWhatBelongsToIt) {
  const std::string api = make_api();
  const std::string endpoint = call("POST", api + "/endpoints", R"({"method":"GET","path":"/a"})").text("id");
  const std::string channel = call("POST", api + "/websocket-endpoints", R"({"path":"/ws/a"})").text("id");
  EXPECT_EQ(channels.looked_for_gone, 0);
  const Reply gone = call("DELETE", api);
  EXPECT_EQ(gone.status, 204);
  EXPECT_EQ(channels.looked_for_gone, 1) << "their clients leave, too";
  EXPECT_EQ(gone.body, "");
  EXPECT_EQ(call("GET", api).status, 404);
  EXPECT_EQ(definitions()->find_endpoint(*Ulid::parse(endpoint)), nullptr);
  EXPECT_EQ(definitions()->find_channel(*Ulid::parse(channel)), nullptr);
  EXPECT_FALSE(database->definitions().document(Kind::endpoint, *Ulid::parse(endpoint)));
  EXPECT_EQ(definitions()->sequence(), database->definitions().sequence());
  const std::string again = make_api();
  EXPECT_EQ(call("POST", again + "/websocket-endpoints", R"({"path":"/ws/a"})").status, 201);
}

TEST_F(AdminDefinitions, NamesThatMustBeUniqueAre) {
  const std::string api = make_api();
  EXPECT_EQ(call("PATCH", api, R"({"hosts":["Shop.example"]})").status, 200);
  EXPECT_EQ(call("POST", api + "/websocket-endpoints", R"({"path":"/ws/a"})").status, 201);
  const std::string other = make_api("other");
  const struct {
    const char* name;
    const char* method;
    std::string path;
    const char* body;
    const char* pointer;
  } cases[] = {
      {"a slug", "POST", "/admin/api-definitions", R"({"slug":"shop"})", "/slug"},
      {"a slug in a change", "PATCH", other, R"({"slug":"shop"})", "/slug"},
      {"a host in another case", "PATCH", other, R"({"hosts":["a.example","SHOP.example"]})", "/hosts/1"},
      {"a channel path of another API", "POST", other + "/websocket-endpoints", R"({"path":"/ws/a"})",
       "/path"},
  };
  for (const auto& c : cases) {
    const Reply reply = call(c.method, c.path, c.body);
    EXPECT_EQ(reply.status, 409) << c.name << ": " << reply.body;
    EXPECT_EQ(reply.code(), "conflict") << c.name;
    EXPECT_THAT(reply.errors(), HasSubstr(std::string(c.pointer) + ": ")) << c.name;
  }
  EXPECT_EQ(call("PATCH", api, R"({"hosts":["shop.example"],"slug":"shop"})").status, 200)
      << "its own names are free";
}

TEST_F(AdminDefinitions, BadDefinitionsAreRefusedWithPointers) {
  const std::string api = make_api();
  EXPECT_EQ(call("PATCH", api, R"({"sampleApi":true})").status, 200);
  const std::string endpoints = api + "/endpoints", sockets = api + "/websocket-endpoints";
  const struct {
    const char* name;
    std::string path;
    const char* body;
    const char* errors;  ///< A part.
    const char* code;
  } cases[] = {
      {"no slug", "/admin/api-definitions", R"({"name":"x"})", "/slug: is required\n", "invalid-input"},
      {"a slug with capitals", "/admin/api-definitions", R"({"slug":"Shop"})", "/slug: must be lower-case",
       "invalid-input"},
      {"a long slug", "/admin/api-definitions",
       R"({"slug":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"})",
       "/slug: must have at most 63", "invalid-input"},
      {"a host with a port", "/admin/api-definitions", R"({"slug":"x","hosts":["a:80"]})",
       "/hosts/0: must be a host name", "invalid-input"},
      {"a host twice", "/admin/api-definitions", R"({"slug":"x","hosts":["a","A"]})",
       "/hosts/1: is there twice", "invalid-input"},
      {"half a capture", "/admin/api-definitions", R"({"slug":"x","capture":{"body":true}})",
       "/capture/body: is not a known field", "invalid-input"},
      {"a mistyped field", endpoints, R"({"method":"GET","path":"/a","prioritty":1})",
       "/prioritty: is not a field of this endpoint (did you mean \"priority\"?)\n", "invalid-input"},
      {"several faults at once", endpoints, R"({"enabled":"yes","sample":0})",
       "/method: is required\n/path: is required\n/enabled: must be a boolean\n/sample: must be at least 1\n",
       "invalid-input"},
      {"a bad path", endpoints, R"({"method":"GET","path":"a"})", "/path: the path must start with",
       "invalid-input"},
      {"a bad method", endpoints, R"({"method":"GET it","path":"/a"})", "/method: must be a method",
       "invalid-input"},
      {"an unknown plugin", endpoints, R"({"method":"GET","path":"/a","plugins":{"test.simple":{}}})",
       "/plugins/test.simple: there is no plugin of this id (did you mean \"test.sample\"?)\n",
       "invalid-input"},
      {"a plugin set to true", endpoints, R"({"method":"GET","path":"/a","plugins":{"test.sample":true}})",
       "/plugins/test.sample: must be an object", "invalid-input"},
      {"a plugin's bad setting", endpoints,
       R"({"method":"GET","path":"/a","plugins":{"test.sample":{"depth":"x"}}})",
       "/plugins/test.sample/depth: must be an integer\n", "invalid-input"},
      {"what the plugin's check refuses", endpoints, R"({"method":"GET","path":"/a","sample":7})",
       "/sample: must not be 7 on /a\n", "invalid-input"},
      {"what the check reads of the API", endpoints, R"({"method":"GET","path":"/a","sample":9})",
       "/sample: 9 needs another API\n", "invalid-input"},
      {"what the check reads of the settings", endpoints,
       R"({"method":"GET","path":"/a","sample":10,"plugins":{"test.sample":{"depth":3}}})",
       "/sample: 10 at depth 3\n", "invalid-input"},
      {"what the plugin does not have yet", endpoints, R"({"method":"GET","path":"/a","sample":8})",
       "/sample: 8 is not available\n", "not-available"},
      {"a channel elsewhere", sockets, R"({"path":"/chat/x"})", "/path: must begin with", "invalid-input"},
      {"a channel at a dot segment", sockets, R"({"path":"/ws/../x"})", "/path: can never match",
       "invalid-input"},
      {"a subprotocol with a space", sockets, R"({"path":"/ws/a","subprotocols":["a b"]})",
       "/subprotocols/0: must be a token\n", "invalid-input"},
      {"an origin that no browser sends", sockets, R"({"path":"/ws/a","origins":["*","https://a.test/"]})",
       "/origins/1: is not an origin", "invalid-input"},
      {"an empty token", sockets, R"({"path":"/ws/a","requireToken":""})",
       "/requireToken: must not be empty\n", "invalid-input"},
      {"another level's field", sockets, R"({"path":"/ws/a","sample":1})",
       "/sample: is not a field of this WebSocket endpoint", "invalid-input"},
      {"an array", endpoints, "[]", ": the body must be a JSON object\n", "invalid-input"},
      {"a repeated key", endpoints, R"({"path":"/a","path":"/b"})", "/path: the key is there twice\n",
       "invalid-json"},
      {"no JSON", endpoints, "{", "", "invalid-json"},
  };
  const std::uint64_t before = database->definitions().sequence();
  for (const auto& c : cases) {
    const Reply reply = call("POST", c.path, c.body);
    EXPECT_EQ(reply.status, 400) << c.name << ": " << reply.body;
    EXPECT_THAT(reply.errors(), HasSubstr(c.errors)) << c.name;
    EXPECT_EQ(reply.code(), c.code) << c.name;
    EXPECT_EQ(reply.headers.at("Content-Type"), "application/problem+json") << c.name;
    EXPECT_EQ(reply.text("instance"), c.path) << c.name;
  }
  EXPECT_EQ(database->definitions().sequence(), before) << "nothing was written";
}

TEST_F(AdminDefinitions, ListsComeInPages) {
  const std::string api = make_api();
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(
        call("POST", api + "/endpoints", R"({"method":"GET","path":"/)" + std::to_string(i) + "\"}").status,
        201);
    make_api("other" + std::to_string(i));
    ASSERT_EQ(
        call("POST", api + "/websocket-endpoints", R"({"path":"/ws/)" + std::to_string(i) + "\"}").status,
        201);
  }
  const std::pair<std::string, std::size_t> lists[] = {
      {"/admin/api-definitions", 6}, {api + "/endpoints", 5}, {api + "/websocket-endpoints", 5}};
  for (const auto& [path, count] : lists) {
    std::vector<std::string> ids;
    std::string cursor;
    do {
      const Reply page = call("GET", path + "?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor));
      ASSERT_EQ(page.status, 200) << page.body;
      json::elements(page.at("items"), [&](std::string_view item) {
        ids.push_back(json::unquote(*json::member(item, "id")));
        return true;
      });
      cursor = page.at("nextCursor") == "null" ? "" : page.text("nextCursor");
    } while (!cursor.empty() && ids.size() < 20);
    EXPECT_EQ(ids.size(), count) << path;
    EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end())) << path;
  }
  for (const char* const query : {"limit=0", "limit=1001", "limit=x", "cursor=x", "other=1"}) {
    EXPECT_EQ(call("GET", "/admin/api-definitions?" + std::string(query)).status, 400) << query;
  }
}

TEST_F(AdminDefinitions, UnknownIdsAre404) {
  const std::string api = make_api(), other = make_api("other");
  const std::string endpoint = call("POST", api + "/endpoints", R"({"method":"GET","path":"/a"})").text("id");
  for (const std::string& path :
       {std::string("/admin/api-definitions/x"),
        std::string("/admin/api-definitions/01ARZ3NDEKTSV4RRFFQ69G5FAV/endpoints"),
        other + "/endpoints/" + endpoint, api + "/websocket-endpoints/" + endpoint}) {
    const Reply reply = call("GET", path);
    EXPECT_EQ(reply.status, 404) << path;
    EXPECT_EQ(reply.code(), "no-such-resource") << path;
  }
}

class AdminWithoutPlugin : public World {
 protected:
  AdminWithoutPlugin() : World(false) {}
};

TEST_F(AdminWithoutPlugin, FieldsOfAVanishedPluginAreKeptAndRefusedInNewWrites) {
  const std::string api = make_api();
  const Reply made = call("POST", api + "/endpoints", R"({"method":"GET","path":"/a"})");
  const Ulid id = *Ulid::parse(made.text("id"));
  DefinitionWrite write;  // as a host that had the plugin left it
  write.kind = Kind::endpoint;
  write.id = id;
  write.api = *Ulid::parse(made.text("apiId"));
  write.revision = 2;
  write.document =
      R"({"id":")" + made.text("id") + R"(","apiId":")" + made.text("apiId") +
      R"(","method":"GET","path":"/a","sample": 1.0,"plugins":{"test.sample":{}},"createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"2026-01-01T00:00:00.000Z","revision":2})";
  write.route = {"GET", "/a", 0, true};
  ASSERT_TRUE(database->definitions().commit({&write, 1}, 0));
  const std::string at = api + "/endpoints/" + made.text("id");
  open_admin();
  EXPECT_EQ(call("GET", at).at("sample"), "1.0");
  const Reply patched = call("PATCH", at, R"({"name":"n"})");
  EXPECT_EQ(patched.status, 200) << patched.body;
  EXPECT_EQ(patched.at("sample"), "1.0");
  EXPECT_THAT(call("PUT", at, patched.body).errors(), HasSubstr("/sample: is not a field"));
  EXPECT_EQ(call("PATCH", at, R"({"sample":2})").status, 400);
  EXPECT_EQ(call("PATCH", at, R"({"sample":null,"plugins":null})").at("sample"), "");
  EXPECT_THAT(call("GET", at).body, Not(HasSubstr("sample")));
}

}  // namespace
}  // namespace mimus
