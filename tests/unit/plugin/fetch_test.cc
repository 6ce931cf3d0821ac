// A plugin's own requests: what comes of them, their bounds, and their end with the instance.
#include "host/plugin/fetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "host/plugin/loaded.h"
#include "host/plugin/worker_rooms.h"
#include "host/upstream/upstream.h"
#include "tests/unit/channel/loop_thread.h"

namespace mimus {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

mimus_str str(std::string_view text) { return {text.data(), text.size()}; }
std::string text(mimus_str from) { return from.n == 0 ? std::string() : std::string(from.p, from.n); }

/// Keeps what was started until the test answers.
struct Script final : Upstream {
  struct Call {
    UpstreamReceiver* to;
    std::string method, target, body;
    std::size_t fields;
    bool has_body, living = true;
  };
  Id start(const UpstreamRequest& request, UpstreamReceiver& to) override {
    calls.push_back({&to, std::string(request.method), request.url.authority + request.url.path_query,
                     std::string(request.body), request.headers.size(), request.has_body});
    return calls.size();
  }
  void cancel(Id id) override { calls.at(id - 1).living = false; }
  void pause(Id) override {}
  void resume(Id) override {}
  void send(Id, std::string_view) override {}
  std::size_t queued(Id) const override { return 0; }
  void finish(Id id) override { cancel(id); }
  std::deque<Call> calls;
};

struct Heard {
  mimus_rc rc;
  int status;
  std::string body, why;
  std::vector<std::string> headers;
};

class Fetches : public testing::Test {
 protected:
  Fetches() {
    host.services.workers = 1;
    host.services.extension = [](std::string_view) -> const void* { return nullptr; };
    host.granted.fetch = true;
    host.granted.fetch_hosts = {"*.example:*"};
    offer_services(host);
    net.on([this] { WorkerRooms::here().upstream = &upstream; });
  }
  ~Fetches() override {
    net.on([this] {
      end_fetches(host, 0);
      WorkerRooms::here() = {};
    });
  }

  mimus_rc start(mimus_fetch to) {
    mimus_rc rc = 99;
    net.on([&] { rc = start_here(to); });
    return rc;
  }
  mimus_rc start_here(mimus_fetch to) {
    to.size = sizeof to;
    const auto done = [](mimus_inst*, void* ud, const mimus_fetched* fetched) {
      Heard one{fetched->rc, fetched->status, text(fetched->body), text(fetched->why), {}};
      for (std::size_t i = 0; i < fetched->n_headers; ++i)
        one.headers.push_back(text(fetched->headers[i].name) + "=" + text(fetched->headers[i].value));
      static_cast<Fetches*>(ud)->heard.push_back(std::move(one));
    };
    return fetch_table.start(&host, &to, done, this);
  }
  static mimus_fetch get(std::string_view url) {
    mimus_fetch to{};
    to.url = str(url);
    return to;
  }

  LoopThread net;
  Script upstream;
  mimus_host host{"test.fetch"};
  std::vector<Heard> heard;
};

TEST_F(Fetches, TellWhatTheUpstreamAnswered) {
  const mimus_field fields[] = {{str("X-A"), str("1")}};
  mimus_fetch to = get("http://api.example/x?y=1");
  to.method = str("POST");
  to.headers = fields;
  to.n_headers = 1;
  ASSERT_EQ(start(to), MIMUS_OK);
  EXPECT_TRUE(heard.empty());
  EXPECT_EQ(host.fetches, 1U);
  const Script::Call& call = upstream.calls.at(0);
  EXPECT_EQ(call.method, "POST");
  EXPECT_EQ(call.target, "api.example/x?y=1");
  EXPECT_EQ(call.fields, 1U);
  EXPECT_TRUE(call.has_body) << "a POST says its length, also if it is 0";
  net.on([&] {
    {
      const std::string name = "X-B", value = "2";
      const Header header{name, value};
      call.to->on_head(201, {&header, 1}, -1);
    }
    call.to->on_data("he");
    call.to->on_data("llo");
    call.to->on_end();
  });
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].rc, MIMUS_OK);
  EXPECT_EQ(heard[0].status, 201);
  EXPECT_EQ(heard[0].body, "hello");
  EXPECT_THAT(heard[0].headers, ElementsAre("X-B=2"));
  EXPECT_EQ(host.fetches, 0U);
}

