// Reading definitions that are known to be right.
#include "plugins/channels/events.h"

#include <utility>

#include "mimus/base64.h"
#include "mimus/json_text.h"
#include "plugins/channels/fields.h"

namespace mimus::channels {
namespace {

using What = Act::What;

template <class T, std::size_t N>
T named(const std::pair<std::string_view, T> (&table)[N], std::string_view name, T otherwise) {
  for (const auto& [key, value] : table) {
    if (key == name) return value;
  }
  return otherwise;
}

constexpr std::pair<std::string_view, Trigger> triggers[] = {{"interval", Trigger::interval},
                                                             {"message", Trigger::message},
                                                             {"ack", Trigger::ack},
                                                             {"schedule", Trigger::schedule},
                                                             {"close-after", Trigger::close_after}};

constexpr std::pair<std::string_view, mimus_channel_fault> faults[] = {
    {"garbage", MIMUS_FAULT_GARBAGE}, {"ignore-pings", MIMUS_FAULT_IGNORE_PINGS}, {"slow", MIMUS_FAULT_SLOW}};

Payload payload_of(std::string_view from) {
  const std::string_view json = json::member(from, "payload").value_or("null");
  return is_true(from, "literal") ? Payload::literal(json) : Payload(json);
}

void read_sent(std::string_view from, Act& act) {
  act.payload = payload_of(from);
  act.spread = is_true(from, "spread");
  json::elements(json::member(from, "binaries").value_or(""), [&](std::string_view one) {
    act.binaries.push_back(base64::decoded(json::unquote(one)).value_or(""));
    return true;
  });
}

Act read_act(std::string_view from) {
  Act act;
  act.leave = text_of(from, "leave");
  act.join = text_of(from, "join");
  const std::string to = text_of(from, "to");
  act.to_sender = to.empty() || to == "sender";
  if (to.starts_with("room:")) act.room = to.substr(5);
  if (json::member(from, "name")) {
    act.what = What::event;
    act.name = text_of(from, "name");
    read_sent(from, act);
    act.asks_ack = is_true(from, "ack");
  } else if (json::member(from, "text")) {
    act.what = What::text;
    act.bytes = text_of(from, "text");
  } else if (json::member(from, "base64")) {
    act.what = What::binary;
    act.bytes = base64::decoded(text_of(from, "base64")).value_or("");
  } else if (is_true(from, "echo")) {
    act.what = What::echo;
  } else if (json::member(from, "close")) {
    act.what = What::close;
    act.code = static_cast<std::int32_t>(number_of(from, "close"));
    act.bytes = text_of(from, "reason");
  } else if (json::member(from, "fault")) {
    act.what = What::fault;
    act.fault = named(faults, text_of(from, "fault"), mimus_channel_fault{MIMUS_FAULT_DROP});
    act.value = number_of(from, "bytesPerSecond");
  }
  return act;
}

Event read_event(std::string_view from) {
  Event event;
  event.trigger = named(triggers, text_of(from, "trigger"), Trigger::connection);
  event.delay_ms = number_of(from, "delayMs");
  if (event.trigger == Trigger::interval)
    event.interval_ms = std::max(least_interval_ms, number_of(from, "interval"));
  event.times = number_of(from, "times");
  if (const auto when = json::member(from, "when"))
    event.condition = when::Condition::compile(*when, places, "/when", [](auto&&...) {});
  switch (event.trigger) {
    case Trigger::schedule:
      if (!json::member(from, "times")) event.times = 1;
      json::elements(json::member(from, "steps").value_or(""), [&](std::string_view step) {
        event.steps.push_back({number_of(step, "afterMs"), read_act(step)});
        return true;
      });
      break;
    case Trigger::close_after:
      event.act.what = What::close;
      event.act.code = json::member(from, "code") ? static_cast<std::int32_t>(number_of(from, "code")) : 1000;
      event.act.bytes = text_of(from, "reason");
      break;
    case Trigger::ack:
      read_sent(from, event.act);
      break;
    default:
      event.act = read_act(from);
  }
  event.counts = event.times > 0 || event.act.payload.counts();
  return event;
}

}  // namespace

Script read_script(std::string_view fields) {
  Script out;
  const auto says = json::member(fields, "connectedEvent"), relayed = json::member(fields, "proxyTarget");
  out.says_connected = says ? *says == "true" : !relayed || *relayed == "null";
  json::elements(json::member(fields, "events").value_or(""), [&](std::string_view event) {
    out.events.push_back(read_event(event));
    out.events.back().rank = out.events.size();
    return true;
  });
  const std::string_view faulty = json::member(fields, "faults").value_or("");
  out.faults.refuse_with = static_cast<std::int32_t>(number_of(faulty, "refuse"));
  out.faults.handshake_delay_ms = static_cast<std::uint32_t>(number_of(faulty, "handshakeDelayMs"));
  out.faults.ignore_pings = is_true(faulty, "ignorePings");
  out.faults.bytes_per_second = number_of(faulty, "bytesPerSecond");
  if (json::member(faulty, "dropAfterMs")) out.faults.drop_after_ms = number_of(faulty, "dropAfterMs");
  return out;
}

}  // namespace mimus::channels
