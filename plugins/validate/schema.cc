// Compiling and running schemas with valijson; the only source that includes it.
#include "plugins/validate/schema.h"

#include <algorithm>
#include <new>
#include <optional>
#include <set>

#include "mimus/json_text.h"
#include "plugins/validate/decimal.h"
#include "plugins/validate/valijson_re2.h"

#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

namespace mimus::validate {
namespace {

namespace vj = valijson;
using Adapter = vj::adapters::NlohmannJsonAdapter;

constexpr std::size_t max_violations = 20;
constexpr std::size_t max_steps = 200'000;            // to know whether a body is valid
constexpr std::size_t max_steps_to_explain = 20'000;  // to say what is wrong with it

struct TooMuchWork {};

/// A constraint of ours: D has `bool holds(const Adapter&) const` and `complaint`.
template <class D>
class Custom : public vj::constraints::PolyConstraint {
 public:
  bool validate(const vj::adapters::Adapter& target, const std::vector<std::string>& context,
                vj::ValidationResults* results) const override {
    if (D::holds(target)) return true;
    if (results != nullptr) results->pushError(context, D::complaint);
    return false;
  }

 private:
  vj::constraints::Constraint* cloneInto(void* memory) const override { return new (memory) D(); }
  std::size_t sizeOf() const override { return sizeof(D); }
};

/// In every subschema: counts how many are looked at, and ends what takes too many.
class Step final : public Custom<Step> {
 public:
  static constexpr const char* complaint = "";
  static bool holds(const vj::adapters::Adapter&) {
    if (current_run->steps_left == 0) throw TooMuchWork();
    --current_run->steps_left;
    return true;
  }
};

/// A text that two values share if, and only if, they are equal.
void append_canonical(std::string& out, const vj::adapters::Adapter& value) {
  if (value.isArray()) {
    out += '[';
    value.applyToArray([&](const vj::adapters::Adapter& element) {
      append_canonical(out, element);
      out += ',';
      return true;
    });
    out += ']';
  } else if (value.isObject()) {  // members come in the order of their names
    out += '{';
    value.applyToObject([&](const std::string& name, const vj::adapters::Adapter& member) {
      out += std::to_string(name.size()) + ':' + name;
      append_canonical(out, member);
      return true;
    });
    out += '}';
  } else if (value.isString()) {
    const std::string text = value.asString();
    out += '"' + std::to_string(text.size()) + ':' + text;
  } else if (value.isInteger()) {
    out += std::to_string(value.asInteger());
  } else if (value.isNumber()) {
    out += 'd' + nlohmann::json(value.asDouble()).dump();
  } else if (value.isBool()) {
    out += value.asBool() ? 't' : 'f';
  } else {
    out += 'n';
  }
}

/// uniqueItems, which valijson compares pair by pair.
class Unique final : public Custom<Unique> {
 public:
  static constexpr const char* complaint = "Elements of the array must be unique.";
  static bool holds(const vj::adapters::Adapter& target) {
    if (!target.isArray()) return true;
    std::set<std::string> seen;
    return target.applyToArray([&](const vj::adapters::Adapter& element) {
      std::string text;
      append_canonical(text, element);
      return seen.insert(std::move(text)).second;
    });
  }
};

std::optional<Decimal> number_of(const vj::adapters::Adapter& value) {
  if (value.isInteger()) return decimal(std::to_string(value.asInteger()));
  if (value.isNumber()) return decimal(nlohmann::json(value.asDouble()).dump());
  return std::nullopt;
}

/// multipleOf, for which valijson takes the remainder of binary fractions.
class Multiple final : public vj::constraints::PolyConstraint {
 public:
  explicit Multiple(const vj::adapters::Adapter& of) : divisor_(*number_of(of)) {}

  bool validate(const vj::adapters::Adapter& target, const std::vector<std::string>& context,
                vj::ValidationResults* results) const override {
    const std::optional<Decimal> value = number_of(target);
    if (!value || is_multiple(*value, divisor_)) return true;
    if (results != nullptr)
      results->pushError(context, "Value must be a multiple of the schema's multipleOf.");
    return false;
  }

