// Reading and changing single definitions: the same five steps for all three kinds.
#include <algorithm>

#include "host/admin/service.h"
#include "host/pipeline/generation.h"
#include "mimus/json_text.h"

namespace mimus::admin {
namespace {

std::string etag(const Definition& definition) { return '"' + std::to_string(definition.revision) + '"'; }

/// Whether a list of entity tags, or "*", has `tag`; weakly compared where `weak`.
bool has_tag(std::string_view list, std::string_view tag, bool weak) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    std::string_view one = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (weak && one.starts_with("W/")) one.remove_prefix(2);
    if (one == "*" || one == tag) return true;
  }
  return false;
}

std::optional<Problem> changed_meanwhile(const Call& call, const Definition& definition) {
  if (call.if_match.empty() || has_tag(call.if_match, etag(definition), false)) return std::nullopt;
  return problem("precondition-failed",
                 "If-Match does not hold: the revision is " + std::to_string(definition.revision));
}

Answer shown(int status, const Definition& definition) {
  return {status, shown_text(definition), {{"ETag", etag(definition)}}};
}

std::string collection(const Definition& definition) {
  const std::string apis = "/admin/api-definitions";
  if (definition.kind == Kind::api) return apis;
  return apis + '/' + definition.api.text() +
         (definition.kind == Kind::endpoint ? "/endpoints" : "/websocket-endpoints");
}

Problem missing(Kind kind, std::string_view id) {
  return problem("no-such-resource",
                 "there is no " + std::string(noun(kind)) + " " + std::string(id.substr(0, 100)));
}

std::vector<std::string> names_of(const Document& document) {
  std::vector<std::string> out;
  for (const Member& member : document.members()) out.push_back(member.name);
  return out;
}

/// Without the fields that are ours. `id` must be the URL's where that names one.
Outcome<Document> sent_fields(std::string_view body, const Ulid* id) {
  Document out(body);
  if (const auto given = out.find("id"); given && id != nullptr && json::unquote(*given) != id->text()) {
    return bad_input({{"/id", "differs from the id in the URL, " + id->text()}});
  }
  for (const std::string& name : names_of(out)) {
    if (is_host_field(name)) out.remove(name);
  }
  return out;
}

}  // namespace

Outcome<Ulid> Service::known_api(const Definitions& in, const std::string& id) const {
  const auto parsed = Ulid::parse(id);
  if (!parsed || in.find_api(*parsed) == nullptr) return missing(Kind::api, id);
  return *parsed;
}

Outcome<Definition> Service::stored(Kind kind, const Definitions& in, const std::string& api,
                                    const std::string& id) const {
  auto owner = known_api(in, api);
  if (!owner) return std::move(owner).error();
  if (kind == Kind::api) return parse_stored(kind, *in.find_api(*owner)->document);
  const auto parsed = Ulid::parse(id);
  if (!parsed) return missing(kind, id);
  if (kind == Kind::channel) {
    const ChannelRecord* const channel = in.find_channel(*parsed);
    if (channel == nullptr || channel->api != *owner) return missing(kind, id);
    return parse_stored(kind, *channel->document);
  }
  const EndpointRecord* const endpoint = in.find_endpoint(*parsed);
  if (endpoint == nullptr || endpoint->api != *owner) return missing(kind, id);
  auto document = services_.database->definitions().document(kind, *parsed);
  if (!document) return from_error(document.error());
  return parse_stored(kind, *document);
}

Outcome<Done> Service::publish(ChangeSet& changes) {
  if (auto committed = changes.commit(wall_us()); !committed) return std::move(committed).error();
  services_.generations->publish(changes.staged());
  return Done{};
}

Answer Service::create(Kind kind, const Call& call) {
  const DefinitionsPtr base = snapshot();
  Definition next;
  next.kind = kind;
  next.created_us = next.updated_us = wall_us();
  next.id = next.api = definition_ids_.next(next.created_us);
  if (kind != Kind::api) {
    auto owner = known_api(*base, call.params[0]);
    if (!owner) return std::move(owner).error();
    next.api = *owner;
  }
  auto sent = sent_fields(call.body, nullptr);
  if (!sent) return std::move(sent).error();
  next.sent = *std::move(sent);
  const BookPtr rules = book();
  ChangeSet changes(rules->rules, services_.database->definitions(), base);
  if (auto put = changes.put(next, names_of(next.sent)); !put) return std::move(put).error();
  if (auto published = publish(changes); !published) return std::move(published).error();
  Answer answer = shown(201, next);
  answer.headers.emplace_back("Location", collection(next) + '/' + next.id.text());
  return answer;
}

Answer Service::show(Kind kind, const Call& call) {
  auto found = stored(kind, *snapshot(), call.params[0], call.params.back());
  if (!found) return std::move(found).error();
  if (!call.if_none_match.empty() && has_tag(call.if_none_match, etag(*found), true)) {
    return {304, "", {{"ETag", etag(*found)}}};
  }
  return shown(200, *found);
}

