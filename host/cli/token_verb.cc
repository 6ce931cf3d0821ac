// `mimus token create|list|revoke`: through a running host, else in the store itself.
#include <cstdio>

#include "host/admin/token_book.h"
#include "host/cli/running_host.h"
#include "host/cli/system_clock.h"
#include "host/cli/verbs.h"
#include "mimus/json_text.h"
#include "store/data_directory.h"
#include "store/database.h"

namespace mimus {
namespace {

/// What a verb shows of a token, from either source.
struct Row {
  std::string id, role, name;
};

/// The tokens of a data directory that no host has open.
class OfflineTokens {
 public:
  static Result<std::unique_ptr<OfflineTokens>> open(const std::string& data, bool create) {
    if (!create && !exists(database_path(data))) {
      return Error{Code::not_found, data + " holds no data of Mimus; name the right directory with --data"};
    }
    auto out = std::unique_ptr<OfflineTokens>(new OfflineTokens);
    StoreOptions options;
    options.directory = data;
    auto database = open_database(options, out->clock_);
    if (!database) return std::move(database).error();
    out->database_ = *std::move(database);
    auto book = admin::TokenBook::open(out->database_->tokens(), "");
    if (!book) return std::move(book).error();
    out->book_ = *std::move(book);
    return out;
  }
  admin::TokenBook& book() { return *book_; }
  std::int64_t wall_us() const { return clock_.wall_us(); }

 private:
  OfflineTokens() = default;
  SystemClock clock_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<admin::TokenBook> book_;
};

std::string text_member(std::string_view object, std::string_view key) {
  const auto text = json::member(object, key);
  return text && text->starts_with('"') ? json::unquote(*text) : "";
}

void show(const Row& row) {
  std::printf("%s  %-6s  %s\n", row.id.c_str(), row.role.c_str(), row.name.c_str());
}

int show_secret(const std::string& id, const std::string& secret) {
  std::printf("%s\n", secret.c_str());
  std::fprintf(stderr, "mimus: token %s; the secret is shown this once\n", id.c_str());
  return 0;
}

int create(const std::string& name, const std::string& role, const std::optional<RunningHost>& host,
           const std::string& data) {
  if (host) {
    const auto made = host->ask("POST", "/admin/tokens",
                                "{\"name\":" + json::quoted(name) + ",\"role\":" + json::quoted(role) + "}");
    if (!made) return fail(made.error());
    return show_secret(text_member(*made, "id"), text_member(*made, "secret"));
  }
  auto tokens = OfflineTokens::open(data, true);
  if (!tokens) return fail(tokens.error());
  const auto made = (*tokens)->book().create(name, *admin::parse_role(role), (*tokens)->wall_us());
  if (!made) return fail(made.error());
  return show_secret(made->first.id.text(), made->second);
}

int list(const std::optional<RunningHost>& host, const std::string& data) {
  if (!host) {
    auto tokens = OfflineTokens::open(data, false);
    if (!tokens) return fail(tokens.error());
    for (const Token& token : (*tokens)->book().all()) {
      show({token.id.text(), std::string(admin::name_of(token.role)), token.name});
    }
    return 0;
  }
  for (std::string cursor;;) {
    const auto page =
        host->ask("GET", "/admin/tokens?limit=1000" + (cursor.empty() ? "" : "&cursor=" + cursor));
    if (!page) return fail(page.error());
    json::elements(json::member(*page, "items").value_or(""), [](std::string_view item) {
      show({text_member(item, "id"), text_member(item, "role"), text_member(item, "name")});
      return true;
    });
    cursor = text_member(*page, "nextCursor");
    if (cursor.empty()) return 0;
  }
}

int revoke(const std::string& text, const std::optional<RunningHost>& host, const std::string& data) {
  const auto id = Ulid::parse(text);
  if (!id) return usage_fault("\"" + text + "\" is no id of a token; mimus token list shows them");
  if (host) {
    const auto gone = host->ask("DELETE", "/admin/tokens/" + id->text());
    return gone ? 0 : fail(gone.error());
  }
  auto tokens = OfflineTokens::open(data, false);
  if (!tokens) return fail(tokens.error());
  const Status gone = (*tokens)->book().remove(*id);
  return gone ? 0 : fail(gone.error());
}

}  // namespace

int token_verb(const Arguments& arguments, const Surroundings& surroundings) {
  std::vector<Flag> flags = host_flags();
  flags.push_back({"role", "viewer|editor|admin", "what a new token may do (default viewer)"});
  if (asks_for_help(arguments)) {
    return show_help(help_text("token create NAME | list | revoke ID [flags]",
                               "Admin tokens. A secret is shown once, on stdout, and kept as a hash.",
                               flags));
  }
  const auto parsed = parse_flags(arguments, flags);
  if (!parsed) return fail(parsed.error());
  const std::vector<std::string>& words = parsed->words;
  const std::string what = words.empty() ? "" : words[0];
  const std::size_t due = what == "list" ? 1 : 2;
  if ((what != "create" && what != "list" && what != "revoke") || words.size() != due) {
    return usage_fault("write mimus token create NAME, mimus token list or mimus token revoke ID");
  }
  const std::string role = parsed->value("role", "viewer");
  if (!admin::parse_role(role))
    return usage_fault("--role \"" + role + "\": must be viewer, editor or admin");
  const auto host = RunningHost::find(*parsed, surroundings);
  if (!host) return fail(host.error());
  const std::string data = data_directory(*parsed, surroundings);
  if (what == "create") return create(words[1], role, *host, data);
  if (what == "list") return list(*host, data);
  return revoke(words[1], *host, data);
}

}  // namespace mimus
