// Pipeline, tokens, backup and reset; pages.
#include <algorithm>
#include <charconv>

#include "host/admin/service.h"
#include "mimus/json_text.h"

namespace mimus::admin {
namespace {

std::string token_json(const Token& token) {
  std::string out = "{";
  add_member(out, "id", json::quoted(token.id.text()));
  add_member(out, "name", json::quoted(token.name));
  add_member(out, "role", json::quoted(name_of(token.role)));
  add_member(out, "createdAt", json::quoted(rfc3339(token.created_us)));
  return out + '}';
}

}  // namespace

std::string text_member(std::string_view object, std::string_view name) {
  const auto value = json::member(object, name);
  return value ? json::unquote(*value) : "";
}

Outcome<PageRequest> page_request(const Call& call) {
  PageRequest page;
  page.cursor = call.parameter("cursor");
  if (const std::string limit = call.parameter("limit"); !limit.empty()) {
    const auto [end, error] = std::from_chars(limit.data(), limit.data() + limit.size(), page.limit);
    if (error != std::errc{} || end != limit.data() + limit.size() || page.limit < 1 || page.limit > 1000) {
      return bad_input({{"/limit", "the query parameter \"limit\" must be a number from 1 to 1000"}});
    }
  }
  return page;
}

std::string page_json(const std::vector<std::string>& items, std::string_view next, bool stale) {
  std::string out = "{\"items\":[";
  for (const std::string& item : items) {
    if (out.back() != '[') out += ',';
    out += item;
  }
  out += "],\"nextCursor\":";
  out += next.empty() ? "null" : json::quoted(next);
  if (stale) out += ",\"stale\":true";
  return out + '}';
}

std::string page_of(const std::vector<std::pair<std::string, std::string>>& all, const PageRequest& page) {
  std::vector<std::string> items;
  auto at =
      std::upper_bound(all.begin(), all.end(), page.cursor,
                       [](const std::string& cursor, const auto& entry) { return cursor < entry.first; });
  for (; at != all.end() && items.size() < page.limit; ++at) items.push_back(at->second);
  return page_json(items, at == all.end() || items.empty() ? "" : std::prev(at)->first);
}

Answer Service::explain_pipeline(const Call& call) {
  const std::string id = call.parameter("endpointId");
  if (id.empty()) return bad_input({{"/endpointId", "the query parameter \"endpointId\" is required"}});
  const auto endpoint = Ulid::parse(id);
  if (!endpoint || snapshot()->find_endpoint(*endpoint) == nullptr) {
    return problem("no-such-resource", "there is no endpoint " + id.substr(0, 100));
  }
  auto explained = services_.explain(*endpoint);
  if (!explained) return from_error(explained.error());
  return {200, *std::move(explained)};
}

Answer Service::list_tokens(const Call& call) {
  auto page = page_request(call);
  if (!page) return std::move(page).error();
  std::vector<std::pair<std::string, std::string>> all;
  for (const Token& token : tokens_->all()) all.emplace_back(token.id.text(), token_json(token));
  return {200, page_of(all, *page)};
}

Answer Service::create_token(const Call& call) {
  const Role role = parse_role(text_member(call.body, "role")).value_or(Role::viewer);
  auto made = tokens_->create(text_member(call.body, "name"), role, wall_us());
  if (!made) return from_error(made.error());
  std::string shown = token_json(made->first);
  shown.pop_back();
  add_member(shown, "secret", json::quoted(made->second));
  return {201, shown + '}', {{"Location", "/admin/tokens/" + made->first.id.text()}}};
}

Answer Service::delete_token(const Call& call) {
  const auto id = Ulid::parse(call.params[0]);
  if (!id) return problem("no-such-resource", "there is no token " + call.params[0].substr(0, 100));
  if (auto removed = tokens_->remove(*id); !removed) return from_error(removed.error());
  return {204, ""};
}

Answer Service::backup(const Call& call) {
  const std::string directory = text_member(call.body, "directory");
  if (!directory.starts_with('/') || directory.find('\0') != std::string::npos) {
    return bad_input({{"/directory", "must be an absolute path on the host"}});
  }
  if (services_.journal != nullptr) {
    if (Status flushed = services_.journal->flush(); !flushed) return from_error(flushed.error());
  }
  if (auto copied = services_.database->backup(directory); !copied) return from_error(copied.error());
  std::string out = "{";
  add_member(out, "directory", json::quoted(directory));
  return {201, out + '}'};
}

Answer Service::reset(const Call& call) {
  std::string done = "[";
  std::optional<Problem> failed;
  json::members(call.body, [&](std::string_view what, std::string_view value) {
    if (value != "true") return true;
    const bool journal = what == "journal";
    if (!journal || services_.journal != nullptr) {
      const Status reset = journal ? services_.journal->clear() : services_.plugins->reset(what);
      if (!reset) {
        failed = from_error(reset.error());
        return false;
      }
    }
    if (done.size() > 1) done += ',';
    json::quote(done, what);
    return true;
  });
  if (failed) return *std::move(failed);
  return {200, "{\"reset\":" + done + "]}"};
}

}  // namespace mimus::admin
