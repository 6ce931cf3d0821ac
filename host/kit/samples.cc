#include "host/kit/samples.h"

#include <cstdint>

#include "mimus/json_text.h"

namespace mimus::kit {
namespace {

using testing::Answer;
using testing::Fields;
using testing::Request;

constexpr std::size_t huge = 64 * 1024;

std::string every_byte() {
  std::string out;
  for (int c = 0; c < 256; ++c) out += static_cast<char>(c);
  return out;
}

Fields many(std::size_t n, const std::string& name, const std::string& value) {
  Fields out;
  for (std::size_t i = 0; i < n; ++i) out.push_back({name, value});
  return out;
}

/// Header fields that features of HTTP servers read, all wrong.
Fields nonsense() {
  return {{"If-None-Match", "\"unended, W/, *, \"\""},
          {"If-Modified-Since", "yesterday"},
          {"Range", "bytes=9-1,-0,18446744073709551616-"},
          {"Accept-Encoding", "gzip;q=2, br;q=-1, ;q=, *;q=0.0000001"},
          {"Accept", ";;,,/"},
          {"Origin", "null"},
          {"Access-Control-Request-Method", ""},
          {"Access-Control-Request-Headers", ",,,"},
          {"Authorization", "Bearer"},
          {"Cookie", "=; ;;a==b;\"c"},
          {"Content-Type", "application/json; charset=\"utf-7; boundary"},
          {"X-Forwarded-For", "999.999.999.999, ::::, unknown"},
          {"Prefer", "wait=99999999999999999999"}};
}

/// Any of the plugins that a host runs may be asked for a preflight.
Fields preflight() {
  return {{"Origin", "https://a.test"},
          {"Access-Control-Request-Method", "PUT"},
          {"Access-Control-Request-Headers", "x-a, x-b"}};
}

Answer json_answer() {
  return {.status = 200, .headers = {{"Content-Type", "application/json"}}, .body = R"({"a":[1,2.50,"x"]})"};
}

std::vector<Sample> large_samples() {
  return {
      {"a body of 1 MiB",
       {.method = "PUT",
        .path = "/",
        .headers = {{"Content-Type", "text/plain"}},
        .body = std::string(1 << 20, 'a')},
       {.body = std::string(1 << 20, 'b')},
       {.body = std::string(2u << 20, 'u')}},
      {"a streaming answer above every ceiling",
       {.path = "/"},
       {.body = std::string(20 << 20, 'c'), .streaming = true, .length = std::uint64_t{20} << 20}},
      {"10,000 header fields", {.path = "/", .headers = many(10'000, "X-Many", "1")}, json_answer()},
      {"a body nested 10,000 deep",
       {.method = "POST",
        .path = "/",
        .headers = {{"Content-Type", "application/json"}},
        .body = std::string(10'000, '[')},
       {.body = std::string(10'000, '[')}},
  };
}

std::vector<Sample> small_samples() {
  const std::string binary = every_byte();
  std::vector<Sample> out = {
      {"a plain request", {.path = "/", .headers = {{"Host", "mock.test"}}}, json_answer()},
      {"the same again", {.path = "/", .headers = {{"Host", "mock.test"}}}, json_answer()},
      {"an empty request",
       {.method = "", .path = "", .client_ip = "", .host = "", .scheme = ""},
       {.status = 204}},
      {"a huge header field", {.path = "/", .headers = {{"X-Huge", std::string(huge, 'h')}}}, json_answer()},
      {"a huge header name", {.path = "/", .headers = {{std::string(huge, 'n'), ""}}}, json_answer()},
      {"a huge target",
       {.path = "/" + std::string(huge, 'p'), .raw_query = std::string(huge, 'q')},
       {.status = 404, .body = "none"}},
      {"binary bytes",
       {.method = "POST",
        .path = "/" + binary,
        .raw_query = binary,
        .headers = {{"X-Binary", binary}, {"Content-Type", "application/octet-stream"}},
        .query = {{binary, binary}},
        .params = {{"id", binary}},
        .body = binary},
       {.headers = {{"X-Binary", "\x80\xff"}}, .body = binary}},
      {"repeated header fields",
       {.path = "/", .headers = many(50, "Accept-Encoding", "gzip, br"), .query = many(50, "a", "1")},
       {.headers = many(20, "Vary", "Accept, Origin"), .body = "v"}},
      {"header fields that make no sense", {.path = "/", .headers = nonsense()}, json_answer()},
      {"a preflight",
       {.method = "OPTIONS", .path = "/", .headers = preflight(), .allow = "GET, PUT"},
       {.status = 204}},
      {"a HEAD request", {.method = "HEAD", .path = "/"}, {.streaming = true, .length = 12}},
      {"a JSON body",
       {.method = "POST",
        .path = "/",
        .headers = {{"Content-Type", "application/json"}},
        .body = R"({"a":1})"},
       json_answer()},
      {"a body that is not what it says",
       {.method = "POST", .path = "/", .headers = {{"Content-Type", "application/json"}}, .body = "{\"a\":"},
       {.status = 500, .headers = {{"Content-Type", "application/json"}}, .body = "}"}},
      {"a body that arrives late",
       {.method = "POST", .path = "/", .body = "late", .body_arrived = false},
       json_answer()},
      {"a streaming answer", {.path = "/"}, {.body = "streams", .streaming = true, .length = 7}},
      {"a streaming answer of unknown length", {.path = "/"}, {.body = "streams", .streaming = true}},
      {"an answer without a body", {.path = "/"}, {.status = 304}},
  };
  // What fetches come to is no part of the request: each sample takes the next.
  const std::vector<testing::Reply> replies = {
      {.status = 200, .headers = {{"Content-Type", "application/json"}}, .body = R"({"active":true})"},
      {.failure = "no connection"},
      {.status = 200, .body = ""},
      {.status = 500, .headers = many(100, "X-Many", binary), .body = binary, .after_ms = 700},
      {.status = 200, .body = std::string(huge, 'u'), .after_ms = 20},
      {.status = 401, .after_ms = 100'000},
      {.status = 200, .headers = {{"Content-Type", "application/json"}}, .body = "{\"active\":"}};
  for (std::size_t i = 0; i < out.size(); ++i) out[i].upstream = replies[i % replies.size()];
  return out;
}

}  // namespace

const std::vector<Sample>& samples(bool large) {
  static const std::vector<Sample> small = small_samples();
  if (!large) return small;
  static const std::vector<Sample> all = [] {
    std::vector<Sample> out = small;
    for (Sample& one : large_samples()) out.push_back(std::move(one));
    return out;
  }();
  return all;
}

std::map<std::string, std::string> options_of(const std::string& json) {
  std::map<std::string, std::string> out;
  json::members(json, [&](std::string_view name, std::string_view value) {
    out[std::string(name)] = std::string(value);
    return true;
  });
  return out;
}

void settle(testing::FakeHost& host, testing::Exchange& x, const Answer& behind) {
  using State = testing::Exchange::State;
  // Most wait milliseconds; the last step is past the host's own ceiling for a hold.
  constexpr std::uint64_t steps[] = {1, 50, 1'000, 10'000, 60'000, 12 * 60'000};
  std::size_t waited = 0;
  while (x.state != State::ended) {
    if (x.state != State::suspended) {
      host.answer(x, behind);
    } else if (waited < std::size(steps)) {
      host.advance(steps[waited++]);
    } else {
      host.cut(x);
    }
  }
}

testing::Exchange& start(testing::FakeHost& host, testing::Bound& bound, const Sample& sample) {
  host.upstream("*", sample.upstream);
  return host.start(bound, sample.request);
}

testing::Exchange& show(testing::FakeHost& host, testing::Bound& bound, const Sample& sample) {
  testing::Exchange& x = start(host, bound, sample);
  settle(host, x, sample.behind);
  return x;
}

}  // namespace mimus::kit
