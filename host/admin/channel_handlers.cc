// What is done with the open connections of a WebSocket endpoint.
#include <algorithm>
#include <charconv>

#include "host/admin/service.h"
#include "host/channel/framing.h"
#include "host/plugin/request_filters.h"
#include "mimus/base64.h"
#include "mimus/json_text.h"

namespace mimus::admin {
namespace {

constexpr std::size_t max_close_reason = 123;  // a control frame's 125 bytes, without the code

std::string connection_json(const ChannelInfo& channel, std::string_view country) {
  std::string out = "{";
  add_member(out, "id", json::quoted(channel.id.text()));
  add_member(out, "endpointId", json::quoted(channel.endpoint.text()));
  add_member(out, "protocol", json::quoted(name_of(channel.protocol)));
  add_member(out, "clientIp", json::quoted(channel.client_ip));
  add_member(out, "country", country.empty() ? "null" : json::quoted(country));
  add_member(out, "since", json::quoted(rfc3339(channel.since_us)));
  add_member(out, "messagesIn", std::to_string(channel.messages_in));
  add_member(out, "messagesOut", std::to_string(channel.messages_out));
  add_member(out, "bytesIn", std::to_string(channel.bytes_in));
  add_member(out, "bytesOut", std::to_string(channel.bytes_out));
  return out + '}';
}

/// The countries that the journal knows of connections: their records have their ids.
std::map<Ulid, std::string> countries_of(std::span<const ChannelInfo> channels, Journal* journal,
                                         const std::vector<FieldSpec>& fields) {
  std::map<Ulid, std::string> out;
  const auto by_country = std::find_if(fields.begin(), fields.end(),
                                       [](const FieldSpec& field) { return field.filter == "country"; });
  if (journal == nullptr || by_country == fields.end() || channels.empty()) return out;
  std::vector<Ulid> ids;
  for (const ChannelInfo& channel : channels) ids.push_back(channel.id);
  const auto records = journal->find(ids);
  if (!records) return out;
  for (const Record& record : *records) {
    if (const auto code = record.text(static_cast<int>(by_country - fields.begin()))) out[record.id] = *code;
  }
  return out;
}

struct Event {
  std::optional<std::string> name, text, base64, room, connection;
  std::string payload = "null", args;

