// Who may call what, and what is answered where there is nothing.
#include "host/admin/token_book.h"
#include "tests/unit/admin/world.h"

namespace mimus {
namespace {

using testing::HasSubstr;

class AdminAccess : public World {
 protected:
  std::string token(const std::string& role) {
    return call("POST", "/admin/tokens", R"({"name":"t","role":")" + role + "\"}").text("secret");
  }
  Reply as(const std::string& secret, const std::string& method, const std::string& path,
           const std::string& body = "") {
    AdminCall request;
    request.method = method;
    request.path = path;
    request.body = body;
    request.authorization = "Bearer " + secret;
    return call(std::move(request));
  }
};

TEST_F(AdminAccess, EveryCallNeedsAToken) {
  for (const char* const value :
       {"Basic eDp5", "Bearer", "Bearer wrong", "first", "Bearer first ", "Bearer firs"}) {
    AdminCall request;
    request.method = "GET";
    request.path = "/admin/api-definitions";
    request.authorization = value;
    const Reply reply = call(request);
    EXPECT_EQ(reply.status, 401) << value;
    EXPECT_EQ(reply.headers.at("WWW-Authenticate"), "Bearer") << value;
    EXPECT_EQ(reply.code(), "unauthorized") << value;
  }
  AdminCall none;
  none.method = "GET";
  none.path = "/admin/nowhere";
  EXPECT_EQ(admin->handle(none).status, 401) << "before anything else is said";
  EXPECT_TRUE(admin->allows("bearer first", Role::admin));
  EXPECT_FALSE(admin->allows("", Role::viewer));
}

TEST_F(AdminAccess, RolesAllowWhatTheyAreFor) {
  const std::string viewer = token("viewer"), editor = token("editor"), other = token("admin");
  const struct {
    const char* name;
    const char* method;
    const char* path;
    const char* body;
    int viewer, editor, admin;
  } cases[] = {
      {"reading definitions", "GET", "/admin/api-definitions", "", 200, 200, 200},
      {"writing definitions", "PUT", "/admin/definitions", R"({"apis":[]})", 403, 200, 200},
      {"resetting", "POST", "/admin/reset", "{}", 403, 200, 200},
      {"reading tokens", "GET", "/admin/tokens", "", 403, 403, 200},
      {"making tokens", "POST", "/admin/tokens", "{}", 403, 403, 400},
      {"a backup", "POST", "/admin/backup", R"({"directory":"relative"})", 403, 403, 400},
      {"a plugin's reading route", "GET", "/admin/sample", "", 200, 200, 200},
      {"a plugin's writing route", "DELETE", "/admin/sample", "", 403, 204, 204},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(as(viewer, c.method, c.path, c.body).status, c.viewer) << c.name;
    EXPECT_EQ(as(editor, c.method, c.path, c.body).status, c.editor) << c.name;
    EXPECT_EQ(as(other, c.method, c.path, c.body).status, c.admin) << c.name;
  }
  EXPECT_TRUE(admin->allows("Bearer " + viewer, Role::viewer));
  EXPECT_FALSE(admin->allows("Bearer " + viewer, Role::editor));
}

TEST_F(AdminAccess, TokensAreShownOnceKeptHashedAndRevoked) {
  const Reply made = call("POST", "/admin/tokens", R"({"name":"ci","role":"editor"})");
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string secret = made.text("secret");
  EXPECT_EQ(secret.size(), std::string("mimus_").size() + 32);
  EXPECT_NE(call("POST", "/admin/tokens", R"({"name":"ci","role":"editor"})").text("secret"), secret);
  const auto stored = database->tokens().all();
  ASSERT_TRUE(stored);
  ASSERT_EQ(stored->size(), 2u);
  EXPECT_EQ(stored->front().sha256, admin::sha256(secret));
  EXPECT_EQ(call("GET", "/admin/tokens").body.find(secret), std::string::npos);
  open_admin();  // as after a restart
  EXPECT_EQ(as(secret, "GET", "/admin/definitions").status, 200);
  EXPECT_EQ(call("DELETE", made.headers.at("Location")).status, 204);
  EXPECT_EQ(as(secret, "GET", "/admin/definitions").status, 401);
  EXPECT_EQ(call("DELETE", made.headers.at("Location")).status, 404);
}

TEST_F(AdminAccess, WhatIsNotThereIsSaidPlainly) {
  const std::string api = make_api();
  const struct {
    const char* name;
    const char* method;
    std::string target;
    int status;
    const char* code;
    const char* allow;
  } cases[] = {
      {"an unknown path", "GET", "/admin/nowhere", 404, "no-such-resource", ""},
      {"the root", "GET", "/admin", 404, "no-such-resource", ""},
      {"an empty segment", "GET", "/admin/api-definitions/", 404, "no-such-resource", ""},
      {"a method that a list does not have", "DELETE", "/admin/api-definitions", 405, "method-not-allowed",
       "GET, POST"},
      {"a method that a resource does not have", "POST", api, 405, "method-not-allowed",
       "GET, PUT, PATCH, DELETE"},
      {"a method that a plugin's route does not have", "PUT", "/admin/sample", 405, "method-not-allowed",
       "GET, DELETE"},
      {"a parameter that a route does not have", "GET", "/admin/definitions?pretty=1", 400, "invalid-input",
       ""},
      {"a plugin's status that is none", "GET", "/admin/sample/status", 500, "plugin-failed", ""},
      {"a plugin's answer that is no JSON", "GET", "/admin/sample/html", 500, "plugin-failed", ""},
      {"a plugin's own problem", "GET", "/admin/sample/broken", 418, "teapot", ""},
      {"an unknown plugin", "GET", "/admin/plugins/test.none", 404, "no-such-resource", ""},
      {"an unknown plugin's routes", "GET", "/admin/plugins/test.none/x/y", 404, "no-such-resource", ""},
      {"a pipeline without an endpoint", "GET", "/admin/pipeline", 400, "invalid-input", ""},
      {"a pipeline of an unknown endpoint", "GET", "/admin/pipeline?endpointId=x", 404, "no-such-resource",
       ""},
      {"an image without bytes", "PUT", "/admin/plugins/test.sample/image", 400, "invalid-input", ""},
      {"a change where nobody changes plugins", "POST", "/admin/plugins/test.sample/reload", 409, "conflict",
       ""},
      {"what later versions bring: streams", "GET", "/admin/requests/stream", 501, "not-available", ""},
      {"what later versions bring: recording", "POST", api + "/record", 501, "not-available", ""},
      {"a backup without a body", "POST", "/admin/backup", 400, "invalid-json", ""},
  };
  for (const auto& c : cases) {
    const Reply reply = call(c.method, c.target);
    EXPECT_EQ(reply.status, c.status) << c.name << ": " << reply.body;
    EXPECT_EQ(reply.code(), c.code) << c.name;
    EXPECT_EQ(reply.headers.contains("Allow") ? reply.headers.at("Allow") : "", c.allow) << c.name;
  }
}

TEST_F(AdminAccess, BodiesMustBeJson) {
  const std::pair<const char*, int> types[] = {{"", 201},
                                               {"application/json; charset=utf-8", 201},
                                               {"application/merge-patch+json", 201},
                                               {"text/plain", 415},
                                               {"application/x-www-form-urlencoded", 415}};
  int slug = 0;
  for (const auto& [type, want] : types) {
    AdminCall request;
    request.method = "POST";
    request.path = "/admin/api-definitions";
    request.content_type = type;
    request.body = R"({"slug":"s)" + std::to_string(++slug) + "\"}";
    EXPECT_EQ(call(request).status, want) << type;
  }
}

