// A worker's Engine.IO sessions under a fake clock, with clients made by hand.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "channel_peer.h"
#include "client_frames.h"
#include "host/channel/engine.h"
#include "host/net/responder.h"
#include "loop_thread.h"

namespace mimus {

/// One request and what became of it, in a connection's place.
class FakeExchange final : public ResponseSink {
 public:
  FakeExchange(Loop& loop, std::string method, std::string target, std::string body = {})
      : method_(std::move(method)), target_(std::move(target)), body_(std::move(body)) {
    exchange.sink = this;
    exchange.loop = &loop;
    exchange.client_ip = "10.0.0.1";
    exchange.request.method = method_;
    exchange.request.target = target_;
    exchange.request.host = "mocks.test";
    const std::size_t query = target_.find('?');
    exchange.request.raw_path = std::string_view(target_).substr(0, query);
    if (query != target_.npos) exchange.request.raw_query = std::string_view(target_).substr(query + 1);
  }
  void header(std::string_view name, std::string_view value) {
    exchange.request.headers.push_back({name, value});
  }

  void want_body(std::size_t limit) override {
    wanted = true;
    if (body_.size() > limit) return responder().on_body_too_large();
    exchange.body = body_;
    if (!slow_body) responder().on_body();
  }
  void send(std::string_view body) override {
    status = exchange.response.status;
    answer = body;
    for (const Header& one : exchange.response.headers)
      headers.emplace_back(std::string(one.name), std::string(one.value));
    end();
  }
  void begin(std::int64_t size) override {
    status = exchange.response.status;
    length = size;
  }
  bool write(std::string_view piece) override {
    answer += piece;
    return true;
  }
  void finish() override {
    EXPECT_EQ(static_cast<std::int64_t>(answer.size()), length);
    end();
  }
  void abort() override {
    aborted = true;
    end();
  }
  void upgrade(const std::vector<Header>& with, std::unique_ptr<Takeover> to) override {
    status = 101;
    for (const Header& one : with) headers.emplace_back(std::string(one.name), std::string(one.value));
    takeover = std::move(to);
    end();
  }
  bool hand_over(unsigned worker) override {
    if (worker >= workers) return false;
    handed_to = static_cast<int>(worker);
    end();
    return true;
  }

  bool waits() const { return exchange.state != nullptr; }
  void deliver_body() { responder().on_body(); }
  /// The client goes.
  void cancel() {
    responder().on_cancel();
    end();
  }
  std::string field(std::string_view name) const {
    for (const auto& [one, value] : headers) {
      if (same_name(one, name)) return value;
    }
    return {};
  }

  Exchange exchange;
  int status = 0, handed_to = -1;
  unsigned workers = 3;
  std::int64_t length = -1;  ///< Of a streamed answer.
  std::string answer;
  std::vector<std::pair<std::string, std::string>> headers;
  std::unique_ptr<Takeover> takeover;
  bool aborted = false, wanted = false, slow_body = false;

 private:
  Responder& responder() { return *static_cast<Responder*>(exchange.state); }
  void end() {
    if (exchange.state == nullptr) return;
    Responder& last = responder();
    exchange.state = nullptr;
    last.on_end();
  }

