#include "store/journal_fields.h"

#include <algorithm>

namespace mimus {
namespace {

constexpr std::size_t max_field_names = 60'000;  // numbers are of 16 bits

}  // namespace

Result<JournalFields> number_fields(std::vector<FieldSpec> specs, std::vector<std::string>& names) {
  JournalFields out;
  out.specs = std::move(specs);
  for (std::size_t i = 0; i < out.specs.size(); ++i) {
    const FieldSpec& spec = out.specs[i];
    const auto found = std::find(names.begin(), names.end(), spec.name);
    const auto number = static_cast<std::uint16_t>(found - names.begin());
    if (found == names.end()) names.push_back(spec.name);
    out.ring.types.push_back(spec.type);
    out.ring.to.push_back(static_cast<std::uint16_t>(i));
    out.ring.from.push_back(static_cast<int>(i));
    out.stored.to.push_back(number);
  }
  if (names.size() > max_field_names)
    return Error{Code::corrupt, "the journal has had more than 60,000 field names"};
  out.stored.types = out.ring.types;
  out.stored.from.assign(names.size(), -1);
  for (std::size_t i = 0; i < out.specs.size(); ++i) out.stored.from[out.stored.to[i]] = static_cast<int>(i);
  return out;
}

}  // namespace mimus