TEST_F(Fetches, EndOnceHoweverTheyFail) {
  const struct {
    const char* name;
    std::function<void(mimus_host&, UpstreamReceiver&)> happen;
    mimus_rc rc;
    int status;
    const char* why;
    bool cancelled;
  } rows[] = {
      {"no answer",
       [](mimus_host&, UpstreamReceiver& to) { to.on_error(UpstreamError::unreachable, "refused"); },
       MIMUS_E_UNAVAILABLE, 0, "refused", false},
      {"broken off",
       [](mimus_host&, UpstreamReceiver& to) {
         to.on_head(200, {}, 9);
         to.on_data("half");
         to.on_error(UpstreamError::protocol, "broken off");
       },
       MIMUS_E_UNAVAILABLE, 0, "broken off", false},
      {"too large",
       [](mimus_host&, UpstreamReceiver& to) {
         to.on_head(200, {}, -1);
         to.on_data("12345678");
         to.on_data("9");
       },
       MIMUS_E_NOSPC, 200, "larger than 8 bytes", true},
      {"the instance ends", [](mimus_host& ending, UpstreamReceiver&) { end_fetches(ending, 0); },
       MIMUS_E_GONE, 0, "ends", true},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    host.ending = false;
    heard.clear();
    mimus_fetch to = get("http://api.example/");
    to.max_body = 8;
    ASSERT_EQ(start(to), MIMUS_OK);
    net.on([&] { row.happen(host, *upstream.calls.back().to); });
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_EQ(heard[0].rc, row.rc);
    EXPECT_EQ(heard[0].status, row.status);
    EXPECT_EQ(heard[0].body, "");
    EXPECT_THAT(heard[0].why, HasSubstr(row.why));
    EXPECT_EQ(upstream.calls.back().living, !row.cancelled);
    EXPECT_EQ(host.fetches, 0U);
    net.advance(1h);
    EXPECT_EQ(heard.size(), 1U) << "its timer fired late";
  }
}

TEST_F(Fetches, TheTimeIsForTheWholeOfIt) {
  mimus_fetch to = get("http://api.example/");
  to.timeout_ms = 1000;
  ASSERT_EQ(start(to), MIMUS_OK);
  net.on([&] { upstream.calls[0].to->on_head(200, {}, -1); });
  for (int i = 0; i < 9; ++i) {
    net.advance(100ms);
    net.on([&] { upstream.calls[0].to->on_data("."); });
  }
  EXPECT_TRUE(heard.empty());
  net.advance(200ms);
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].rc, MIMUS_E_UNAVAILABLE);
  EXPECT_FALSE(upstream.calls[0].living);
}

TEST_F(Fetches, AreRefusedWithTheReason) {
  const mimus_field split[] = {{str("X"), str("a\r\nB: c")}};
  const struct {
    const char* name;
    const char* url;
    const char* method;
    bool bad_header;
    std::size_t max_body;
    const char* why;
  } rows[] = {
      {"no URL", "nonsense", "", false, 0, "URL"},
      {"another scheme", "ftp://api.example/", "", false, 0, "URL"},
      {"a host that was not granted", "http://elsewhere.test/", "", false, 0, "elsewhere.test:80"},
      {"no method", "http://api.example/", "G T", false, 0, "method"},
      {"CONNECT", "http://api.example/", "CONNECT", false, 0, "method"},
      {"a header that splits", "http://api.example/", "", true, 0, "header"},
      {"more than there may be", "http://api.example/", "", false, (16 << 20) + 1, "16 MiB"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    mimus_fetch to = get(row.url);
    to.method = str(row.method);
    to.headers = split;
    to.n_headers = row.bad_header ? 1 : 0;
    to.max_body = row.max_body;
    EXPECT_EQ(start(to), MIMUS_E_INVAL);
    EXPECT_THAT(host.take_error(), HasSubstr(row.why));
  }
  EXPECT_TRUE(upstream.calls.empty());
  EXPECT_EQ(start_here(get("http://api.example/")), MIMUS_E_UNAVAILABLE) << "this is no worker";
}

TEST_F(Fetches, AreBounded) {
  for (std::uint32_t i = 0; i < max_fetches; ++i) ASSERT_EQ(start(get("http://api.example/")), MIMUS_OK);
  EXPECT_EQ(start(get("http://api.example/")), MIMUS_E_NOSPC);
  net.on([&] { upstream.calls[7].to->on_end(); });
  EXPECT_EQ(start(get("http://api.example/")), MIMUS_OK);
  EXPECT_EQ(host.fetches, max_fetches);
}

TEST_F(Fetches, EndWithTheInstanceAlsoWhereItsWorkerHasGone) {
  {
    LoopThread worker;
    worker.on([this] {
      WorkerRooms::here().upstream = &upstream;
      EXPECT_EQ(start_here(get("http://api.example/")), MIMUS_OK);
      EXPECT_EQ(start_here(get("http://api.example/")), MIMUS_OK);
    });
  }
  end_fetches(host, 0);
  EXPECT_EQ(heard.size(), 2U);
  EXPECT_TRUE(upstream.calls[0].living) << "a client that has gone was called";
  EXPECT_EQ(host.fetches, 0U);
  EXPECT_EQ(start(get("http://api.example/")), MIMUS_E_UNAVAILABLE);
  EXPECT_EQ(heard.size(), 2U);
}

}  // namespace
}  // namespace mimus
