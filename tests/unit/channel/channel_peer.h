// A peer of a raw channel, without a socket: its wire, its behaviour's diary.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "host/channel/channels.h"

namespace mimus {

struct FakeWire final : Takeover::Wire {
  explicit FakeWire(Loop& l) : its_loop(l) {}
  Loop& loop() override { return its_loop; }
  bool write(std::string_view data) override {
    EXPECT_FALSE(closing || gone) << "a write after the end";
    if (!room) return false;
    sent += data;
    return true;
  }
  std::size_t queued() const override { return 0; }
  void close_after_write() override { closing = true; }
  void close_now() override { gone = true; }
  void pause() override { paused = true; }
  void resume() override { paused = false; }

  std::string taken() { return std::exchange(sent, {}); }

  Loop& its_loop;
  std::string sent;
  bool room = true, closing = false, gone = false, paused = false;
};

/// A behaviour that writes down what happens and does what the test says.
struct Diary {
  std::string text;
  bool alive = false, captures = false;
  std::function<void(Channel&)> at_open, at_timer, at_message, at_close;
};

struct Behaviour final : ChannelBehaviour {
  explicit Behaviour(Diary& d) : diary(d) { diary.alive = true; }
  ~Behaviour() override { diary.alive = false; }
  void on_open(Channel& c) override { note("open", diary.at_open, c); }
  void on_rebind(Channel& c) override { note("rebind", diary.at_open, c); }
  void on_timer(Channel& c, std::size_t plugin, void* ud) override {
    note("timer" + std::to_string(plugin) + (ud == &diary ? "!" : ""), diary.at_timer, c);
  }
  void on_message(Channel& c, bool binary, std::string_view payload) override {
    note((binary ? "binary=" : "text=") + std::string(payload), diary.at_message, c);
  }
  void on_event(Channel& c, const IncomingEvent& event) override {
    note(std::string(event.name) + std::string(event.args), diary.at_message, c);
  }
  void on_close(Channel& c) override { note("close", diary.at_close, c); }
  bool uses(const void* plugin) const override { return plugin == &diary; }
  bool captures() const override { return diary.captures; }
  void note(const std::string& what, const std::function<void(Channel&)>& then, Channel& c) {
    diary.text += what + " ";
    if (then) then(c);
  }
  Diary& diary;
};

/// One peer: its wire, its channel and its diary.
struct Peer {
  Peer(Loop& loop, ChannelTable& table, const Ulid& endpoint, std::string ip = "10.0.0.1",
       ChannelRules rules = {})
      : wire(loop),
        takeover(table.make(table.next_id(), endpoint, origin_of(std::move(ip)), rules,
                            std::make_unique<Behaviour>(diary))) {}
  static ChannelOrigin origin_of(std::string ip) {
    ChannelOrigin origin;
    origin.path = "/ws/x";
    origin.client_ip = std::move(ip);
    return origin;
  }
  void start() { takeover->on_start(wire); }
  void bytes(std::string_view data) { takeover->on_bytes(data); }
  Channel& channel() { return dynamic_cast<Channel&>(*takeover); }
  void lose() {
    takeover->on_closed();
    takeover.reset();
  }

  Diary diary;
  FakeWire wire;
  std::unique_ptr<Takeover> takeover;
};

/// An event with one argument.
inline Outgoing event_of(std::string name, std::string_view payload) {
  return Outgoing::event({std::move(name), only_argument(payload), {}, -1});
}
inline bool send_event(Channel& channel, std::string name, std::string_view payload) {
  Outgoing message = event_of(std::move(name), payload);
  return channel.send(message);
}

}  // namespace mimus
