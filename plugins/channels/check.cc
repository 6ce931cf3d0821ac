// What a definition may say, beyond what its schema tells.
#include <algorithm>
#include <set>

#include "mimus/base64.h"
#include "mimus/json_text.h"
#include "plugins/channels/events.h"
#include "plugins/channels/fields.h"

namespace mimus::channels {
namespace {

using Keys = std::initializer_list<std::string_view>;

/// What may stand in an event of a trigger, beside `trigger`; "…" is whatever acts.
struct Form {
  std::string_view trigger;
  Keys keys;
  bool acts;         ///< Any of `acting` too.
  bool has_message;  ///< There is one that it answers.
};
constexpr std::string_view acting[] = {"binaries", "name",  "payload",        "literal", "spread",
                                       "ack",      "text",  "base64",         "to",      "join",
                                       "leave",    "fault", "bytesPerSecond", "close",   "reason"};
const Form forms[] = {
    {"connection", {"delayMs"}, true, false},
    {"interval", {"delayMs", "interval", "times"}, true, false},
    {"message", {"delayMs", "times", "when", "echo"}, true, true},
    {"ack", {"delayMs", "times", "when", "payload", "literal", "spread", "binaries"}, false, true},
    {"schedule", {"times", "steps"}, false, false},
    {"close-after", {"delayMs", "code", "reason"}, false, false},
};
/// What does something by itself: an event or step has at most one of them.
constexpr std::string_view deeds[] = {"name", "text", "base64", "echo", "close", "fault"};

template <class Range>
bool has(const Range& range, std::string_view key) {
  return std::find(std::begin(range), std::end(range), key) != std::end(range);
}

class Checker {
 public:
  std::vector<EventFault> run(std::string_view fields) {
    std::size_t index = 0;
    json::elements(json::member(fields, "events").value_or(""), [&](std::string_view event) {
      check_event(event, "/events/" + std::to_string(index++));
      return true;
    });
    if (rooms_.size() > most_rooms) wrong("/events", "join more than 64 rooms");
    return std::move(out_);
  }

 private:
  void wrong(std::string pointer, std::string detail) {
    out_.push_back({std::move(pointer), std::move(detail)});
  }
  void require(std::string_view event, const std::string& at, const char* key, std::string_view trigger) {
    if (!json::member(event, key))
      wrong(at + "/" + key, "is required for the trigger \"" + std::string(trigger) + "\"");
  }

  void check_event(std::string_view event, const std::string& at) {
    const std::string trigger = text_of(event, "trigger");
    const auto form =
        std::find_if(std::begin(forms), std::end(forms), [&](const Form& f) { return f.trigger == trigger; });
    if (form == std::end(forms)) return wrong(at + "/trigger", "is no trigger");
    json::members(event, [&](std::string_view key, std::string_view) {
      if (key == "trigger" || has(form->keys, key) || (form->acts && has(acting, key))) return true;
      wrong(at + "/" + json::pointer_token(key),
            std::string(key) + " is not for the trigger \"" + trigger + "\"");
      return true;
    });
    if (form->acts) check_act(event, at, form->has_message);
    if (trigger == "ack") check_payload(event, at, true);
    if (trigger == "interval") require(event, at, "interval", trigger);
    if (trigger == "close-after") {
      require(event, at, "delayMs", trigger);
      check_close(event, at, "code");
    }
    if (trigger == "schedule") check_steps(event, at);
    if (const auto when = json::member(event, "when"); when && form->has_message) {
      when::Condition::compile(*when, places, at + "/when", [&](std::string pointer, std::string detail) {
        wrong(std::move(pointer), std::move(detail));
      });
    }
  }

  void check_steps(std::string_view event, const std::string& at) {
    require(event, at, "steps", "schedule");
    std::uint64_t index = 0, total = 0;
    json::elements(json::member(event, "steps").value_or(""), [&](std::string_view step) {
      total += number_of(step, "afterMs");
      check_act(step, at + "/steps/" + std::to_string(index++), false);
      return true;
    });
    if (index == 0 && json::member(event, "steps")) wrong(at + "/steps", "must hold a step");
    const bool repeats = json::member(event, "times") && number_of(event, "times") != 1;
    if (repeats && total < least_interval_ms)
      wrong(at + "/times", "a schedule that repeats must take 50 ms at least");
  }