 private:
  vj::constraints::Constraint* cloneInto(void* memory) const override { return new (memory) Multiple(*this); }
  std::size_t sizeOf() const override { return sizeof(Multiple); }

  Decimal divisor_;
};

class MultipleBuilder final : public vj::ConstraintBuilder {
 public:
  vj::constraints::Constraint* make(const vj::adapters::Adapter& of) const override {
    return new Multiple(of);
  }
};

template <class C>
class Builder final : public vj::ConstraintBuilder {
 public:
  vj::constraints::Constraint* make(const vj::adapters::Adapter&) const override { return new C(); }
};

/// The pointer that a context such as {"<root>", "[a]", "[0]"} names.
std::string pointer_of(const std::vector<std::string>& context) {
  std::string out;
  for (std::size_t i = 1; i < context.size(); ++i) {
    out += '/' + json::pointer_token(std::string_view(context[i]).substr(1, context[i].size() - 2));
  }
  return out;
}

/// Whether an error only says that there is another one further in.
bool is_wrapper(std::string_view description) {
  for (const char* prefix :
       {"Failed to validate against schema associated", "Failed to validate item #",
        "Failed to validate against additional properties", "Failed to validate against child schema #",
        "Failed to validate against a conditional schema", "Failed to validate against dependent schema"}) {
    if (description.starts_with(prefix)) return true;
  }
  return false;
}

std::vector<Schema::Violation> told(const vj::ValidationResults& results) {
  std::vector<Schema::Violation> out;
  for (const auto& error : results) {
    if (out.size() == max_violations) break;
    const std::string pointer = pointer_of(error.context);
    const bool known =
        is_wrapper(error.description) &&
        std::any_of(out.begin(), out.end(), [&](const auto& v) { return v.pointer.starts_with(pointer); });
    if (!known) out.push_back({pointer, error.description});
  }
  return out;
}

}  // namespace

struct Schema::Parts {
  Patterns patterns;
  vj::Schema schema;
};

Schema::Schema(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {}
Schema::~Schema() = default;

std::unique_ptr<Schema> Schema::compile(std::string_view text, const std::string& pointer,
                                        const Fault& fault) {
  nlohmann::json document = parse_bounded(text);
  if (document.is_discarded()) {
    fault(pointer, "is not JSON of at most 100 levels");
    return nullptr;
  }
  auto parts = std::make_unique<Parts>();
  if (!prepare(document, pointer, parts->patterns, fault)) return nullptr;
  try {
    vj::SchemaParser parser(vj::SchemaParser::kDraft7);
    parser.addConstraintBuilder(step_keyword, new Builder<Step>());
    parser.addConstraintBuilder(unique_keyword, new Builder<Unique>());
    parser.addConstraintBuilder(multiple_keyword, new MultipleBuilder());
    parser.populateSchema(Adapter(document), parts->schema);
  } catch (const std::exception& e) {
    fault(pointer, std::string("is not a JSON Schema of draft 7: ") + e.what());
    return nullptr;
  }
  return std::unique_ptr<Schema>(new Schema(std::move(parts)));
}

std::vector<Schema::Violation> Schema::violations(std::string_view text) const {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return {{"", "The body is empty."}};
  const nlohmann::json document = parse_bounded(text);
  if (document.is_discarded()) return {{"", "The body is not JSON of at most 100 levels."}};
  const Adapter target(document);

  struct Scope {
    explicit Scope(Run& run) { current_run = &run; }
    ~Scope() { current_run = nullptr; }
  };
  Run run{parts_->patterns, max_steps};
  const Scope scope(run);
  try {
    vj::Validator validator;
    if (validator.validate(parts_->schema, target, nullptr)) return {};
  } catch (const TooMuchWork&) {
    return {{"", "The body takes too much work to check."}};
  }
  vj::ValidationResults results;
  run.steps_left = max_steps_to_explain;
  try {
    vj::Validator validator;
    validator.validate(parts_->schema, target, &results);
  } catch (const TooMuchWork&) {
    // What was found so far is enough.
  }
  std::vector<Violation> found = told(results);
  if (found.empty()) found.push_back({"", "The body does not match the schema."});
  return found;
}

}  // namespace mimus::validate
