// Events: what a definition says, and what it may not say yet.
#include "plugins/channels/events.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "mimus/json_text.h"

namespace mimus::channels {
namespace {

constexpr std::uint64_t least_interval_ms = 50;
constexpr double most = 1e12;

/// A whole number of at least 0 in any spelling that JSON Schema counts as an integer.
std::uint64_t number(std::optional<std::string_view> text) {
  double value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value > 0 ? static_cast<std::uint64_t>(std::min(value, most)) : 0;
}

std::string text_of(std::optional<std::string_view> quoted) {
  return quoted ? json::unquote(*quoted) : std::string();
}

void refuse_later(std::vector<EventFault>& out, std::string pointer, std::string_view what) {
  out.push_back(
      {std::move(pointer), std::string(what) + " is not available in this version", "not-available"});
}

void check_event(std::string_view event, const std::string& at, std::vector<EventFault>& out) {
  const std::string trigger = text_of(json::member(event, "trigger"));
  const bool repeats = trigger == "interval";
  if (trigger == "message" && json::member(event, "echo") == "true") {
    for (const char* key : {"to", "when", "times"}) {
      if (json::member(event, key)) refuse_later(out, at + "/" + key, key);
    }
    return;
  }
  if (!repeats && trigger != "connection") {
    return refuse_later(out, at + "/trigger", "the trigger \"" + trigger + "\"");
  }
  if (!json::member(event, "name")) out.push_back({at + "/name", "is required", ""});
  if (repeats && !json::member(event, "interval")) {
    out.push_back({at + "/interval", "is required for the trigger \"interval\"", ""});
  }
  for (const char* key : {"interval", "times"}) {
    if (!repeats && json::member(event, key)) {
      out.push_back({at + "/" + key, std::string(key) + " is only for the trigger \"interval\"", ""});
    }
  }
  for (const char* key : {"to", "when", "echo", "spread", "steps", "code"}) {
    if (json::member(event, key)) refuse_later(out, at + "/" + key, key);
  }
  const auto payload = json::member(event, "payload");
  if (!payload) return;
  for (PlaceholderFault& fault : faults_of(*payload)) {
    std::string pointer = at + "/payload" + fault.pointer;
    const std::string what = "the placeholder {{" + fault.name + "}}";
    if (fault.not_available) {
      refuse_later(out, std::move(pointer), what);
    } else {
      out.push_back(
          {std::move(pointer), what + " does not exist; there are {{count}}, {{now}} and {{clientId}}", ""});
    }
  }
}

}  // namespace

std::vector<EventFault> check_events(std::string_view fields) {
  std::vector<EventFault> out;
  if (json::member(fields, "connectedEvent")) refuse_later(out, "/connectedEvent", "connectedEvent");
  std::size_t index = 0;
  json::elements(json::member(fields, "events").value_or("[]"), [&](std::string_view event) {
    check_event(event, "/events/" + std::to_string(index++), out);
    return true;
  });
  return out;
}

std::vector<Event> read_events(std::string_view fields) {
  std::vector<Event> out;
  json::elements(json::member(fields, "events").value_or("[]"), [&](std::string_view from) {
    Event event;
    event.name = text_of(json::member(from, "name"));
    event.payload = Payload(json::member(from, "payload").value_or("null"));
    event.repeats = text_of(json::member(from, "trigger")) == "interval";
    event.delay_ms = number(json::member(from, "delayMs"));
    // A definition that is older than the schema may have none.
    event.interval_ms = std::max(least_interval_ms, number(json::member(from, "interval")));
    if (!event.repeats) event.interval_ms = 0;
    event.times = number(json::member(from, "times"));
    event.echo = text_of(json::member(from, "trigger")) == "message";
    out.push_back(std::move(event));
    return true;
  });
  return out;
}

}  // namespace mimus::channels