  explicit Event(std::string_view body) {
    json::members(body, [&](std::string_view key, std::string_view value) {
      if (key == "name") name = json::unquote(value);
      if (key == "text") text = json::unquote(value);
      if (key == "base64") base64 = json::unquote(value);
      if (key == "room") room = json::unquote(value);
      if (key == "connectionId") connection = json::unquote(value);
      if (key == "payload") payload = value;
      if (key == "args") args = value;
      return true;
    });
  }
};

Outcome<ChannelSend> parse_send(std::string_view body, const Ulid& endpoint) {
  Event event(body);
  if (event.name.has_value() + event.text.has_value() + event.base64.has_value() != 1)
    return bad_input({{"", "needs one of name, text and base64"}});
  if (!event.args.empty() && json::member(body, "payload"))
    return bad_input({{"/args", "stands instead of payload"}});
  for (const char* key : {"payload", "args"}) {
    if (!event.name && json::member(body, key))
      return bad_input({{std::string("/") + key, "is only for an event with a name"}});
  }
  if (event.room && event.connection) return bad_input({{"/room", "stands instead of connectionId"}});
  Outgoing message = Outgoing::text("");
  if (event.name) {
    EventParts parts;
    parts.name = *event.name;
    parts.args = event.args.empty() ? only_argument(event.payload) : event.args;
    message = Outgoing::event(std::move(parts));
  } else if (event.text) {
    message = Outgoing::text(*std::move(event.text));
  } else {
    auto bytes = base64::decoded(*event.base64);
    if (!bytes) return bad_input({{"/base64", "is not base64 with its padding (RFC 4648, section 4)"}});
    message = Outgoing::binary(*std::move(bytes));
  }
  ChannelSend out{endpoint, event.room.value_or(""), std::nullopt, std::move(message)};
  if (!event.connection) return out;
  out.channel = Ulid::parse(*event.connection);
  if (!out.channel) return bad_input({{"/connectionId", "must be an id of 26 characters"}});
  return out;
}

}  // namespace

Outcome<Ulid> Service::known_channel(const std::string& id) const {
  const auto parsed = Ulid::parse(id);
  if (parsed && snapshot()->find_channel(*parsed) != nullptr) return *parsed;
  return problem("no-such-resource", "there is no WebSocket endpoint " + id.substr(0, 100));
}

Answer Service::list_connections(const Call& call) {
  auto page = page_request(call);
  if (!page) return std::move(page).error();
  if (!page->cursor.empty() && !Ulid::parse(page->cursor))
    return bad_input({{"/cursor", "is not a cursor of this list"}});
  auto endpoint = known_channel(call.params[0]);
  if (!endpoint) return std::move(endpoint).error();
  auto listed = services_.channels->list(*endpoint);
  if (!listed) return from_error(listed.error());
  std::vector<ChannelInfo>& all = *listed;
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  const auto begin = std::find_if(all.begin(), all.end(),
                                  [&](const ChannelInfo& one) { return one.id.text() > page->cursor; });
  const auto left = static_cast<std::size_t>(all.end() - begin);
  const std::span shown(begin, std::min(left, page->limit));
  const std::map<Ulid, std::string> countries = countries_of(shown, services_.journal, journal_fields());
  std::vector<std::string> items;
  for (const ChannelInfo& channel : shown) {
    const auto country = countries.find(channel.id);
    items.push_back(connection_json(channel, country == countries.end() ? "" : country->second));
  }
  return {200, page_json(items, left > shown.size() ? shown.back().id.text() : "")};
}

Answer Service::broadcast(const Call& call) {
  auto endpoint = known_channel(call.params[0]);
  if (!endpoint) return std::move(endpoint).error();
  const auto what = parse_send(call.body, *endpoint);
  if (!what) return what.error();
  const auto sent = services_.channels->send(*what);
  if (!sent) return from_error(sent.error());
  return {200, "{\"sent\":" + std::to_string(*sent) + '}'};
}

Answer Service::close_connection(const Call& call) {
  auto endpoint = known_channel(call.params[0]);
  if (!endpoint) return std::move(endpoint).error();
  int code = 1000;
  if (const std::string text = call.parameter("code"); !text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
    if (error != std::errc{} || end != text.data() + text.size() || !valid_close_code(code))
      return bad_input({{"/code", "must be a code that a close frame may have, like 1001 or 4000"}});
  }
  std::string reason = call.parameter("reason");
  if (reason.size() > max_close_reason) return bad_input({{"/reason", "is longer than 123 bytes"}});
  if (json::unquote(json::quoted(reason)) != reason)  // what is no UTF-8 is not quoted as it is
    return bad_input({{"/reason", "must be UTF-8"}});
  if (reason.empty()) reason = "closed by the operator";
  const Problem missing =
      problem("no-such-resource", "no open connection has the id " + call.params[1].substr(0, 100));
  const auto id = Ulid::parse(call.params[1]);
  if (!id) return missing;
  const auto closed = services_.channels->close(*endpoint, *id, code, reason);
  if (!closed) return from_error(closed.error());
  if (!*closed) return missing;
  return {204, ""};
}

Answer Service::apply_channel(const Call& call) {
  auto endpoint = known_channel(call.params.back());
  if (!endpoint) return std::move(endpoint).error();
  if (call.params.size() == 2) {
    const DefinitionsPtr now = snapshot();
    const auto found = stored(Kind::channel, *now, call.params[0], call.params[1]);
    if (!found) return found.error();
  }
  const auto done = services_.channels->apply(*endpoint);
  if (!done) return from_error(done.error());
  std::string out = "{";
  add_member(out, "applied", std::to_string(done->applied));
  add_member(out, "closed", std::to_string(done->closed));
  return {200, out + '}'};
}

Answer Service::stream_messages(const Call& call) {
  auto endpoint = known_channel(call.params[0]);
  if (!endpoint) return std::move(endpoint).error();
  return Answer(*endpoint);
}

}  // namespace mimus::admin
