// Matching what a document names against what is there.
#include "host/admin/transfer.h"

#include <algorithm>
#include <map>
#include <set>

#include "mimus/json_text.h"

namespace mimus::admin {
namespace {

constexpr std::size_t max_faults = 100;
constexpr std::string_view endpoints_key = "endpoints", channels_key = "websocketEndpoints";

/// What makes an endpoint the same one where no id does.
std::string endpoint_key(const Definition& endpoint, Intake intake) {
  const std::string name = json::unquote(endpoint.field("name"));
  if (intake == Intake::load && !name.empty()) return "n" + name;
  std::string key =
      "p" + json::unquote(endpoint.field("method")) + '\n' + json::unquote(endpoint.field("path"));
  if (intake == Intake::import) key += '\n' + name;
  return key;
}

/// Whether a client is shown the same fields. A default that is sent is one that is left out.
bool same_fields(const Definition& a, const Definition& b) {
  const auto all_equal = [&](const Document& names) {
    return std::all_of(names.members().begin(), names.members().end(),
                       [&](const Member& member) { return a.field(member.name) == b.field(member.name); });
  };
  return all_equal(a.sent) && all_equal(b.sent);
}

class Taker {
 public:
  Taker(Intake intake, std::int64_t wall_us, UlidSource& ids, const DefinitionStore& store,
        ChangeSet& changes)
      : intake_(intake), wall_us_(wall_us), ids_(ids), store_(store), changes_(changes) {}

  /// False: a conflict or a failing store; `problem` says which.
  bool take_api(std::string_view text, const std::string& base) {
    if (!must_be_object(text, base)) return true;
    Definition given;
    given.kind = Kind::api;
    std::string_view endpoints = "[]", channels = "[]";
    json::members(text, [&](std::string_view name, std::string_view value) {
      if (name == endpoints_key) {
        endpoints = value;
      } else if (name == channels_key) {
        channels = value;
      } else if (!is_host_field(name)) {
        given.sent.set(name, std::string(value));
      }
      return true;
    });
    const auto id = given_id(text, base);
    const DefinitionsPtr& now = changes_.staged();
    const ApiRecord* same = id ? now->find_api(*id) : nullptr;
    if (same == nullptr) same = now->find_api_by_slug(json::unquote(given.field("slug")));
    given.id = given.api = same != nullptr ? same->id : id.value_or(Ulid{});
    std::optional<Definition> old;
    if (same != nullptr) old = parse_stored(Kind::api, *same->document);
    const std::size_t faults_before = faults_.size();
    if (!put(std::move(given), std::move(old), base, counts_.apis)) return false;
    if (faults_.size() != faults_before) return true;  // what belongs to it has no API to go to
    const Ulid api = last_id_;
    if (!take_list(endpoints, base + '/' + std::string(endpoints_key), Kind::endpoint, api)) return false;
    return take_list(channels, base + '/' + std::string(channels_key), Kind::channel, api);
  }

  bool must_be_object(std::string_view text, const std::string& base) {
    if (is_object(text)) return true;
    fault({base, "must be an object"});
    return false;
  }

  void fault(Fault fault) {
    if (faults_.size() < max_faults) faults_.push_back(std::move(fault));
  }
  std::vector<Fault>& faults() { return faults_; }
  const IntakeCounts& counts() const { return counts_; }
  std::optional<Problem>& problem() { return problem_; }

 private:
  std::optional<Ulid> given_id(std::string_view text, const std::string& base) {
    const auto value = json::member(text, "id");
    if (!value) return std::nullopt;
    const auto id = Ulid::parse(json::unquote(*value));
    if (!id) fault({base + "/id", "must be an id of 26 characters"});
    return id;
  }

  bool take_list(std::string_view list, const std::string& base, Kind kind, const Ulid& api) {
    if (!list.starts_with('[')) {
      fault({base, "must be an array"});
      return true;
    }
    std::multimap<std::string, Ulid> by_key;
    if (kind == Kind::endpoint && !index_endpoints(list, api, by_key)) return false;
    std::size_t index = 0;
    bool going = true;
    json::elements(list, [&](std::string_view text) {
      const std::string at = base + '/' + std::to_string(index++);
      if (must_be_object(text, at)) going = take_member(text, at, kind, api, by_key);
      return going && faults_.size() < max_faults;
    });
    return going;
  }

  /// The API's stored endpoints by key. Nothing to read where the document names none.
  bool index_endpoints(std::string_view list, const Ulid& api, std::multimap<std::string, Ulid>& by_key) {
    bool any = false;
    json::elements(list, [&](std::string_view) { return !(any = true); });
    if (!any) return true;
    bool ok = true;
    const DefinitionsPtr now = changes_.staged();
    now->find_api(api)->endpoints.each([&](const EndpointRecord& record) {
      if (!ok) return;
      auto document = store_.document(Kind::endpoint, record.id);
      if (!document) {
        problem_ = from_error(document.error());
        ok = false;
        return;
      }
      by_key.emplace(endpoint_key(parse_stored(Kind::endpoint, *document), intake_), record.id);
    });
    return ok;
  }

