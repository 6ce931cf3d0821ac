// A WebSocket server without a socket: what a client's tunnel carries, and what it is told.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/channel/framing.h"
#include "host/upstream/upstream.h"

namespace mimus {

/// One exchange at a time. What the client sent is in `heard`: "text=…", "binary=…", "close=…", "ping=…".
class FakeServer final : public Upstream, private FrameReader::Events {
 public:
  Id start(const UpstreamRequest& request, UpstreamReceiver& to) override {
    receiver_ = &to;
    target = request.url.authority + request.url.path_query;
    upgrade = request.upgrade;
    for (const Header& field : request.headers) fields.emplace_back(field.name, field.value);
    return ++last_;
  }
  void cancel(Id id) override {
    if (id == last_) cancelled = true;
  }
  void pause(Id) override { paused = true; }
  void resume(Id) override { paused = false; }
  void send(Id, std::string_view data) override {
    EXPECT_FALSE(cancelled || finished) << "sent after the end";
    waiting += data.size();
    EXPECT_EQ(reader_.feed(data, *this), 0);
    bytes += data;
  }
  std::size_t queued(Id) const override { return waiting; }
  void finish(Id) override { finished = true; }

  std::string field(std::string_view name) const {
    std::string all;
    for (const auto& [key, value] : fields) {
      if (same_name(key, name)) all += (all.empty() ? "" : "|") + value;
    }
    return all;
  }
  /// Accepts the handshake, or answers it with other fields.
  void accept() {
    const std::string right = websocket_accept(field("Sec-WebSocket-Key"));
    answer(101, {{"Sec-WebSocket-Accept", right}});
  }
  void answer(int status, const std::vector<Header>& with) { receiver_->on_head(status, with, -1); }
  void say(Opcode opcode, std::string_view payload) { give(frame(opcode, payload)); }
  void give(std::string_view data) { receiver_->on_data(data); }
  void end() { receiver_->on_end(); }
  void fail(std::string_view why) { receiver_->on_error(UpstreamError::unreachable, why); }
  void take_all() {
    waiting = 0;
    receiver_->on_sent();
  }
  std::vector<std::string> taken() { return std::exchange(heard, {}); }

  std::string target, upgrade, bytes;
  std::vector<std::pair<std::string, std::string>> fields;
  std::vector<std::string> heard;
  std::size_t waiting = 0;
  bool paused = false, cancelled = false, finished = false;

 private:
  void on_message(Opcode opcode, std::string_view payload) override {
    if (opcode == Opcode::close) {
      const ClosePayload said = read_close_payload(payload);
      heard.push_back("close=" + std::to_string(said.code) +
                      std::string(payload.substr(payload.empty() ? 0 : 2)));
      return;
    }
    const char* const name = opcode == Opcode::text     ? "text="
                             : opcode == Opcode::binary ? "binary="
                             : opcode == Opcode::ping   ? "ping="
                                                        : "pong=";
    heard.push_back(name + std::string(payload));
  }

  UpstreamReceiver* receiver_ = nullptr;
  Id last_ = 0;
  FrameReader reader_{64 << 20};
};

}  // namespace mimus
