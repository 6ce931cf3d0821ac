// The plugin mimus.cors through its real .so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mimus/testing/fake_host.h"

namespace mimus::testing {
namespace {

using ::testing::IsEmpty;

constexpr const char* exposed = "ETag, Age, Location, X-Mock-Proxied, X-Mock-Deduplicated";
constexpr const char* lists =
    R"({"cors":{"origins":["https://a.test","null"],"methods":["GET","PUT"],"headers":["X-A","X-B"],"maxAge":5}})";
constexpr const char* with_credentials = R"({"cors":{"credentials":true}})";

Definition api(const char* fields) {
  return {.level = MIMUS_LEVEL_API, .fields = fields, .api_fields = fields};
}
Definition endpoint_of(const char* fields) { return {.api_fields = fields}; }

TEST(Cors, AnAnswerToARequestWithAnOrigin) {
  const struct {
    const char* name;
    const char* fields;
    const char* origin;  // null: none
    Fields answered;
    const char* allow_origin;
    const char* vary;
    const char* credentials;
    const char* expose;
  } cases[] = {
      {"absent is true", "{}", "https://x.test", {}, "*", "", "", exposed},
      {"true", R"({"cors":true})", "https://x.test", {}, "*", "", "", exposed},
      {"no origin, no headers", R"({"cors":true})", nullptr, {}, "", "", "", ""},
      {"an empty object is true", R"({"cors":{}})", "https://x.test", {}, "*", "", "", exposed},
      {"a star in the list", R"({"cors":{"origins":["*"]}})", "https://x.test", {}, "*", "", "", exposed},
      {"a listed origin is reflected", lists, "https://a.test", {}, "https://a.test", "Origin", "", exposed},
      {"the null origin if listed", lists, "null", {}, "null", "Origin", "", exposed},
      {"another origin", lists, "https://b.test", {}, "", "Origin", "", ""},
      {"a longer origin", lists, "https://a.test.evil", {}, "", "Origin", "", ""},
      {"another port", lists, "https://a.test:444", {}, "", "Origin", "", ""},
      {"a list without an origin", lists, nullptr, {}, "", "Origin", "", ""},
      {"an empty list allows none", R"({"cors":{"origins":[]}})", "https://a.test", {}, "", "Origin", "", ""},
      {"credentials name the origin",
       with_credentials,
       "https://x.test",
       {},
       "https://x.test",
       "Origin",
       "true",
       exposed},
      {"Vary is added to",
       lists,
       "https://a.test",
       {{"Vary", "Accept"}},
       "https://a.test",
       "Accept, Origin",
       "",
       exposed},
      {"Vary is not repeated",
       lists,
       "https://a.test",
       {{"vary", "accept, ORIGIN"}},
       "https://a.test",
       "accept, ORIGIN",
       "",
       exposed},
      {"the mock's own origin wins",
       "{}",
       "https://x.test",
       {{"access-control-allow-origin", "https://y.test"}},
       "https://y.test",
       "",
       "",
       ""},
      {"the mock's own exposed headers win",
       "{}",
       "https://x.test",
       {{"Access-Control-Expose-Headers", "X"}},
       "*",
       "",
       "",
       "X"},
  };
  for (const auto& c : cases) {
    for (const bool of_api : {true, false}) {
      SCOPED_TRACE(std::string(c.name) + (of_api ? ", API" : ", endpoint"));
      FakeHost host(CORS);
      Bound& bound = host.bind(of_api ? api(c.fields) : endpoint_of(c.fields));
      ASSERT_TRUE(bound.in_pipeline);
      Request request;
      if (c.origin != nullptr) request.headers.push_back({"Origin", c.origin});
      const Exchange& x = host.run(bound, request, {.status = 404, .headers = c.answered});
      EXPECT_EQ(x.answer.status, 404);
      EXPECT_EQ(x.answer.header("Access-Control-Allow-Origin"), c.allow_origin);
      EXPECT_EQ(x.answer.header("Vary"), c.vary);
      EXPECT_EQ(x.answer.header("Access-Control-Allow-Credentials"), c.credentials);
      EXPECT_EQ(x.answer.header("Access-Control-Expose-Headers"), c.expose);
    }
  }
}

TEST(Cors, APreflightIsAnsweredHere) {
  const struct {
    const char* name;
    const char* fields;
    const char* origin;
    Fields requested;  // Access-Control-Request-Headers
    const char* allow_origin;
    const char* methods;
    const char* headers;
    const char* max_age;
    const char* vary;
    const char* credentials;
  } cases[] = {
      {"true reflects",
       "{}",
       "https://x.test",
       {{"Access-Control-Request-Headers", "x-one,x-two"}},
       "*",
       "DELETE",
       "x-one,x-two",
       "600",
       "",
       ""},
      {"no headers asked for", "{}", "https://x.test", {}, "*", "DELETE", "", "600", "", ""},
      {"header names on two lines",
       "{}",
       "https://x.test",
       {{"access-control-request-headers", "a"}, {"Access-Control-Request-Headers", "b"}},
       "*",
       "DELETE",
       "a, b",
       "600",
       "",
       ""},
      {"lists are named whole",
       lists,
       "https://a.test",
       {{"Access-Control-Request-Headers", "x-z"}},
       "https://a.test",
       "GET, PUT",
       "X-A, X-B",
       "5",
       "Origin",
       ""},
      {"an origin that is not allowed", lists, "https://b.test", {}, "", "", "", "", "Origin", ""},
      {"credentials",
       with_credentials,
       "https://x.test",
       {{"Access-Control-Request-Headers", "x"}},
       "https://x.test",
       "DELETE",
       "x",
       "600",
       "Origin",
       "true"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    FakeHost host(CORS);
    Request request{.method = "OPTIONS", .headers = c.requested};
    request.headers.push_back({"Origin", c.origin});
    request.headers.push_back({"Access-Control-Request-Method", "DELETE"});
    const Exchange& x = host.run(host.bind(endpoint_of(c.fields)), request);
    EXPECT_TRUE(x.responded);
    EXPECT_EQ(x.answer.status, 204);
    EXPECT_EQ(x.answer.body, "");
    EXPECT_EQ(x.answer.header("Access-Control-Allow-Origin"), c.allow_origin);
    EXPECT_EQ(x.answer.header("Access-Control-Allow-Methods"), c.methods);
    EXPECT_EQ(x.answer.header("Access-Control-Allow-Headers"), c.headers);
    EXPECT_EQ(x.answer.header("Access-Control-Max-Age"), c.max_age);
    EXPECT_EQ(x.answer.header("Vary"), c.vary);
    EXPECT_EQ(x.answer.header("Access-Control-Allow-Credentials"), c.credentials);
    EXPECT_EQ(x.answer.header("Access-Control-Expose-Headers"), "");
  }
}

TEST(Cors, OtherOptionsRequestsPass) {
  FakeHost host(CORS);
  Bound& bound = host.bind(endpoint_of("{}"));
  EXPECT_FALSE(host.run(bound, {.method = "OPTIONS", .headers = {{"Origin", "https://x.test"}}}).responded);
  EXPECT_FALSE(
      host.run(bound, {.method = "GET", .headers = {{"Access-Control-Request-Method", "GET"}}}).responded);
}

TEST(Cors, FalseIsNotInThePipeline) {
  FakeHost host(CORS);
  EXPECT_FALSE(host.bind(api(R"({"cors":false})")).in_pipeline);
  EXPECT_FALSE(host.bind(endpoint_of(R"({"cors":false})")).in_pipeline);
  EXPECT_FALSE(host.bind({.level = MIMUS_LEVEL_CHANNEL}).in_pipeline);
}

TEST(Cors, CheckRefusesWhatCouldNeverMatch) {
  const struct {
    const char* name;
    const char* fields;
    const char* pointer;  // "" is fine
  } cases[] = {
      {"origins", R"({"cors":{"origins":["https://a.test","http://[::1]:80","null","*"]}})", ""},
      {"a path", R"({"cors":{"origins":["https://a.test","https://a.test/"]}})", "/cors/origins/1"},
      {"no scheme", R"({"cors":{"origins":["a.test"]}})", "/cors/origins/0"},
      {"a pattern", R"({"cors":{"origins":["https://*.a.test"]}})", "/cors/origins/0"},
      {"two in one", R"({"cors":{"origins":["https://a.test,https://b.test"]}})", "/cors/origins/0"},
      {"CR LF", R"({"cors":{"origins":["https://a\r\nX: y"]}})", "/cors/origins/0"},
      {"a method", R"({"cors":{"methods":["GET","P UT"]}})", "/cors/methods/1"},
      {"a header", R"({"cors":{"headers":["X:"]}})", "/cors/headers/0"},
      {"true", R"({"cors":true})", ""},
      {"absent", "{}", ""},
  };
  FakeHost host(CORS);
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto faults = host.check(api(c.fields));
    EXPECT_EQ(faults.empty() ? "" : faults[0].pointer, c.pointer);
    EXPECT_LE(faults.size(), 1u);
  }
}

}  // namespace
}  // namespace mimus::testing
