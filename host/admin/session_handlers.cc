// Definitions made of recorded sessions.
#include <algorithm>

#include "host/admin/service.h"
#include "host/admin/session.h"
#include "host/plugin/loaded.h"
#include "host/plugin/plugin_set.h"
#include "mimus/json_text.h"

namespace mimus::admin {

namespace {

/// Without what takes away a field that is not there.
std::string useful(const std::string& patch, const Document& target) {
  const Document all(patch);
  Document out = all;
  for (const Member& member : all.members()) {
    if (member.value == "null" && !target.find(member.name)) out.remove(member.name);
  }
  return out.text();
}

}  // namespace

Outcome<std::string> Service::replay_of(const std::string& session) const {
  const PluginSetPtr set = services_.plugins->current();
  for (const PluginPtr& plugin : set->in_order()) {
    if (plugin->session == nullptr) continue;
    AdminAnswer made = services_.plugins->replay(*plugin, session);
    if (made.status >= 400) return Problem{made.status, std::move(made.code), std::move(made.body)};
    if (!check_json(made.body, services_.max_json_depth) || !is_object(made.body)) {
      return Problem{500, "plugin-failed",
                     "plugin " + plugin->manifest().id + " made no JSON Merge Patch of the session"};
    }
    return std::move(made.body);
  }
  return problem("nothing-recorded", "no plugin is loaded that makes definitions of sessions");
}

// The journal and the plugin are the query thread's, definitions are not: what is to be stored is
// handed on as the call that stores it.
Answer Service::record_session(const Call& call) {
  auto endpoint = known_channel(call.params[0]);
  if (!endpoint) return std::move(endpoint).error();
  std::optional<Ulid> connection;
  if (const std::string id = text_member(call.body, "connectionId"); !id.empty()) {
    connection = Ulid::parse(id);
    if (!connection) return bad_input({{"/connectionId", "must be an id of 26 characters"}});
  }
  if (services_.journal == nullptr)
    return problem("nothing-recorded", "sessions are in the journal: start the host without --journal off");
  const auto session = session_of(*services_.journal, *endpoint, connection);
  if (!session) return session.error();
  const auto patch = replay_of(*session);
  if (!patch) return patch.error();

  const DefinitionsPtr now = snapshot();
  const ChannelRecord* const channel = now->find_channel(*endpoint);
  if (channel == nullptr) return problem("no-such-resource", "the WebSocket endpoint has just been deleted");
  Definition next = parse_stored(Kind::channel, *channel->document);
  const auto path = json::member(call.body, "path");
  const std::string all = "/admin/api-definitions/" + next.api.text() + "/websocket-endpoints";
  auto store = std::make_shared<AdminCall>();
  store->content_type = "application/json";
  if (path && json::unquote(*path) == channel->path) {
    store->method = "PATCH";
    store->path = all + '/' + next.id.text();
    store->if_match = '"' + std::to_string(next.revision) + '"';
    store->body = useful(*patch, next.sent);
    return Answer(std::move(store));
  }
  next.sent = Document(merge_patch(next.sent.text(), *patch));
  if (!path) return {200, shown_text(next)};
  next.sent.set("path", std::string(*path));
  store->method = "POST";
  store->path = all;
  store->body = next.sent.text();
  return Answer(std::move(store));
}

}  // namespace mimus::admin
