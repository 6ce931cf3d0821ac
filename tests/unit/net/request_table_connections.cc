// What follows a request on its connection: persistence, pipelines, Expect.
#include "tests/unit/net/request_table.h"

namespace mimus {

RequestFamily connection_rows() {
  const auto get = [](const std::string& path, const std::string& fields = "") {
    return request("GET " + path + " HTTP/1.1", "Host: h\r\n" + fields);
  };
  const auto old = [](const std::string& fields) { return request("GET / HTTP/1.0", fields); };
  const std::string bad = "GET /\r\n\r\n";
  const std::string expect = "Expect: 100-continue\r\n";
  return {
      "Connections",
      {
          {"1.1 stays", get("/"), {"GET / @h"}},
          {"close", get("/", "Connection: close\r\n"), {"GET / @h close"}},
          {"close in any case", get("/", "connection: ClOsE\r\n"), {"GET / @h close"}},
          {"close among other options", get("/", "Connection: x, close ,y\r\n"), {"GET / @h close"}},
          {"close among empty options", get("/", "Connection: , close,,\r\n"), {"GET / @h close"}},
          {"close in a second field", get("/", "Connection: x\r\nConnection: close\r\n"), {"GET / @h close"}},
          {"close beats keep-alive", get("/", "Connection: close, keep-alive\r\n"), {"GET / @h close"}},
          {"keep-alive on 1.1 goes without saying", get("/", "Connection: keep-alive\r\n"), {"GET / @h"}},
          {"close on 1.3", request("GET / HTTP/1.3", "Host: h\r\nConnection: close\r\n"), {"GET / @h close"}},
          {"an option that only begins with close", get("/", "Connection: closed\r\n"), {"GET / @h"}},
          {"options that are no list", get("/", "Connection: x y\r\n"), {"400"}},
          {"1.0 closes", old(""), {"GET / @ close"}},
          {"1.0 with keep-alive", old("Connection: Keep-Alive\r\n"), {"GET / @ keep-alive"}},
          {"1.0 with keep-alive and close", old("Connection: keep-alive, close\r\n"), {"GET / @ close"}},
          {"1.0 with close", old("Connection: close\r\n"), {"GET / @ close"}},
          {"1.0 with Proxy-Connection",
           old("Proxy-Connection: keep-alive\r\n"),
           {"GET / @ (Proxy-Connection: keep-alive) close"}},
          {"1.1 with Proxy-Connection",
           get("/", "Proxy-Connection: close\r\n"),
           {"GET / @h (Proxy-Connection: close)"}},
          {"an upgrade that nobody takes",
           get("/", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"),
           {"GET / @h (Upgrade: h2c) (HTTP2-Settings: AAMAAABk)"}},

          {"two requests", get("/1") + get("/2"), {"GET /1 @h", "GET /2 @h"}},
          {"an empty line between requests", get("/1") + "\r\n" + get("/2"), {"GET /1 @h", "GET /2 @h"}},
          {"two empty lines between requests", get("/1") + "\r\n\r\n" + get("/2"), {"GET /1 @h", "400"}},
          {"bodies between requests",
           with("Content-Length: 3\r\n", "GET") + chunked("3\r\nGET\r\n0\r\nX: y\r\n\r\n") + get("/3"),
           {"POST / @h {GET}", "POST / @h {GET}", "GET /3 @h"}},
          {"a HEAD between requests",
           get("/1") + request("HEAD /2 HTTP/1.1") + get("/3"),
           {"GET /1 @h", "HEAD /2 @h", "GET /3 @h"}},
          {"nothing is read after close",
           get("/1") + get("/2", "Connection: close\r\n") + get("/3"),
           {"GET /1 @h", "GET /2 @h close"}},
          {"nothing is read after 1.0", old("") + get("/2"), {"GET / @ close"}},
          {"1.0 that stays, then 1.1",
           old("Connection: keep-alive\r\n") + get("/2"),
           {"GET / @ keep-alive", "GET /2 @h"}},
          {"a bad request after a good one", get("/1") + bad, {"GET /1 @h", "400"}},
          {"a good request after a bad one", bad + get("/2"), {"400"}},
          {"a request in the body of a bad one",
           with("Content-Length: 3\r\nContent-Length: 99\r\n", get("/2")),
           {"400"}},
          {"a request after bad chunks", chunked("x\r\n" + get("/2")), {"400"}},
          {"a request after an unknown version", request("GET / HTTP/3.0") + get("/2"), {"505"}},
          {"a request after a target too long", get("/" + std::string(64, 'a')) + get("/2"), {"414"}},
          {"a large body that nobody reads, then a request",
           with("Content-Length: 40\r\n", std::string(40, 'a')) + get("/2"),
           {"413 open", "GET /2 @h"}},
          {"a request cut in the pipeline", get("/1") + "GET /2 HTTP/1.1\r\nHo", {"GET /1 @h", "…"}},

          {"a body that expects 100", with(expect + "Content-Length: 3\r\n", "abc"), {"POST / @h {abc}"}},
          {"chunks that expect 100",
           with(expect + "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"),
           {"POST / @h {abc}"}},
          {"no body that expects 100", with(expect), {"POST / @h"}},
          {"100 is expected in any case",
           with("expect: 100-CONTINUE\r\nContent-Length: 1\r\n", "a"),
           {"POST / @h {a}"}},
          {"a body that is awaited with 100", with(expect + "Content-Length: 3\r\n"), {"…"}},
          {"an expectation in a second field", with(expect + "Expect: x\r\nContent-Length: 33\r\n"), {"413"}},
          {"1.0 expects nothing",
           request("POST / HTTP/1.0", expect + "Content-Length: 1\r\n", "a"),
           {"POST / @ {a} close"}},
          {"an unknown expectation is let pass", with("Expect: x\r\n"), {"POST / @h"}},
      }};
}

}  // namespace mimus
