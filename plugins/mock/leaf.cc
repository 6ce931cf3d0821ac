// Compiling and comparing one leaf.
#include "plugins/mock/leaf.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "mimus/json_text.h"

namespace mimus::mock {
namespace {

constexpr int max_depth = 100;
constexpr std::size_t max_pattern = 1024;  // characters; UTF-8 bytes are never fewer
constexpr std::int64_t max_pattern_memory = 1 << 20;

constexpr std::pair<std::string_view, Where> places[] = {
    {"query", Where::query}, {"header", Where::header}, {"path", Where::path}, {"cookie", Where::cookie},
    {"body", Where::body},   {"method", Where::method}, {"ip", Where::ip}};

constexpr std::pair<std::string_view, Op> operators[] = {{"equals", Op::equals},
                                                         {"notEquals", Op::not_equals},
                                                         {"contains", Op::contains},
                                                         {"startsWith", Op::starts_with},
                                                         {"endsWith", Op::ends_with},
                                                         {"matches", Op::matches},
                                                         {"exists", Op::exists},
                                                         {"absent", Op::absent},
                                                         {"in", Op::in},
                                                         {"gt", Op::gt},
                                                         {"gte", Op::gte},
                                                         {"lt", Op::lt},
                                                         {"lte", Op::lte}};

template <class T, std::size_t N>
std::optional<T> find(const std::pair<std::string_view, T> (&table)[N], std::string_view name) {
  for (const auto& [key, value] : table) {
    if (key == name) return value;
  }
  return std::nullopt;
}

bool ordered(Op op) { return op == Op::gt || op == Op::gte || op == Op::lt || op == Op::lte; }
bool needs_text(Op op) { return op == Op::starts_with || op == Op::ends_with || op == Op::matches; }

bool compare(Op op, double a, double b) {
  switch (op) {
    case Op::gt:
      return a > b;
    case Op::gte:
      return a >= b;
    case Op::lt:
      return a < b;
    default:
      return a <= b;
  }
}

/// The reference tokens of an RFC 6901 pointer; nothing if it is not one.
std::optional<std::vector<std::string>> tokens_of(std::string_view pointer) {
  std::vector<std::string> tokens;
  if (pointer.empty()) return tokens;
  if (pointer.front() != '/') return std::nullopt;
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      tokens.emplace_back();
    } else if (pointer[i] != '~') {
      tokens.back() += pointer[i];
    } else if (i + 1 < pointer.size() && (pointer[i + 1] == '0' || pointer[i + 1] == '1')) {
      tokens.back() += pointer[++i] == '0' ? '~' : '/';
    } else {
      return std::nullopt;
    }
  }
  return tokens;
}

/// What a value of the definition is as a string: numbers keep their source text.
std::string text_of(const nlohmann::json& value, std::string_view source) {
  return value.is_string() ? value.get<std::string>() : std::string(source);
}

}  // namespace

nlohmann::json parse_bounded(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return nlohmann::json::value_t::discarded;
  bool deep = false;
  using Event = nlohmann::json::parse_event_t;
  const auto shallow = [&deep](int depth, Event event, nlohmann::json&) {
    if ((event == Event::object_start || event == Event::array_start) && depth >= max_depth) deep = true;
    return !deep;
  };
  nlohmann::json value = nlohmann::json::parse(text.begin(), text.end(), shallow, false);
  if (deep) return nlohmann::json::value_t::discarded;
  return value;
}

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  const bool digits = text.find_first_not_of("+-.0123456789eE") == std::string_view::npos;  // no "inf", "nan"
  if (!whole || !digits) return std::nullopt;
  return value;
}

