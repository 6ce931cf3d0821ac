// Parsing a request's head.
#include <benchmark/benchmark.h>

#include <cstring>

#include "host/net/request_parser.h"
#include "host/net/server.h"

namespace mimus {
namespace {

void parse_a_head_of_six_fields(benchmark::State& state) {
  constexpr char text[] =
      "GET /mock/shop/users/42?verbose=1 HTTP/1.1\r\nHost: 127.0.0.1:3000\r\nUser-Agent: bench/1.0\r\n"
      "Accept: application/json\r\nAccept-Encoding: gzip\r\nX-Forwarded-For: 203.0.113.7\r\nConnection: "
      "keep-alive\r\n\r\n";
  char head[sizeof text];
  const Limits limits;
  RequestHead out;
  for (auto _ : state) {
    std::memcpy(head, text, sizeof text);
    out.headers.clear();
    benchmark::DoNotOptimize(parse_request_head(head, sizeof text - 1, limits, out));
  }
}
BENCHMARK(parse_a_head_of_six_fields);

}  // namespace
}  // namespace mimus
