// What a journal's fields are called, now and in its blocks.
#pragma once

#include <string>
#include <vector>

#include "store/journal.h"
#include "store/record_code.h"
#include "store/versions.h"

namespace mimus {

/// Never changed: who holds one may use it as long as the journal lives. A later one knows
/// the same numbers, and more.
struct JournalFields {
  std::vector<FieldSpec> specs;  ///< By current number.
  FieldTable ring;               ///< Current numbers on both sides.
  FieldTable stored;
  /// Within a process the specs decide the rest.
  bool operator==(const JournalFields& other) const { return specs == other.specs; }
};
using FieldVersions = Versions<JournalFields>;

/// How often fields may be added, or change what they are indexed or filtered by, in one process.
constexpr std::size_t max_field_versions = 512;
inline Error too_many_versions() {
  return {Code::unavailable, "the journal's fields have changed too often since the start: restart the host"};
}

/// Numbers `specs` in the stored vocabulary `names`, which grows by what is new.
/// Errors: corrupt - that were more than 60,000 names
Result<JournalFields> number_fields(std::vector<FieldSpec> specs, std::vector<std::string>& names);

}  // namespace mimus