  void check_act(std::string_view from, const std::string& at, bool has_message) {
    std::string_view deed;
    for (const std::string_view key : deeds) {
      const auto value = json::member(from, key);
      if (!value || (key == "echo" && *value != "true")) continue;
      if (!deed.empty()) wrong(at + "/" + std::string(key), "cannot stand beside " + std::string(deed));
      if (deed.empty()) deed = key;
    }
    const bool moves = json::member(from, "join") || json::member(from, "leave");
    if (deed.empty() && !moves)
      wrong(at + "/name", "is required where there is no text, base64, echo, close, fault, join or leave");
    for (const char* key : {"payload", "literal", "spread", "binaries", "ack", "to"}) {
      const bool to_sender = (deed == "text" || deed == "base64" || deed == "echo") &&
                             std::string_view(key) == "to" && text_of(from, key) == "sender";
      if (json::member(from, key) && deed != "name" && !to_sender)
        wrong(at + "/" + key, std::string(key) + " is only for an event with a name");
    }
    if (json::member(from, "reason") && deed != "close") wrong(at + "/reason", "is only for close");
    if (json::member(from, "bytesPerSecond") && text_of(from, "fault") != "slow")
      wrong(at + "/bytesPerSecond", "is only for the fault \"slow\"");
    if (text_of(from, "fault") == "slow" && !json::member(from, "bytesPerSecond"))
      wrong(at + "/bytesPerSecond", "is required for the fault \"slow\"");
    check_payload(from, at, has_message);
    check_close(from, at, "close");
    check_base64(text_of(from, "base64"), at + "/base64");
    check_rooms(from, at);
  }

  void check_base64(std::string_view text, std::string at) {
    if (!base64::decoded(text)) wrong(std::move(at), "is not base64 with its padding");
  }

  void check_rooms(std::string_view from, const std::string& at) {
    for (const char* key : {"join", "leave"}) {
      if (json::member(from, key)) check_room(text_of(from, key), at + "/" + key);
    }
    if (json::member(from, "join")) rooms_.insert(text_of(from, "join"));
    const std::string to = text_of(from, "to");
    if (to.starts_with("room:")) {
      check_room(std::string_view(to).substr(5), at + "/to");
    } else if (!to.empty() && to != "sender" && to != "all") {
      wrong(at + "/to", "must be sender, all or room:<name>");
    }
    if (is_true(from, "ack") && !to.empty() && to != "sender")
      wrong(at + "/ack", "an acknowledgement is only asked of the sender");
  }
  void check_room(std::string_view name, std::string at) {
    if (name.empty() || name.size() > most_room_bytes)
      wrong(std::move(at), "a room's name has 1 to 128 bytes");
  }

  void check_close(std::string_view from, const std::string& at, const char* key) {
    if (json::member(from, key) && !is_close_code(number_of(from, key)))
      wrong(at + "/" + key, "is no code that a peer may be sent: 1000-1003, 1007-1014 or 3000-4999");
    if (text_of(from, "reason").size() > 123) wrong(at + "/reason", "is longer than 123 bytes");
  }

  void check_payload(std::string_view from, const std::string& at, bool has_message) {
    std::size_t index = 0;
    json::elements(json::member(from, "binaries").value_or(""), [&](std::string_view one) {
      check_base64(json::unquote(one), at + "/binaries/" + std::to_string(index++));
      return true;
    });
    const auto payload = json::member(from, "payload");
    if (!payload || is_true(from, "literal")) return;
    for (PlaceholderFault& fault : faults_of(*payload, has_message))
      wrong(at + "/payload" + fault.pointer, std::move(fault.detail));
  }

  std::vector<EventFault> out_;
  std::set<std::string> rooms_;
};

}  // namespace

std::vector<EventFault> check_events(std::string_view fields) { return Checker().run(fields); }

}  // namespace mimus::channels
