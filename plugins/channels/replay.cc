// Sessions into definitions: timing between sends, acknowledgements by the event they answer.
#include "plugins/channels/replay.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "mimus/json_text.h"
#include "plugins/channels/fields.h"
#include "plugins/channels/payload.h"

namespace mimus::channels {
namespace {

constexpr std::uint64_t longest_pause = 86'400'000;
constexpr std::size_t longest_name = 256;

struct Acknowledgement {
  std::string name, payload;  ///< The event that it answers, as JSON; and members for what with.
};

/// An event of the client's that was not acknowledged yet.
struct Asked {
  std::string name;  ///< JSON
  std::optional<std::uint64_t> ack;
};

/// The payload, and what it needs beside it so that the arguments come out as they were.
std::string sent_args(std::string_view message) {
  const std::string_view args = json::member(message, "args").value_or("[]");
  std::size_t count = 0;
  std::string_view only;
  json::elements(args, [&](std::string_view one) {
    only = one;
    return ++count < 2;
  });
  std::string out = R"("payload":)";
  out += count == 1 ? only : args;
  if (count != 1) out += R"(,"spread":true)";
  if (Payload(args).constant() == nullptr || !faults_of(args, false).empty()) out += R"(,"literal":true)";
  if (const auto binaries = json::member(message, "binaries"))
    out.append(R"(,"binaries":)").append(*binaries);
  return out;
}

bool fits(std::string_view quoted_name) {
  const std::string name = json::unquote(quoted_name);
  return !name.empty() && name.size() <= longest_name;
}

/// The step for a message that the server sent, without its time; nothing if a step cannot be it.
std::optional<std::string> step_of(std::string_view message) {
  if (const auto text = json::member(message, "text")) return R"("text":)" + std::string(*text);
  if (const auto base64 = json::member(message, "base64")) return R"("base64":)" + std::string(*base64);
  if (json::member(message, "close")) {
    const std::uint64_t code = number_of(message, "close");
    if (code == 1006) return R"("fault":"drop")";  // it was cut off
    return R"("close":)" + std::to_string(is_close_code(code) ? code : 1000);
  }
  const auto event = json::member(message, "event");
  if (!event || !fits(*event)) return std::nullopt;
  return R"("name":)" + std::string(*event) + "," + sent_args(message) +
         (json::member(message, "ack") ? R"(,"ack":true)" : "");
}

std::optional<std::uint64_t> ack_of(std::string_view message) {
  if (!json::member(message, "ack")) return std::nullopt;
  return number_of(message, "ack");
}

class Player {
 public:
  Replay run(std::string_view session) {
    json::elements(json::member(session, "messages").value_or(""), [&](std::string_view message) {
      if (text_of(message, "direction") == "out") {
        take_sent(message);
      } else if (const auto event = json::member(message, "event"); event && fits(*event)) {
        unanswered_.push_back({std::string(*event), ack_of(message)});
      }
      return true;
    });
    std::string events = rules();
    if (!steps_.empty()) {
      if (!events.empty()) events += ",";
      events += R"({"trigger":"schedule","steps":[)" + steps_ + "]}";
    }
    return {R"({"proxyTarget":null,"connectedEvent":false,"events":[)" + events + "]}", left_out_};
  }

 private:
  void take_sent(std::string_view message) {
    if (json::member(message, "event") == R"("")") return take_acknowledgement(message);
    const auto step = step_of(message);
    if (!step || count_ == most_steps) {
      ++left_out_;
      return;
    }
    const std::uint64_t at = std::max(number_of(message, "afterMs"), last_ms_);
    if (count_++ > 0) steps_ += ",";
    steps_ += R"({"afterMs":)" + std::to_string(std::min(at - last_ms_, longest_pause)) + "," + *step + "}";
    last_ms_ = at;
  }

  void take_acknowledgement(std::string_view message) {
    const auto ack = ack_of(message);
    const auto asked = std::find_if(unanswered_.rbegin(), unanswered_.rend(),
                                    [&](const Asked& one) { return !ack || one.ack == ack; });
    if (asked == unanswered_.rend() || acknowledgements_.size() == most_events - 1) {
      ++left_out_;
      return;
    }
    acknowledgements_.push_back({std::move(asked->name), sent_args(message)});
    unanswered_.erase(std::next(asked).base());
  }

  std::string rules() const {
    std::string out;
    for (auto ack = acknowledgements_.begin(); ack != acknowledgements_.end(); ++ack) {
      const bool again = std::any_of(ack + 1, acknowledgements_.end(),
                                     [&](const Acknowledgement& other) { return other.name == ack->name; });
      if (!out.empty()) out += ",";
      out += R"({"trigger":"ack",)" + ack->payload + R"(,"when":{"in":"event","op":"equals","value":)" +
             ack->name + "}" + (again ? R"(,"times":1})" : "}");
    }
    return out;
  }

  std::string steps_;
  std::size_t count_ = 0, left_out_ = 0;
  std::uint64_t last_ms_ = 0;
  std::vector<Asked> unanswered_;
  std::vector<Acknowledgement> acknowledgements_;
};

}  // namespace

Replay replay_of(std::string_view session) { return Player().run(session); }

}  // namespace mimus::channels
