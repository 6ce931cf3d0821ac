// Finding and naming placeholders.
#include "plugins/channels/placeholder.h"

#include <algorithm>
#include <utility>

#include "mimus/json_text.h"
#include "plugins/channels/json_walk.h"

namespace mimus::channels {
namespace {

using Source = Placeholder::Source;

constexpr std::pair<std::string_view, Source> whole[] = {
    {"count", Source::count},         {"now", Source::now},           {"clientId", Source::client_id},
    {"message.event", Source::event}, {"message.text", Source::text}, {"message.data", Source::data},
    {"message.args", Source::args},   {"auth", Source::auth},
};

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// What follows the dot: a JSON pointer, or names with dots between them.
std::optional<std::vector<std::string>> path_of(std::string_view text) {
  if (text.starts_with('/')) return json::pointer_tokens(text);
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t dot = std::min(text.find('.', at), text.size());
    if (dot == at) return std::nullopt;
    out.emplace_back(text.substr(at, dot - at));
    at = dot + 1;
  }
  return out;
}

/// Walks a payload and keeps where it is, without recursion.
class Finder {
 public:
  explicit Finder(bool has_message) : has_message_(has_message) {}

  std::vector<PlaceholderFault> run(std::string_view json) {
    for (std::size_t at = 0; at < json.size();) {
      const char c = json[at];
      if (c == '"') {
        const std::size_t end = string_end(json, at);
        take_string(json.substr(at, end - at), is_key(json, end));
        at = end;
        continue;
      }
      if (c == '{' || c == '[') path_.push_back({c == '[', 0, {}});
      if ((c == '}' || c == ']') && !path_.empty()) path_.pop_back();
      if (c == ',' && !path_.empty()) ++path_.back().index;
      ++at;
    }
    return std::move(faults_);
  }

 private:
  struct Step {
    bool array;
    std::size_t index;
    std::string key;
  };

  void take_string(std::string_view quoted, bool key) {
    std::string text = json::unquote(quoted);
    if (key && !path_.empty()) {
      path_.back().key = std::move(text);
      return;
    }
    for (auto found = next_placeholder(text, 0); found; found = next_placeholder(text, found->end)) {
      const auto known = parse_placeholder(found->name);
      if (known && (has_message_ || !known->of_message())) continue;
      const std::string what = "the placeholder {{" + std::string(found->name) + "}}";
      faults_.push_back({pointer(), known ? what + " is only for the triggers \"message\" and \"ack\""
                                          : what + " does not exist"});
    }
  }

  std::string pointer() const {
    std::string out;
    for (const Step& step : path_)
      out += "/" + (step.array ? std::to_string(step.index) : json::pointer_token(step.key));
    return out;
  }

  bool has_message_;
  std::vector<Step> path_;
  std::vector<PlaceholderFault> faults_;
};

}  // namespace

std::optional<Placeholder> parse_placeholder(std::string_view name) {
  for (const auto& [text, source] : whole) {
    if (name == text) return Placeholder{source, {}};
    const bool has_parts = source == Source::data || source == Source::args || source == Source::auth;
    if (!has_parts || !name.starts_with(text) || name[text.size()] != '.') continue;
    auto path = path_of(name.substr(text.size() + 1));
    if (!path) return std::nullopt;
    return Placeholder{source, std::move(*path)};
  }
  return std::nullopt;
}

std::optional<FoundPlaceholder> next_placeholder(std::string_view text, std::size_t from) {
  for (;;) {
    const std::size_t open = text.find("{{", from);
    if (open == text.npos) return std::nullopt;
    const std::size_t close = text.find_first_of("{} \t\r\n", open + 2);
    if (close != text.npos && text.substr(close, 2) == "}}" && letter(text[open + 2])) {
      return FoundPlaceholder{open, close + 2, text.substr(open + 2, close - open - 2)};
    }
    from = open + 1;
  }
}

std::vector<PlaceholderFault> faults_of(std::string_view json, bool has_message) {
  return Finder(has_message).run(json);
}

}  // namespace mimus::channels