  std::string method_, target_, body_;
};

/// Sends back what comes, and writes down what happens.
struct EchoUser final : EngineUser {
  struct Diary {
    std::string text;
    int alive = 0;
    std::function<void(EngineSession&)> at_start, at_message, at_drain, at_close;
    EngineSession* session = nullptr;
  };
  EchoUser(Diary& d, EngineSession& s) : diary(d), session(s) {
    ++diary.alive;
    diary.session = &s;
    if (diary.at_start) diary.at_start(session);
  }
  ~EchoUser() override { --diary.alive; }
  void on_message(bool binary, std::string_view data) override {
    diary.text.append(binary ? "binary=" : "text=").append(data).append(" ");
    if (diary.at_message) return diary.at_message(session);
    EngineMessages back;
    back.add(binary, std::string(data));
    session.send(back);
  }
  void on_drain() override {
    diary.text += "drain ";
    if (diary.at_drain) diary.at_drain(session);
  }
  void on_closed() override {
    diary.text += "closed ";
    EXPECT_FALSE(session.is_open());
    if (diary.at_close) diary.at_close(session);
  }
  Diary& diary;
  EngineSession& session;
};

inline EngineMessages text_message(std::string text) {
  EngineMessages out;
  out.add(false, std::move(text));
  return out;
}

/// A WebSocket that was upgraded.
struct EnginePeer {
  EnginePeer(Loop& loop, std::unique_ptr<Takeover> taken) : wire(loop), takeover(std::move(taken)) {
    takeover->on_start(wire);
  }
  void text(std::string_view packet) { takeover->on_bytes(client_text(packet)); }
  FakeWire wire;
  std::unique_ptr<Takeover> takeover;
};

class EngineWorld : public testing::Test {
 protected:
  EngineWorld() {
    options.ping_interval = std::chrono::milliseconds(300);
    options.ping_timeout = std::chrono::milliseconds(200);
    net.on([&] { remake(); });
  }
  ~EngineWorld() override {
    net.on([&] {
      peers.clear();
      table.reset();
    });
  }
  void remake() {
    table.reset();
    table = std::make_unique<EngineTable>(net.loop, 1, 3, options, [this](EngineSession& session) {
      return std::make_unique<EchoUser>(diary, session);
    });
  }
  using Sent = std::unique_ptr<FakeExchange>;
  Sent request(std::string method, const std::string& query, std::string body = {},
               const std::function<void(FakeExchange&)>& with = {}) {
    auto out =
        std::make_unique<FakeExchange>(net.loop, std::move(method), "/socket.io/?" + query, std::move(body));
    if (with) with(*out);
    net.on([&] { table->take(out->exchange); });
    turns();
    return out;
  }
  /// Waits until what was put off to the end of a turn is done.
  void turns() {
    net.on([] {});
    net.on([] {});
  }
  static void asks_for_websocket(FakeExchange& x) {
    x.header("Upgrade", "websocket");
    x.header("Connection", "keep-alive, Upgrade");
    x.header("Sec-WebSocket-Version", "13");
    x.header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
  }
  /// A session by polling; its sid.
  std::string open() {
    const Sent opened = request("GET", "EIO=4&transport=polling");
    EXPECT_EQ(opened->status, 200);
    const std::size_t from = opened->answer.find(R"("sid":")") + 7;
    return opened->answer.substr(from, opened->answer.find('"', from) - from);
  }
  Sent poll(const std::string& sid) { return request("GET", "EIO=4&transport=polling&sid=" + sid); }
  Sent post(const std::string& sid, std::string body) {
    return request("POST", "EIO=4&transport=polling&sid=" + sid, std::move(body));
  }
  /// One more WebSocket; with a sid an upgrade.
  EnginePeer& connect(const std::string& sid = {}) {
    const Sent asked = request("GET", "EIO=4&transport=websocket" + (sid.empty() ? "" : "&sid=" + sid), {},
                               asks_for_websocket);
    EXPECT_EQ(asked->status, 101);
    net.on([&] { peers.push_back(std::make_unique<EnginePeer>(net.loop, std::move(asked->takeover))); });
    return *peers.back();
  }
  void text(EnginePeer& peer, std::string_view packet) {
    net.on([&] { peer.text(packet); });
    turns();
  }
  std::string taken(EnginePeer& peer) {
    std::string out;
    net.on([&] { out = peer.wire.taken(); });
    return out;
  }
  std::size_t armed() {
    turns();
    return net.loop.armed();
  }
  std::size_t sessions() {
    std::size_t out = 0;
    net.on([&] { out = table->size(); });
    return out;
  }

  LoopThread net;
  EngineOptions options;
  EchoUser::Diary diary;
  std::unique_ptr<EngineTable> table;
  std::vector<std::unique_ptr<EnginePeer>> peers;
};

}  // namespace mimus