TEST_F(AdminAccess, WritesOfDefinitionsAreKnownBeforeTheyAreHandled) {
  const struct {
    const char* method;
    const char* path;
    bool want;
  } cases[] = {{"POST", "/admin/api-definitions", true},
               {"GET", "/admin/api-definitions", false},
               {"DELETE", "/admin/api-definitions/x", true},
               {"PATCH", "/admin/api-definitions/x/endpoints/y", true},
               {"PUT", "/admin/definitions", true},
               {"GET", "/admin/definitions", false},
               {"POST", "/admin/reset", true},
               {"POST", "/admin/tokens", false},
               {"DELETE", "/admin/sample", false},
               {"POST", "/admin/nowhere", false}};
  for (const auto& c : cases)
    EXPECT_EQ(admin->writes_definitions(c.method, c.path), c.want) << c.method << " " << c.path;
}

TEST_F(AdminAccess, PluginsAnswerTheirRoutes) {
  EXPECT_EQ(call("GET", "/admin/sample/twice").text("resets"), "first") << "the first answer counts";
  EXPECT_EQ(call("GET", "/admin/sample?by=x%20y").text("query"), "by=x%20y");
  EXPECT_EQ(call("GET", "/admin/plugins/test.sample/x").at("resets"), "0");
  EXPECT_EQ(call("POST", "/admin/reset", R"({"journal":true,"samples":true})").body,
            R"({"reset":["journal","samples"]})");
  EXPECT_EQ(call("POST", "/admin/reset", R"({"samples":false})").body, R"({"reset":[]})");
  EXPECT_EQ(call("GET", "/admin/sample").at("resets"), "1");
  EXPECT_THAT(call("POST", "/admin/reset", R"({"sample":true})").errors(),
              HasSubstr("/sample: is not a known field (did you mean \"samples\"?)"));
  const Reply plugin = call("GET", "/admin/plugins/test.sample");
  EXPECT_EQ(plugin.text("version"), "1.2.3");
  EXPECT_EQ(plugin.text("state"), "active");
  EXPECT_EQ(plugin.text("phase"), "edge");
  EXPECT_EQ(
      plugin.at("fields"),
      R"({"api":["sampleApi"],"endpoint":["sample","sampleName","sampleList"],"channel":["sampleEvents"]})");
  EXPECT_THAT(call("GET", "/admin/plugins").at("items"), HasSubstr("test.sample"));
}

}  // namespace
}  // namespace mimus