  bool take_member(std::string_view text, const std::string& base, Kind kind, const Ulid& api,
                   const std::multimap<std::string, Ulid>& by_key) {
    Definition given;
    given.kind = kind;
    given.api = api;
    json::members(text, [&](std::string_view name, std::string_view value) {
      if (!is_host_field(name)) given.sent.set(name, std::string(value));
      return true;
    });
    const auto id = given_id(text, base);
    given.id = id.value_or(Ulid{});
    std::optional<Ulid> same = id && exists(kind, *id) ? id : std::nullopt;
    if (!same && kind == Kind::channel) {
      const ChannelRecord* const channel =
          changes_.staged()->find_channel_by_path(json::unquote(given.field("path")));
      if (channel != nullptr && channel->api == api) same = channel->id;
    }
    if (!same && kind == Kind::endpoint) same = unused_match(given, by_key);
    std::optional<Definition> old;
    if (same && !used_.contains(*same)) {
      given.id = *same;
      auto found = read(kind, *same);
      if (!found) {
        problem_ = std::move(found).error();
        return false;
      }
      if (found->api != api) {
        problem_ = admin::problem("conflict", "the id " + same->text() + " belongs to another API");
        problem_->errors.push_back({base + "/id", "belongs to another API"});
        return false;
      }
      old = *std::move(found);
    } else if (same) {
      given.id = *same;
    }
    return put(std::move(given), std::move(old), base,
               kind == Kind::endpoint ? counts_.endpoints : counts_.channels);
  }

  /// A stored endpoint that no other of this document is already.
  std::optional<Ulid> unused_match(const Definition& given,
                                   const std::multimap<std::string, Ulid>& by_key) const {
    const auto [first, last] = by_key.equal_range(endpoint_key(given, intake_));
    for (auto at = first; at != last; ++at) {
      if (!used_.contains(at->second)) return at->second;
    }
    return std::nullopt;
  }

  bool exists(Kind kind, const Ulid& id) const {
    return kind == Kind::endpoint ? changes_.staged()->find_endpoint(id) != nullptr
                                  : changes_.staged()->find_channel(id) != nullptr;
  }

  Outcome<Definition> read(Kind kind, const Ulid& id) const {
    if (kind == Kind::channel) return parse_stored(kind, *changes_.staged()->find_channel(id)->document);
    auto document = store_.document(kind, id);
    if (!document) return from_error(document.error());
    return parse_stored(kind, *document);
  }

  bool put(Definition next, std::optional<Definition> old, const std::string& base,
           IntakeCounts::Each& count) {
    if (next.id == Ulid{}) next.id = ids_.next(wall_us_);
    if (next.kind == Kind::api) next.api = next.id;
    last_id_ = next.id;
    if (!used_.insert(next.id).second) {
      fault({base, "is the same " + std::string(noun(next.kind)) + " as one before it, " + next.id.text()});
      return true;
    }
    next.created_us = old ? old->created_us : wall_us_;
    next.updated_us = wall_us_;
    next.revision = old ? old->revision + 1 : 1;
    if (intake_ == Intake::load) next.loaded = next.revision;
    const bool edited = old && intake_ == Intake::load && old->loaded != old->revision;
    if (old && (edited || same_fields(*old, next))) {
      ++count.unchanged;
      return true;
    }
    std::vector<std::string> touched;
    for (const Member& member : next.sent.members()) touched.push_back(member.name);
    auto done = changes_.put(next, touched, base);
    if (!done && done.error().status != 400) {
      problem_ = std::move(done).error();
      return false;
    }
    if (!done) {
      for (const Fault& one : done.error().errors) fault(one);
      return true;
    }
    ++(old ? count.updated : count.created);
    return true;
  }

  const Intake intake_;
  const std::int64_t wall_us_;
  UlidSource& ids_;
  const DefinitionStore& store_;
  ChangeSet& changes_;
  IntakeCounts counts_;
  std::vector<Fault> faults_;
  std::optional<Problem> problem_;
  std::set<Ulid> used_;  ///< What this document has named.
  Ulid last_id_;
};

}  // namespace

std::string IntakeCounts::json() const {
  const auto one = [](const Each& each) {
    return "{\"created\":" + std::to_string(each.created) + ",\"updated\":" + std::to_string(each.updated) +
           ",\"unchanged\":" + std::to_string(each.unchanged) + '}';
  };
  return "{\"apis\":" + one(apis) + ",\"endpoints\":" + one(endpoints) +
         ",\"websocketEndpoints\":" + one(channels) + '}';
}

Outcome<IntakeCounts> stage_document(std::string_view document, Intake intake, std::int64_t wall_us,
                                     UlidSource& ids, const DefinitionStore& store, ChangeSet& changes) {
  Taker taker(intake, wall_us, ids, store, changes);
  std::string_view apis;
  json::members(document, [&](std::string_view name, std::string_view value) {
    if (name == "apis") {
      apis = value;
    } else if (name == "version") {
      if (value != "1") taker.fault({"/version", "must be 1"});
    } else {
      taker.fault({'/' + json::pointer_token(name),
                   "is not a known field" + did_you_mean(name, {"apis", "version"})});
    }
    return true;
  });
  if (!apis.starts_with('[')) taker.fault({"/apis", apis.empty() ? "is required" : "must be an array"});
  std::size_t index = 0;
  json::elements(apis, [&](std::string_view api) {
    return taker.take_api(api, "/apis/" + std::to_string(index++)) && taker.faults().size() < max_faults;
  });
  if (taker.problem()) return *std::move(taker.problem());
  if (!taker.faults().empty()) return bad_input(std::move(taker.faults()));
  return taker.counts();
}

}  // namespace mimus::admin
