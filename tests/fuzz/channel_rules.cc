// What a WebSocket endpoint's rules make of a client's bytes. The input's first line is a payload with
// placeholders, the rest a message: raw, and where it is a JSON array the arguments of an event. What comes
// out is JSON, forged binaries are none, and a recorded session makes a definition.
#include <nlohmann/json.hpp>

#include "mimus/base64.h"
#include "plugins/channels/attachments.h"
#include "plugins/channels/events.h"
#include "plugins/channels/message.h"
#include "plugins/channels/payload.h"
#include "plugins/channels/replay.h"
#include "tests/fuzz/fuzz.h"

namespace mimus::fuzz {
namespace {

using namespace channels;
using Json = nlohmann::json;

const mimus_str binaries[] = {{"one", 3}, {"two", 3}};

/// The placeholders of a document replaced by base64 of what they stand for, or by null: in a tree,
/// and with recursion, unlike the real thing.
Json reconstructed(const Json& from, std::span<const mimus_str> with) {
  if (from.is_object() && from.contains("_placeholder") && from["_placeholder"] == true) {
    const Json num = from.value("num", Json());
    const double index = num.is_number() ? num.get<double>() : -1;
    for (std::size_t i = 0; i < with.size(); ++i) {
      if (index == static_cast<double>(i)) return base64::encoded({with[i].p, with[i].n});
    }
    return nullptr;
  }
  if (!from.is_structured()) return from;
  Json out = from.is_object() ? Json::object() : Json::array();
  for (const auto& [key, value] : from.items()) {
    if (from.is_object()) {
      out[key] = reconstructed(value, with);
    } else {
      out.push_back(reconstructed(value, with));
    }
  }
  return out;
}

void check_attachments(const std::string& json) {
  const Attached got = attach(json, binaries);
  require(Json::accept(got.json), "what refers to binaries stays JSON", got.json);
  require(reconstructed(Json::parse(got.json), got.binaries) == reconstructed(Json::parse(json), binaries),
          "the same binaries stand in the same places", got.json);
  const Attached again = attach(got.json, got.binaries);
  require(again.json == got.json, "renumbering is done after once", again.json);
}

void check_message(const Message& message, const Payload& payload) {
  const std::string_view data = message.data();
  require(data.empty() || when::is_bounded_json(data) || !message.is_raw(), "data is JSON", data);
  require(Json::accept(message.args()), "arguments are JSON", message.args());
  std::string out;
  if (!payload.render({7, 1'767'225'600'000'000, "01ABC", R"({"token":"t"})", &message}, out)) return;
  require(Json::accept(out), "a rendered payload is JSON", out);
  if (when::is_bounded_json(out)) check_attachments(out);
}

void check(std::string_view first_line, std::string_view rest) {
  const bool has_template = when::is_bounded_json(first_line);
  const Payload payload(has_template ? first_line
                                     : R"(["{{message.data}} {{message.event}}","{{message.data.a.0}}"])");
  if (has_template) {
    const std::size_t with = faults_of(first_line, true).size();
    require(with <= faults_of(first_line, false).size(), "a message only adds placeholders");
    std::string fields = R"({"events":[)";
    fields.append(first_line).append("]}");
    if (first_line.find('{') < first_line.find('[')) (void)check_events(fields);
  }
  const std::string as_text = Json(std::string(rest)).dump(-1, ' ', false, Json::error_handler_t::replace);
  const std::string text = Json::parse(as_text).get<std::string>();  // a host lets no other text through
  check_message(Message::raw(text, false), payload);
  check_message(Message::raw(rest, true), payload);
  if (!when::is_bounded_json(rest)) return;
  check_attachments(std::string(rest));
  const std::size_t start = rest.find_first_not_of(" \t\r\n");
  if (rest[start] == '[') {
    check_message(KeptMessage(Message::event("x", rest.substr(start), binaries, 1)).look(), payload);
  } else if (rest[start] == '{') {
    require(Json::accept(replay_of(rest).patch), "a replay is JSON", replay_of(rest).patch);
  }
}

}  // namespace
}  // namespace mimus::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\n'), input.size());
  mimus::fuzz::check(input.substr(0, end), input.substr(std::min(end + 1, input.size())));
  return 0;
}