Answer Service::replace(Kind kind, const Call& call, bool patch) {
  const DefinitionsPtr base = snapshot();
  auto found = stored(kind, *base, call.params[0], call.params.back());
  if (!found) return std::move(found).error();
  Definition& next = *found;
  if (auto changed = changed_meanwhile(call, next)) return *std::move(changed);
  auto sent = sent_fields(call.body, &next.id);
  if (!sent) return std::move(sent).error();

  std::vector<std::string> touched;
  for (const Member& member : sent->members()) {
    // Taking away what a vanished plugin left is no new write of it.
    if (!(patch && member.value == "null" && next.sent.find(member.name))) touched.push_back(member.name);
  }
  next.sent = patch ? Document(merge_patch(next.sent.text(), sent->text())) : *std::move(sent);
  ++next.revision;
  next.updated_us = wall_us();
  const BookPtr rules = book();
  ChangeSet changes(rules->rules, services_.database->definitions(), base);
  if (auto put = changes.put(next, touched); !put) return std::move(put).error();
  if (auto published = publish(changes); !published) return std::move(published).error();
  return shown(200, next);
}

Answer Service::erase(Kind kind, const Call& call) {
  const DefinitionsPtr base = snapshot();
  auto found = stored(kind, *base, call.params[0], call.params.back());
  if (!found) return std::move(found).error();
  if (auto changed = changed_meanwhile(call, *found)) return *std::move(changed);
  const BookPtr rules = book();
  ChangeSet changes(rules->rules, services_.database->definitions(), base);
  if (auto removed = changes.remove(kind, found->id); !removed) return std::move(removed).error();
  if (auto published = publish(changes); !published) return std::move(published).error();
  if (kind != Kind::endpoint && services_.channels != nullptr) services_.channels->close_gone();
  return {204, ""};
}

Answer Service::list_apis(const Call& call) {
  auto page = page_request(call);
  if (!page) return std::move(page).error();
  const auto cursor = page->cursor.empty() ? Ulid{} : Ulid::parse(page->cursor);
  if (!cursor) return bad_input({{"/cursor", "is not a cursor of this list"}});
  const DefinitionsPtr now = snapshot();
  std::vector<std::string> items;
  const ApiRecord* api = now->apis().first_after(*cursor);
  Ulid last;
  for (; api != nullptr && items.size() < page->limit; api = now->apis().first_after(last)) {
    items.push_back(shown_text(parse_stored(Kind::api, *api->document)));
    last = api->id;
  }
  return {200, page_json(items, api == nullptr ? "" : last.text())};
}

Answer Service::list_endpoints(const Call& call) {
  auto page = page_request(call);
  if (!page) return std::move(page).error();
  const auto cursor = page->cursor.empty() ? Ulid{} : Ulid::parse(page->cursor);
  if (!cursor) return bad_input({{"/cursor", "is not a cursor of this list"}});
  const DefinitionsPtr now = snapshot();
  auto api = known_api(*now, call.params[0]);
  if (!api) return std::move(api).error();
  const auto& all = now->find_api(*api)->endpoints;
  std::vector<std::string> items;
  const EndpointRecord* endpoint = all.first_after(*cursor);
  Ulid last;
  for (; endpoint != nullptr && items.size() < page->limit; endpoint = all.first_after(last)) {
    last = endpoint->id;
    const auto document = services_.database->definitions().document(Kind::endpoint, last);
    if (document) {
      items.push_back(shown_text(parse_stored(Kind::endpoint, *document)));
    } else if (document.error().code != Code::not_found) {  // deleted since the snapshot
      return from_error(document.error());
    }
  }
  return {200, page_json(items, endpoint == nullptr ? "" : last.text())};
}

Answer Service::list_channels(const Call& call) {
  auto page = page_request(call);
  if (!page) return std::move(page).error();
  const DefinitionsPtr now = snapshot();
  auto api = known_api(*now, call.params[0]);
  if (!api) return std::move(api).error();
  std::vector<std::pair<std::string, std::string>> all;
  now->find_api(*api)->channels.each([&](const ChannelRecord& channel) {
    all.emplace_back(channel.id.text(), shown_text(parse_stored(Kind::channel, *channel.document)));
  });
  return {200, page_of(all, *page)};
}

Answer Service::create_api(const Call& call) { return create(Kind::api, call); }
Answer Service::get_api(const Call& call) { return show(Kind::api, call); }
Answer Service::replace_api(const Call& call) { return replace(Kind::api, call, false); }
Answer Service::patch_api(const Call& call) { return replace(Kind::api, call, true); }
Answer Service::delete_api(const Call& call) { return erase(Kind::api, call); }
Answer Service::create_endpoint(const Call& call) { return create(Kind::endpoint, call); }
Answer Service::get_endpoint(const Call& call) { return show(Kind::endpoint, call); }
Answer Service::replace_endpoint(const Call& call) { return replace(Kind::endpoint, call, false); }
Answer Service::patch_endpoint(const Call& call) { return replace(Kind::endpoint, call, true); }
Answer Service::delete_endpoint(const Call& call) { return erase(Kind::endpoint, call); }
Answer Service::create_channel(const Call& call) { return create(Kind::channel, call); }
Answer Service::get_channel(const Call& call) { return show(Kind::channel, call); }
Answer Service::replace_channel(const Call& call) { return replace(Kind::channel, call, false); }
Answer Service::patch_channel(const Call& call) { return replace(Kind::channel, call, true); }
Answer Service::delete_channel(const Call& call) { return erase(Kind::channel, call); }

}  // namespace mimus::admin
