#include "store/field_numbers.h"

#include <algorithm>

#include "store/journal_fields.h"

namespace mimus {
namespace {

constexpr const char* type_names[] = {"flag", "integer", "text"};

Status may_be(const FieldSpec& spec, int number, FieldType known) {
  if (number < core_field_count) {
    return Error{Code::conflict, "the journal field " + spec.name + " is the host's own"};
  }
  if (spec.type == known) return Done{};
  return Error{Code::conflict, "the journal field " + spec.name + " is of type " +
                                   type_names[static_cast<int>(known)] + " and can be of type " +
                                   type_names[static_cast<int>(spec.type)] + " only after a restart"};
}

}  // namespace

int find_field(std::span<const FieldSpec> specs, std::string_view name) {
  const auto found =
      std::find_if(specs.begin(), specs.end(), [&](const FieldSpec& spec) { return spec.name == name; });
  return found == specs.end() ? -1 : static_cast<int>(found - specs.begin());
}

Result<std::vector<int>> merge_fields(std::vector<FieldSpec>& specs, std::span<const FieldSpec> more) {
  std::vector<FieldSpec> merged = specs;
  std::vector<int> numbers;
  for (const FieldSpec& spec : more) {
    int number = find_field(merged, spec.name);
    if (number >= 0) {
      const FieldType known = merged[static_cast<std::size_t>(number)].type;
      if (Status allowed = may_be(spec, number, known); !allowed) return std::move(allowed).error();
    } else if (merged.size() == max_fields) {
      return Error{Code::unavailable, "the journal has its " + std::to_string(max_fields) +
                                          " fields and no room for " + spec.name +
                                          ": a restart forgets those of plugins that are gone"};
    } else {
      number = static_cast<int>(merged.size());
      merged.emplace_back();
    }
    for (std::size_t i = core_field_count; i < merged.size(); ++i) {
      if (merged[i].filter == spec.filter) merged[i].filter.clear();
    }
    merged[static_cast<std::size_t>(number)] = spec;
    numbers.push_back(number);
  }
  specs = std::move(merged);
  return numbers;
}

FieldNumbers::FieldNumbers() : versions_(core_fields(), max_field_versions) {}

Status FieldNumbers::add(std::span<const FieldSpec> specs) {
  const std::lock_guard lock(mutex_);
  std::vector<FieldSpec> merged = all();
  const Result<std::vector<int>> mine = merge_fields(merged, specs);
  if (!mine) return mine.error();
  if (journal_ != nullptr) {
    const Result<std::vector<int>> theirs = journal_->add_fields(specs);
    if (!theirs) return theirs.error();
    if (*mine != *theirs) return Error{Code::conflict, "the journal was given fields by somebody else"};
  }
  if (!versions_.publish(std::move(merged))) return too_many_versions();
  return Done{};
}

Status FieldNumbers::attach(Journal& journal) {
  const std::lock_guard lock(mutex_);
  const auto same = [](const FieldSpec& a, const FieldSpec& b) {
    return a.name == b.name && a.type == b.type;
  };
  const std::vector<FieldSpec>& theirs = journal.fields();
  if (!std::equal(all().begin(), all().end(), theirs.begin(), theirs.end(), same)) {
    return Error{Code::conflict, "the journal was opened with other fields than the plugins have"};
  }
  journal_ = &journal;
  return Done{};
}

}  // namespace mimus
