// Compiling and comparing one leaf.
#include "plugins/when/leaf.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "mimus/json_text.h"

namespace mimus::when {
namespace {

constexpr int max_depth = 100;
constexpr std::size_t max_pattern = 1024;  // characters; UTF-8 bytes are never fewer
constexpr std::int64_t max_pattern_memory = 1 << 20;

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

std::optional<Op> operator_of(std::string_view name) {
  for (const auto& [key, op] : operators) {
    if (key == name) return op;
  }
  return std::nullopt;
}

/// The names of the places that are of one of the kinds, as "a, b or c" with `last` for "or".
std::string names_of(Places places, std::initializer_list<Place::Kind> kinds, std::string_view last) {
  std::vector<std::string_view> names;
  for (const Place& p : places) {
    if (std::find(kinds.begin(), kinds.end(), p.kind) != kinds.end()) names.push_back(p.name);
  }
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? " " + std::string(last) + " " : ", ";
    out += names[i];
  }
  return out.empty() ? "other conditions" : out;
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

namespace {

/// Reads JSON for nothing but whether it is JSON.
class Reader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return ++depth_ <= max_depth; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return --depth_ >= 0; }
  bool start_array(std::size_t) override { return ++depth_ <= max_depth; }
  bool end_array() override { return --depth_ >= 0; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override {
    return false;
  }

 private:
  int depth_ = 0;
};

}  // namespace

bool is_bounded_json(std::string_view text) {
  Reader reader;
  const bool marked = text.starts_with("\xEF\xBB\xBF");  // which the reader would skip
  return !marked && text.find('\0') == std::string_view::npos &&
         nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
}

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  const bool digits = text.find_first_not_of("+-.0123456789eE") == std::string_view::npos;  // no "inf", "nan"
  if (!whole || !digits) return std::nullopt;
  return value;
}

std::unique_ptr<Condition::Leaf> Condition::Leaf::compile(std::string_view when, Places places,
                                                          const std::string& pointer, const Fault& fault) {
  using Kind = Place::Kind;
  auto leaf = std::make_unique<Leaf>();
  const auto wrong = [&](std::string_view member, std::string detail) -> std::unique_ptr<Leaf> {
    fault(pointer + std::string(member), std::move(detail));
    return nullptr;
  };
  const auto text = [&](std::string_view key) { return json::unquote(json::member(when, key).value_or("")); };

  const auto at_place = std::find_if(places.begin(), places.end(),
                                     [&, name = text("in")](const Place& p) { return p.name == name; });
  if (at_place == places.end())
    return wrong("/in",
                 "must be " + names_of(places, {Kind::named, Kind::text, Kind::document, Kind::json}, "or"));
  const auto op = operator_of(text("op"));
  if (!op) return wrong("/op", "is not an operator");
  const Kind kind = at_place->kind;
  leaf->place = static_cast<std::size_t>(at_place - places.begin());
  leaf->op = *op;

  leaf->name = text("name");
  if (kind == Kind::named && leaf->name.empty()) return wrong("/name", "is required here");
  if (kind != Kind::named && json::member(when, "name"))
    return wrong("/name", "is only for " + names_of(places, {Kind::named}, "and"));
  const auto at = json::member(when, "pointer");
  const bool structured = kind == Kind::document || kind == Kind::json;
  if (at && !structured)
    return wrong("/pointer", "is only for " + names_of(places, {Kind::document, Kind::json}, "and"));
  leaf->is_document = kind == Kind::document;
  leaf->as_json = kind == Kind::json || at;
  if (at) {
    auto tokens = json::pointer_tokens(json::unquote(*at));
    if (!tokens) return wrong("/pointer", "is not a JSON pointer");
    leaf->path = std::move(*tokens);
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
    if (leaf->is_document && !all_strings) leaf->as_json = true;
    if (!structured && !all_scalar) return wrong("/value", "must hold strings, numbers or booleans here");
    return leaf;
  }
  if (needs_text(*op) && !value.is_string()) return wrong("/value", "must be a string for this operator");
  if (leaf->is_document && !value.is_string() && !ordered(*op)) leaf->as_json = true;
  if (!structured && (value.is_structured() || value.is_null()))
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

}  // namespace mimus::when
