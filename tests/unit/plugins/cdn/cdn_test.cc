// The plugin mimus.cdn through its real .so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mimus/testing/fake_host.h"

namespace mimus::testing {
namespace {

constexpr const char* md5_of_hello = "\"5d41402abc4b2a76b9719d911017c592\"";
const Definition cached = {.fields = R"({"cacheEnabled":true})"};

TEST(Cdn, MarksCacheableAnswers) {
  const struct {
    const char* name;
    const char* fields;
    const char* method;
    int status;
    Fields headers;
    const char* cache_control;
    const char* etag;
  } cases[] = {
      {"the defaults", R"({"cacheEnabled":true})", "GET", 200, {}, "public, max-age=3600", md5_of_hello},
      {"HEAD is as GET", R"({"cacheEnabled":true})", "HEAD", 200, {}, "public, max-age=3600", md5_of_hello},
      {"private and short",
       R"({"cacheEnabled":true,"cacheTTL":0,"cacheControl":"private"})",
       "GET",
       200,
       {},
       "private, max-age=0",
       md5_of_hello},
      {"203", R"({"cacheEnabled":true})", "GET", 203, {}, "public, max-age=3600", md5_of_hello},
      {"204", R"({"cacheEnabled":true})", "GET", 204, {}, "public, max-age=3600", md5_of_hello},
      {"301", R"({"cacheEnabled":true})", "GET", 301, {}, "public, max-age=3600", md5_of_hello},
      {"308", R"({"cacheEnabled":true})", "GET", 308, {}, "public, max-age=3600", md5_of_hello},
      {"404", R"({"cacheEnabled":true})", "GET", 404, {}, "public, max-age=3600", md5_of_hello},
      {"410", R"({"cacheEnabled":true})", "GET", 410, {}, "public, max-age=3600", md5_of_hello},
      {"302 is not", R"({"cacheEnabled":true})", "GET", 302, {}, "", ""},
      {"206 is not", R"({"cacheEnabled":true})", "GET", 206, {}, "", ""},
      {"500 is not", R"({"cacheEnabled":true})", "GET", 500, {}, "", ""},
      {"POST is not", R"({"cacheEnabled":true})", "POST", 200, {}, "", ""},
      {"Set-Cookie is not", R"({"cacheEnabled":true})", "GET", 200, {{"set-cookie", "a=b"}}, "", ""},
      {"an own Cache-Control wins",
       R"({"cacheEnabled":true})",
       "GET",
       200,
       {{"cache-control", "no-cache"}},
       "no-cache",
       md5_of_hello},
      {"an own ETag wins",
       R"({"cacheEnabled":true})",
       "GET",
       200,
       {{"etag", "W/\"own\""}},
       "public, max-age=3600",
       "W/\"own\""},
  };
  for (const auto& c : cases) {
    for (const bool streaming : {false, true}) {
      if (streaming && std::string(c.method) == "HEAD") continue;
      SCOPED_TRACE(std::string(c.name) + (streaming ? ", streaming" : ""));
      FakeHost host(CDN);
      const Exchange& x =
          host.run(host.bind({.fields = c.fields}), {.method = c.method},
                   {.status = c.status, .headers = c.headers, .body = "hello", .streaming = streaming});
      EXPECT_EQ(x.answer.status, c.status);
      EXPECT_EQ(x.answer.header("Cache-Control"), c.cache_control);
      EXPECT_EQ(x.answer.header("ETag"), c.etag);
      EXPECT_EQ(x.answer.body, "hello");
      EXPECT_FALSE(x.numbers.contains("notModified"));
    }
  }
}

TEST(Cdn, AClientThatHasItGets304) {
  const Field modified{"Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"};
  const struct {
    const char* name;
    Fields request;
    int status;
    Fields answered;
    int want;
  } cases[] = {
      {"its tag", {{"If-None-Match", md5_of_hello}}, 200, {}, 304},
      {"another tag", {{"If-None-Match", "\"x\""}}, 200, {}, 200},
      {"its tag on a second line",
       {{"If-None-Match", "\"x\""}, {"if-none-match", md5_of_hello}},
       200,
       {},
       304},
      {"any", {{"If-None-Match", "*"}}, 200, {}, 304},
      {"the mock's own tag", {{"If-None-Match", "\"own\""}}, 200, {{"ETag", "W/\"own\""}}, 304},
      {"not for a 404", {{"If-None-Match", md5_of_hello}}, 404, {}, 404},
      {"not for a 203", {{"If-None-Match", "*"}}, 203, {}, 203},
      {"unchanged since", {{"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}}, 200, {modified}, 304},
      {"changed since", {{"If-Modified-Since", "Sun, 06 Nov 1994 08:49:36 GMT"}}, 200, {modified}, 200},
      {"no Last-Modified", {{"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}}, 200, {}, 200},
      {"no date", {{"If-Modified-Since", "yesterday"}}, 200, {modified}, 200},
      {"the tag outranks the date",
       {{"If-None-Match", "\"x\""}, {"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}},
       200,
       {modified},
       200},
  };
  for (const auto& c : cases) {
    for (const char* method : {"GET", "HEAD"}) {
      SCOPED_TRACE(std::string(c.name) + ", " + method);
      FakeHost host(CDN);
      const Exchange& x = host.run(host.bind(cached), {.method = method, .headers = c.request},
                                   {.status = c.status, .headers = c.answered, .body = "hello"});
      EXPECT_EQ(x.answer.status, c.want);
      EXPECT_EQ(x.answer.body, c.want == 304 ? "" : "hello");
      EXPECT_EQ(x.numbers.contains("notModified"), c.want == 304);
    }
  }
}

TEST(Cdn, A304RepeatsWhatCachesNeedAndNothingOfTheContent) {
  FakeHost host(CDN);
  const Exchange& x = host.run(host.bind(cached), {.headers = {{"If-None-Match", "*"}}},
                               {.headers = {{"Content-Type", "text/plain"},
                                            {"Vary", "Accept"},
                                            {"content-encoding", "br"},
                                            {"Content-Location", "/a"},
                                            {"Access-Control-Allow-Origin", "*"}},
                                .body = "hello",
                                .streaming = true});
  EXPECT_EQ(x.answer.status, 304);
  EXPECT_EQ(x.answer.header("ETag"), md5_of_hello);
  EXPECT_EQ(x.answer.header("Cache-Control"), "public, max-age=3600");
  EXPECT_EQ(x.answer.header("Vary"), "Accept");
  EXPECT_EQ(x.answer.header("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(x.answer.header("Content-Location"), "/a");
  EXPECT_EQ(x.answer.count("Content-Type") + x.answer.count("Content-Encoding"), 0u);
}

TEST(Cdn, ALargeStreamHasNoTag) {
  FakeHost host(CDN);
  const std::string large(1'048'577, 'x');
  const Exchange& x = host.run(host.bind(cached), {.headers = {{"If-None-Match", "\"a\""}}},
                               {.body = large, .streaming = true});
  EXPECT_EQ(x.answer.status, 200);
  EXPECT_EQ(x.answer.count("ETag"), 0u);
  EXPECT_EQ(x.answer.header("Cache-Control"), "public, max-age=3600");
  EXPECT_EQ(x.answer.body, large);
}

TEST(Cdn, AnUpstreamsHeadAnswerGetsNoTagOfItsMissingBody) {
  FakeHost host(CDN);
  for (const bool streaming : {true, false}) {
    const Exchange& x = host.run(host.bind(cached), {.method = "HEAD"}, {.streaming = streaming});
    EXPECT_EQ(x.answer.count("ETag"), 0u);
    EXPECT_EQ(x.answer.header("Cache-Control"), "public, max-age=3600");
  }
}

TEST(Cdn, IsOnlyWhereItIsEnabled) {
  FakeHost host(CDN);
  EXPECT_FALSE(host.bind({.fields = "{}"}).in_pipeline);
  EXPECT_FALSE(host.bind({.fields = R"({"cacheEnabled":false,"cacheTTL":5})"}).in_pipeline);
  EXPECT_FALSE(host.bind({.level = MIMUS_LEVEL_API, .fields = R"({"cacheEnabled":true})"}).in_pipeline);
}

}  // namespace
}  // namespace mimus::testing
