// Staging: each change goes into the next snapshot and into the batch for the store.
#include "host/admin/change_set.h"

#include <cassert>
#include <charconv>

#include "mimus/json_text.h"

namespace mimus::admin {
namespace {

Problem missing(Kind kind, const Ulid& id) {
  return problem("no-such-resource", "there is no " + std::string(noun(kind)) + " " + id.text());
}

Problem is_taken(const std::string& pointer, const std::string& detail) {
  Problem out = problem("conflict", detail);
  out.errors.push_back({pointer, detail});
  return out;
}

std::shared_ptr<const std::string> shared(const Definition& definition) {
  return std::make_shared<const std::string>(stored_text(definition));
}

}  // namespace

ApiFields api_record(const Definition& api) {
  ApiFields out;
  out.id = api.id;
  out.slug = json::unquote(api.field("slug"));
  for (const std::string& host : strings_of(api.field("hosts"))) out.hosts.push_back(plain_host(host));
  out.revision = api.revision;
  out.document = shared(api);
  return out;
}

EndpointFields endpoint_record(const Definition& endpoint) {
  EndpointFields out;
  out.id = endpoint.id;
  out.api = endpoint.api;
  out.revision = endpoint.revision;
  out.route.method = json::unquote(endpoint.field("method"));
  out.route.path = json::unquote(endpoint.field("path"));
  const std::string_view priority = endpoint.field("priority");
  std::from_chars(priority.data(), priority.data() + priority.size(), out.route.priority);
  out.route.enabled = endpoint.field("enabled") == "true";
  return out;
}

ChannelFields channel_record(const Definition& channel) {
  ChannelFields out;
  out.id = channel.id;
  out.api = channel.api;
  out.path = json::unquote(channel.field("path"));
  out.revision = channel.revision;
  out.enabled = channel.field("enabled") == "true";
  out.document = shared(channel);
  return out;
}

ChangeSet::ChangeSet(const Rules& rules, DefinitionStore& store, DefinitionsPtr base)
    : rules_(rules), store_(store), staged_(std::move(base)), first_(store.sequence() + 1) {}

Outcome<Definition> ChangeSet::api(const Ulid& id) const {
  const ApiRecord* const record = staged_->find_api(id);
  if (record == nullptr) return missing(Kind::api, id);
  return parse_stored(Kind::api, *record->document);
}

std::optional<Problem> ChangeSet::taken(const Definition& next, const std::string& base) const {
  if (next.kind == Kind::api) {
    const ApiFields fields = api_record(next);
    const ApiRecord* const same_slug = staged_->find_api_by_slug(fields.slug);
    if (same_slug != nullptr && same_slug->id != next.id) {
      return is_taken(base + "/slug",
                      "the slug \"" + fields.slug + "\" is taken by API " + same_slug->id.text());
    }
    for (std::size_t i = 0; i < fields.hosts.size(); ++i) {
      const ApiRecord* const same_host = staged_->find_api_by_host(fields.hosts[i]);
      if (same_host != nullptr && same_host->id != next.id) {
        return is_taken(base + "/hosts/" + std::to_string(i),
                        "the host \"" + fields.hosts[i] + "\" is taken by API " + same_host->id.text());
      }
    }
  }
  if (next.kind == Kind::channel) {
    const std::string path = json::unquote(next.field("path"));
    const ChannelRecord* const same = staged_->find_channel_by_path(path);
    if (same != nullptr && same->id != next.id) {
      return is_taken(base + "/path",
                      "the path \"" + path + "\" is taken by WebSocket endpoint " + same->id.text());
    }
  }
  return std::nullopt;
}

Outcome<Done> ChangeSet::put(const Definition& next, const std::vector<std::string>& touched,
                             const std::string& base) {
  std::optional<Definition> owner;
  if (next.kind != Kind::api) {
    auto found = api(next.api);
    if (!found) return std::move(found).error();
    owner = *std::move(found);
  }
  std::vector<Fault> faults;
  rules_.check(next, touched, owner ? *owner : next, base, faults);
  if (!faults.empty()) return bad_input(std::move(faults));
  if (auto conflict = taken(next, base)) return *std::move(conflict);

  DefinitionWrite write;
  write.kind = next.kind;
  write.id = next.id;
  write.api = next.api;
  write.revision = next.revision;
  write.document = stored_text(next);
  if (next.kind == Kind::endpoint) {
    EndpointFields fields = endpoint_record(next);
    write.route = fields.route;
    if (!edit_) staged_ = edit_.emplace(staged_).staged();
    if (const Status put = edit_->put_endpoint(std::move(fields), next_sequence()); !put)
      return from_error(put.error());
  } else {
    edit_.reset();
    auto staged = next.kind == Kind::api
                      ? Result<DefinitionsPtr>(staged_->with_api(api_record(next), next_sequence()))
                      : staged_->with_channel(channel_record(next), next_sequence());
    if (!staged) return from_error(staged.error());
    staged_ = *std::move(staged);
  }
  writes_.push_back(std::move(write));
  return Done{};
}

void ChangeSet::erase(Kind kind, const Ulid& id, const Ulid& api, std::uint64_t revision) {
  DefinitionWrite write;
  write.kind = kind;
  write.id = id;
  write.api = api;
  write.revision = revision + 1;
  write.tombstone = true;
  writes_.push_back(std::move(write));
}

Outcome<Done> ChangeSet::remove(Kind kind, const Ulid& id) {
  edit_.reset();
  const auto apply = [&](Result<DefinitionsPtr> staged) -> Outcome<Done> {
    if (!staged) return from_error(staged.error());
    staged_ = *std::move(staged);
    return Done{};
  };
  if (kind == Kind::endpoint) {
    const EndpointRecord* const endpoint = staged_->find_endpoint(id);
    if (endpoint == nullptr) return missing(kind, id);
    erase(kind, id, endpoint->api, endpoint->revision);
    return apply(staged_->without_endpoint(id, next_sequence() - 1));
  }
  if (kind == Kind::channel) {
    const ChannelRecord* const channel = staged_->find_channel(id);
    if (channel == nullptr) return missing(kind, id);
    erase(kind, id, channel->api, channel->revision);
    return apply(staged_->without_channel(id, next_sequence() - 1));
  }
  const ApiRecord* const record = staged_->find_api(id);
  if (record == nullptr) return missing(kind, id);
  record->endpoints.each([&](const EndpointRecord& e) { erase(Kind::endpoint, e.id, id, e.revision); });
  record->channels.each([&](const ChannelRecord& c) { erase(Kind::channel, c.id, id, c.revision); });
  erase(kind, id, id, record->revision);
  return apply(staged_->without_api(id, next_sequence() - 1));
}

Outcome<Done> ChangeSet::commit(std::int64_t wall_us) {
  const auto sequence = store_.commit(writes_, wall_us);
  if (!sequence) return from_error(sequence.error());
  assert(*sequence == staged_->sequence());
  return Done{};
}

}  // namespace mimus::admin
