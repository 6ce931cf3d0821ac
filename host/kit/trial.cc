#include "host/kit/trial.h"

#include <unistd.h>

#include "host/kit/child.h"
#include "host/kit/definitions.h"
#include "host/kit/samples.h"

namespace mimus::kit {
namespace {

using testing::Bound;
using testing::Exchange;
using testing::FakeHost;

constexpr std::size_t most_input = 1u << 20;

void show_all(FakeHost& host, Bound& bound, const Walk& how) {
  for (const Sample& sample : samples(how.large)) {
    show(host, bound, sample);
    if (!how.cut) continue;
    // The client goes: at once, and while the plugin holds the exchange.
    Exchange& x = start(host, bound, sample);
    const bool suspended = x.state == Exchange::State::suspended;
    host.cut(x);
    // What the plugin waited for comes all the same.
    if (suspended) host.advance(120'000);
  }
}

/// What clients of WebSockets send, in both kinds.
void talk(FakeHost& host, testing::Channel& channel) {
  static const std::string texts[] = {"",
                                      R"({"event":"x","data":{"room":"a","text":"b"}})",
                                      "{",
                                      "null",
                                      "[1]",
                                      R"({"event":7,"data":"\ud800"})",
                                      std::string(64 * 1024, 'm')};
  for (const std::string& text : texts) {
    for (const bool binary : {false, true}) {
      if (channel.open) host.say(channel, text, binary);
    }
  }
  if (channel.open) host.say(channel, "\xff\xfe", true);
}

/// What Socket.IO clients send: events with binaries, wanted and unwanted acknowledgements, and
/// placeholders of binaries that are not there.
void talk_events(FakeHost& host, testing::Channel& channel) {
  static const std::string args[] = {"[]",
                                     R"([{"room":"a","text":"b"}])",
                                     R"([1,[2],null])",
                                     R"([{"_placeholder":true,"num":1},{"x":{"_placeholder":true,"num":0}}])",
                                     R"([{"_placeholder":true,"num":99},{"_placeholder":true}])",
                                     "[\"" + std::string(64 * 1024, 'm') + "\"]",
                                     std::string(5'000, '[') + std::string(5'000, ']')};
  std::int64_t ack = -1;
  for (const std::string& one : args) {
    for (const char* name : {"message", "x", "connected"}) {
      if (channel.open) host.say_event(channel, name, one, {std::string("\xff\0", 2), ""}, ack++);
    }
    if (channel.open) host.say_ack(channel, ack, one);
  }
}

void show_socket_io(FakeHost& host, Bound& bound) {
  testing::Channel& known =
      host.open(bound, {.socket_io = true, .auth = R"({"token":"t"})", .query = "a=1&a=2"});
  testing::Channel& other = host.open(bound, {.socket_io = true, .auth = "[]"});
  talk_events(host, known);
  host.advance(2'000);
  host.rebind(other, bound);
  talk_events(host, other);
  host.close(known);
  other.slow = true;
  talk_events(host, other);
  host.advance(60'000);
  host.close(other);
}

void show_channel(FakeHost& host, Bound& bound) {
  host.handshake(bound);
  show_socket_io(host, bound);
  testing::Channel& first = host.open(bound);
  testing::Channel& second = host.open(bound);
  talk(host, first);
  host.advance(2'000);
  host.close(first);
  host.rebind(second, bound);
  talk(host, second);
  host.close(second);
  testing::Channel& slow = host.open(bound);
  slow.slow = true;
  talk(host, slow);
  host.advance(60'000);
  host.close(slow);
}

}  // namespace

void StepWatcher::enter_hook(const char* name) {
  last_ = name;
  before_.push_back(report().step(name));
}

void StepWatcher::leave_hook(const char*) {
  report().step(before_.back());
  before_.pop_back();
}

std::string refusal_of(const FakeHost& host, const char* last) {
  if (host.rc() == MIMUS_OK) return {};
  std::string why = one_line(host.error());
  if (why.empty()) why = "error " + std::to_string(host.rc()) + "; say why with set_error";
  const std::string_view hook = last;
  if (hook == "configure") return "refused its configuration: " + why;
  if (hook == "self_test") return "failed its self-test: " + why;
  return "refused to " + std::string(hook) + ": " + why;
}

std::string standard_input() {
  std::string out;
  char buffer[4096];
  while (out.size() < most_input) {
    const ssize_t n = ::read(0, buffer, sizeof buffer);
    if (n <= 0) break;
    out.append(buffer, static_cast<std::size_t>(n));
  }
  return out;
}

void walk(FakeHost& host, const Manifest& manifest, const Walk& how) {
  for (const testing::Definition& definition : definitions(manifest)) {
    host.check(definition);
    Bound& bound = host.bind(definition);
    if (!bound.in_pipeline) continue;
    if (definition.level == MIMUS_LEVEL_CHANNEL) {
      if (host.has_peer()) show_channel(host, bound);
    } else {
      show_all(host, bound, how);
    }
    host.unbind(bound);
  }
}

}  // namespace mimus::kit
