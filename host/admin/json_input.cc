// Reading of JSON with limits, by nlohmann's event parser, which does not recurse.
#include "host/admin/json_input.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "mimus/json_text.h"

namespace mimus::admin {
namespace {

/// Follows the parser through a text, and stops it at what we do not take.
class Guard {
 public:
  using Number = nlohmann::json;

  explicit Guard(std::size_t max_depth) : max_depth_(max_depth) {}

  bool null() { return value(); }
  bool boolean(bool) { return value(); }
  bool number_integer(Number::number_integer_t) { return value(); }
  bool number_unsigned(Number::number_unsigned_t) { return value(); }
  bool number_float(Number::number_float_t, const std::string&) { return value(); }
  bool string(std::string&) { return value(); }
  bool binary(Number::binary_t&) { return value(); }
  bool start_object(std::size_t) { return enter(true); }
  bool start_array(std::size_t) { return enter(false); }
  bool end_object() { return leave(); }
  bool end_array() { return leave(); }

  bool key(std::string& name) {
    Level& level = levels_.back();
    level.key = name;
    if (level.keys.insert(name).second) return true;
    error_ = invalid("the key is there twice", pointer());
    return false;
  }

  template <class Exception>
  bool parse_error(std::size_t position, const std::string&, const Exception& thrown) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error …"
    std::string_view why = thrown.what();
    if (const auto at = why.find("] "); at != std::string_view::npos) why.remove_prefix(at + 2);
    if (const auto at = why.find(": "); why.starts_with("parse error at") && at != std::string_view::npos) {
      why.remove_prefix(at + 2);
    }
    error_ = invalid("not JSON at byte " + std::to_string(position) + ": " + std::string(why.substr(0, 200)));
    return false;
  }

  Error take_error() { return std::move(error_); }

 private:
  struct Level {
    bool object;
    std::string key;
    std::size_t index = 0;
    std::set<std::string> keys;  // not hashed: clients choose them
  };

  std::string pointer() const {
    std::string out;
    for (const Level& level : levels_) {
      out += '/' + (level.object ? json::pointer_token(level.key) : std::to_string(level.index));
    }
    return out;
  }

  bool value() {
    if (!levels_.empty() && !levels_.back().object) ++levels_.back().index;
    return true;
  }

  bool enter(bool object) {
    if (levels_.size() == max_depth_) {
      error_ = invalid("nested deeper than " + std::to_string(max_depth_) + " levels", pointer());
      return false;
    }
    levels_.push_back({object, {}, 0, {}});
    return true;
  }

  bool leave() {
    levels_.pop_back();
    return value();
  }

  std::size_t max_depth_;
  std::vector<Level> levels_;
  Error error_ = invalid("not JSON");
};

/// `value` without the members of objects that are null, at any depth outside of arrays.
std::string without_nulls(std::string_view value) {
  if (!is_object(value)) return std::string(value);
  bool changed = false;
  std::string out = "{";
  json::members(value, [&](std::string_view name, std::string_view v) {
    if (v == "null") {
      changed = true;
      return true;
    }
    std::string kept = without_nulls(v);
    changed = changed || kept != v;
    add_member(out, name, kept);
    return true;
  });
  return changed ? out + '}' : std::string(value);
}

}  // namespace

Status check_json(std::string_view text, std::size_t max_depth) {
  if (text.empty()) return invalid("the body is empty; JSON is expected");
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    return invalid("not JSON: NUL at byte " + std::to_string(nul));
  }
  if (text.starts_with("\xEF\xBB\xBF")) return invalid("not JSON: begins with a byte order mark");
  Guard guard(max_depth);
  try {
    if (nlohmann::json::sax_parse(text.begin(), text.end(), &guard)) return Done{};
  } catch (const std::exception& e) {
    return invalid(std::string("not JSON: ") + e.what());
  }
  return guard.take_error();
}

Document::Document(std::string_view object) {
  json::members(object, [&](std::string_view name, std::string_view value) {
    members_.push_back({std::string(name), std::string(value)});
    return true;
  });
}

std::optional<std::string_view> Document::find(std::string_view name) const {
  const auto at =
      std::find_if(members_.begin(), members_.end(), [&](const Member& m) { return m.name == name; });
  if (at == members_.end()) return std::nullopt;
  return at->value;
}

void Document::set(std::string_view name, std::string value) {
  const auto at =
      std::find_if(members_.begin(), members_.end(), [&](const Member& m) { return m.name == name; });
  if (at != members_.end()) {
    at->value = std::move(value);
  } else {
    members_.push_back({std::string(name), std::move(value)});
  }
}

void Document::remove(std::string_view name) {
  std::erase_if(members_, [&](const Member& m) { return m.name == name; });
}

std::string Document::text() const {
  std::string out = "{";
  for (const Member& member : members_) add_member(out, member.name, member.value);
  return out + '}';
}

std::string merge_patch(std::string_view target, std::string_view patch) {
  if (!is_object(patch)) return std::string(patch);
  if (!is_object(target)) return without_nulls(patch);
  std::vector<std::pair<std::string, std::string>> out;
  std::map<std::string, std::size_t, std::less<>> places;
  json::members(target, [&](std::string_view name, std::string_view value) {
    places.emplace(name, out.size());
    out.emplace_back(name, value);
    return true;
  });
  bool changed = false;
  json::members(patch, [&](std::string_view name, std::string_view value) {
    changed = true;
    const auto place = places.find(name);
    if (place == places.end()) {
      if (value != "null") out.emplace_back(name, without_nulls(value));
    } else if (value == "null") {
      out[place->second].second.clear();
    } else {
      out[place->second].second = merge_patch(out[place->second].second, value);
    }
    return true;
  });
  if (!changed) return std::string(target);
  std::string text = "{";
  for (const auto& [name, value] : out) {
    if (!value.empty()) add_member(text, name, value);
  }
  return text + '}';
}

void add_member(std::string& object, std::string_view name, std::string_view value) {
  if (object.back() != '{') object += ',';
  json::quote(object, name);
  object += ':';
  object += value;
}

bool is_object(std::string_view value) { return value.starts_with('{'); }
bool is_string(std::string_view value) { return value.starts_with('"'); }

}  // namespace mimus::admin