std::unique_ptr<Condition::Leaf> Condition::Leaf::compile(std::string_view when, const std::string& pointer,
                                                          const Fault& fault) {
  auto leaf = std::make_unique<Leaf>();
  const auto wrong = [&](std::string_view member, std::string detail) -> std::unique_ptr<Leaf> {
    fault(pointer + std::string(member), std::move(detail));
    return nullptr;
  };
  const auto text = [&](std::string_view key) { return json::unquote(json::member(when, key).value_or("")); };

  const auto where = find(places, text("in"));
  if (!where) return wrong("/in", "must be query, header, path, cookie, body, method or ip");
  const auto op = find(operators, text("op"));
  if (!op) return wrong("/op", "is not an operator");
  leaf->where = *where;
  leaf->op = *op;

  const bool named = *where != Where::body && *where != Where::method && *where != Where::ip;
  leaf->name = text("name");
  if (named && leaf->name.empty()) return wrong("/name", "is required here");
  if (!named && json::member(when, "name"))
    return wrong("/name", "is only for query, header, path and cookie");
  const auto at = json::member(when, "pointer");
  if (at && *where != Where::body) return wrong("/pointer", "is only for body");
  if (at) {
    auto tokens = tokens_of(json::unquote(*at));
    if (!tokens) return wrong("/pointer", "is not a JSON pointer");
    leaf->path = std::move(*tokens);
    leaf->as_json = true;
  }

  const auto source = json::member(when, "value");
  if (*op == Op::exists || *op == Op::absent) {
    if (source) return wrong("/value", "has no meaning for exists and absent");
    return leaf;
  }
  if (!source) return wrong("/value", "is required for this operator");
  leaf->value = parse_bounded(*source);
  if (leaf->value.is_discarded()) return wrong("/value", "is not JSON of at most 100 levels");
  const nlohmann::json& value = leaf->value;

  if (*op == Op::in) {
    if (!value.is_array() || value.empty())
      return wrong("/value", "must be an array with at least one value");
    bool all_strings = true, all_scalar = true;
    std::size_t i = 0;
    json::elements(*source, [&](std::string_view element) {
      all_strings = all_strings && value[i].is_string();
      all_scalar = all_scalar && !value[i].is_structured() && !value[i].is_null();
      leaf->texts.push_back(text_of(value[i++], element));
      return true;
    });
    if (*where == Where::body && !all_strings) leaf->as_json = true;
    if (*where != Where::body && !all_scalar)
      return wrong("/value", "must hold strings, numbers or booleans here");
    return leaf;
  }
  if (needs_text(*op) && !value.is_string()) return wrong("/value", "must be a string for this operator");
  if (*where == Where::body && !value.is_string() && !ordered(*op)) leaf->as_json = true;
  if (*where != Where::body && (value.is_structured() || value.is_null()))
    return wrong("/value", "must be a string, number or boolean here");
  leaf->text = text_of(value, *source);
  if (ordered(*op)) {
    leaf->number =
        value.is_number() || (value.is_string() && !leaf->as_json) ? number_of(leaf->text) : std::nullopt;
    if (!leaf->number) return wrong("/value", "must be a number for this operator");
  }
  if (*op == Op::matches) {
    if (leaf->text.size() > max_pattern) return wrong("/value", "is longer than 1024 characters");
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(max_pattern_memory);
    leaf->pattern = std::make_unique<re2::RE2>(leaf->text, options);
    if (!leaf->pattern->ok())
      return wrong("/value", "is not a regular expression of RE2: " + leaf->pattern->error());
  }
  return leaf;
}

bool Condition::Leaf::holds_for(std::string_view actual) const {
  switch (op) {
    case Op::equals:
    case Op::not_equals:  // turned round by the caller, after all values have been seen
      return actual == text;
    case Op::contains:
      return actual.find(text) != std::string_view::npos;
    case Op::starts_with:
      return actual.starts_with(text);
    case Op::ends_with:
      return actual.ends_with(text);
    case Op::matches:
      return re2::RE2::PartialMatch(re2::StringPiece(actual.data(), actual.size()), *pattern);
    case Op::exists:
    case Op::absent:
      return true;
    case Op::in:
      return std::find(texts.begin(), texts.end(), actual) != texts.end();
    default: {
      const auto have = number_of(actual);
      return have && compare(op, *have, *number);
    }
  }
}

bool Condition::Leaf::holds_for(const nlohmann::json& actual) const {
  switch (op) {
    case Op::equals:
    case Op::not_equals:
      return actual == value;
    case Op::exists:
    case Op::absent:
      return true;
    case Op::in:
      return std::find(value.begin(), value.end(), actual) != value.end();
    case Op::contains:
      if (actual.is_array()) return std::find(actual.begin(), actual.end(), value) != actual.end();
      return actual.is_string() && value.is_string() &&
             holds_for(std::string_view(actual.get_ref<const std::string&>()));
    case Op::starts_with:
    case Op::ends_with:
    case Op::matches:
      return actual.is_string() && holds_for(std::string_view(actual.get_ref<const std::string&>()));
    default:
      return actual.is_number() && compare(op, actual.get<double>(), *number);
  }
}

}  // namespace mimus::mock
