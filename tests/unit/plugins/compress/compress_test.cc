// The plugin mimus.compress through its real .so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mimus/testing/fake_host.h"
#include "tests/unit/plugins/compress/decoded.h"

namespace mimus::testing {
namespace {

using compress::decoded;

const Definition compressing = {.fields = R"({"compress":true})"};
const Fields html = {{"Content-Type", "text/html"}};
const Fields accepts_gzip = {{"Accept-Encoding", "gzip"}};

std::string text(std::size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += "all work and no play, ";
  out.resize(bytes);
  return out;
}

TEST(Compress, CodesWhatTheClientAcceptsAndTheAnswerAllows) {
  const std::string large = text(1 << 20), small = text(255), enough = text(256);
  const struct {
    const char* name;
    Fields request;
    int status;
    Fields answered;
    std::string body;
    const char* coding;  // "" for none
  } cases[] = {
      {"gzip", accepts_gzip, 200, html, enough, "gzip"},
      {"br rather", {{"Accept-Encoding", "gzip, br"}}, 200, html, enough, "br"},
      {"1 MiB", accepts_gzip, 200, html, large, "gzip"},
      {"an error", accepts_gzip, 404, html, enough, "gzip"},
      {"a problem", accepts_gzip, 502, {{"content-type", "application/problem+json"}}, enough, "gzip"},
      {"not asked for", {}, 200, html, enough, ""},
      {"garbage", {{"Accept-Encoding", "\"gzip\";q=x,\x01"}}, 200, html, enough, ""},
      {"too small", accepts_gzip, 200, html, small, ""},
      {"too large", accepts_gzip, 200, html, large + "x", ""},
      {"empty", accepts_gzip, 200, html, "", ""},
      {"a picture", accepts_gzip, 200, {{"Content-Type", "image/png"}}, enough, ""},
      {"no type", accepts_gzip, 200, {}, enough, ""},
      {"coded already", accepts_gzip, 200, {html[0], {"Content-Encoding", "zstd"}}, enough, ""},
      {"a part", accepts_gzip, 206, html, enough, ""},
      {"a range", accepts_gzip, 200, {html[0], {"Content-Range", "bytes 0-255/256"}}, enough, ""},
      {"a digest of the bytes", accepts_gzip, 200, {html[0], {"Content-Digest", "md5=:x:"}}, enough, ""},
      {"204", accepts_gzip, 204, {}, "", ""},
      {"304", accepts_gzip, 304, html, "", ""},
      {"no-transform", accepts_gzip, 200, {html[0], {"Cache-Control", "public, No-Transform"}}, enough, ""},
      {"no-transform of the request",
       {accepts_gzip[0], {"Cache-Control", "no-transform"}},
       200,
       html,
       enough,
       ""},
      {"identity refused, small", {{"Accept-Encoding", "br, *;q=0"}}, 200, html, "hello", "br"},
      {"identity refused, a picture",
       {{"Accept-Encoding", "identity;q=0, gzip"}},
       200,
       {{"Content-Type", "image/png"}},
       enough,
       "gzip"},
      {"identity refused, empty", {{"Accept-Encoding", "br, *;q=0"}}, 200, html, "", ""},
      {"all refused", {{"Accept-Encoding", "*;q=0"}}, 200, html, enough, ""},
  };
  FakeHost host(COMPRESS);
  Bound& bound = host.bind(compressing);
  for (const auto& c : cases) {
    for (const char* how : {"GET", "HEAD", "streaming", "streaming with its length"}) {
      SCOPED_TRACE(std::string(c.name) + ", " + how);
      const std::uint64_t before = host.counter("compress_answers_total");
      const bool streaming = std::string_view(how).starts_with("streaming");
      Answer behind{.status = c.status, .headers = c.answered, .body = c.body, .streaming = streaming};
      if (std::string_view(how).ends_with("length")) behind.length = c.body.size();
      const Exchange& x = host.run(bound, {.method = streaming ? "GET" : how, .headers = c.request}, behind);
      EXPECT_EQ(x.answer.status, c.status);
      EXPECT_EQ(x.answer.header("Vary"), "Accept-Encoding");
      if (*c.coding == '\0') {
        EXPECT_EQ(x.answer.body, c.body);
        EXPECT_EQ(x.answer.count("Content-Encoding"), c.name == std::string_view("coded already") ? 1U : 0U);
      } else {
        EXPECT_EQ(x.answer.header("Content-Encoding"), c.coding);
        EXPECT_EQ(decoded(c.coding, x.answer.body), c.body);
      }
      EXPECT_EQ(host.counter("compress_answers_total") - before, *c.coding == '\0' ? 0U : 1U);
    }
  }
}

TEST(Compress, AStrongTagIsAnotherInEachCodingAndRangesAreNotOffered) {
  FakeHost host(COMPRESS);
  Bound& bound = host.bind(compressing);
  const struct {
    const char* accepted;
    const char* etag;
    const char* want;
  } cases[] = {
      {"", R"("abc")", R"("abc")"},
      {"gzip", R"("abc")", R"("abc-gzip")"},
      {"br", R"("abc")", R"("abc-br")"},
      {"br", R"(W/"abc")", R"(W/"abc")"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(std::string(c.accepted) + " " + c.etag);
    const Exchange& x =
        host.run(bound, {.headers = {{"Accept-Encoding", c.accepted}}},
                 {.headers = {html[0], {"ETag", c.etag}, {"Accept-Ranges", "bytes"}}, .body = text(1000)});
    EXPECT_EQ(x.answer.header("ETag"), c.want);
    EXPECT_EQ(x.answer.header("Accept-Ranges"), *c.accepted == '\0' ? "bytes" : "");
  }
}

TEST(Compress, VaryIsMergedWithTheAnswersOwn) {
  const struct {
    const char* name;
    Fields own;
    const char* want;
  } cases[] = {
      {"another field", {{"Vary", "Origin"}}, "Origin, Accept-Encoding"},
      {"the same", {{"vary", "Origin, accept-encoding"}}, "Origin, accept-encoding"},
      {"on a second line", {{"Vary", "Origin"}, {"Vary", "Accept-Encoding"}}, "Origin, Accept-Encoding"},
      {"any", {{"Vary", "*"}}, "*"},
  };
  FakeHost host(COMPRESS);
  Bound& bound = host.bind(compressing);
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(host.run(bound, {}, {.headers = c.own}).answer.header("Vary"), c.want);
  }
}

TEST(Compress, AnUpstreamsHeadAnswerSaysWhatGetWouldButForTheLength) {
  const struct {
    const char* name;
    std::optional<std::uint64_t> announced;
    const char* coding;
    const char* etag;
    std::optional<std::uint64_t> length;
  } cases[] = {
      {"to be coded", 1000, "gzip", R"("abc-gzip")", {}},
      {"too small", 10, "", R"("abc")", 10},
      {"too large", 2 << 20, "", R"("abc")", 2 << 20},
      {"who knows", {}, "", "", {}},
  };
  FakeHost host(COMPRESS);
  Bound& bound = host.bind(compressing);
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const Exchange& x =
        host.run(bound, {.method = "HEAD", .headers = accepts_gzip},
                 {.headers = {html[0], {"ETag", "\"abc\""}}, .streaming = true, .length = c.announced});
    EXPECT_EQ(x.answer.header("Content-Encoding"), c.coding);
    EXPECT_EQ(x.answer.header("ETag"), c.etag);
    EXPECT_EQ(x.answer.length, c.length);
    EXPECT_EQ(x.answer.body, "");
    EXPECT_EQ(x.answer.header("Vary"), "Accept-Encoding");
  }
}

TEST(Compress, AnAnswerThatIsAnnouncedAsTooLargeIsNotGathered) {
  FakeHost host(COMPRESS);
  const Exchange& x = host.run(host.bind(compressing), {.headers = accepts_gzip},
                               {.headers = html, .body = text(1000), .streaming = true, .length = 2 << 20});
  EXPECT_TRUE(x.answer.streaming);
  EXPECT_EQ(x.answer.body, text(1000));
}

TEST(Compress, ABodyIsCodedOnceForEachCodingAndWorker) {
  FakeHost host(COMPRESS, {.worker_count = 2});
  Bound& bound = host.bind(compressing);
  const auto ask = [&](const char* coding, const std::string& body) {
    const Exchange& x =
        host.run(bound, {.headers = {{"Accept-Encoding", coding}}}, {.headers = html, .body = body});
    EXPECT_EQ(decoded(coding, x.answer.body), body);
    return host.counter("compress_reused_total");
  };
  EXPECT_EQ(ask("gzip", text(1000)), 0U);
  EXPECT_EQ(ask("gzip", text(1000)), 1U);
  EXPECT_EQ(ask("br", text(1000)), 1U);
  EXPECT_EQ(ask("gzip", text(1001)), 1U);
  host.set_worker(1);
  EXPECT_EQ(ask("gzip", text(1000)), 1U);
  EXPECT_EQ(ask("gzip", text(1000)), 2U);
  EXPECT_EQ(host.counter("compress_answers_total"), 6U);
  EXPECT_EQ(host.counter("compress_dropped_total"), 0U);
  for (char c = 'a'; c < 'f'; ++c) ask("gzip", c + text(1'000'000));
  EXPECT_GT(host.counter("compress_dropped_total"), 0U);
}

TEST(Compress, IsOnlyWhereItIsEnabled) {
  FakeHost host(COMPRESS);
  EXPECT_TRUE(host.bind(compressing).in_pipeline);
  EXPECT_FALSE(host.bind({.fields = "{}"}).in_pipeline);
  EXPECT_FALSE(host.bind({.fields = R"({"compress":false})"}).in_pipeline);
  EXPECT_FALSE(host.bind({.level = MIMUS_LEVEL_API, .fields = R"({"compress":true})"}).in_pipeline);
}

}  // namespace
}  // namespace mimus::testing
