// The numbers of the journal's fields: given once each, kept for the life of the process.
#pragma once

#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "mimus/result.h"
#include "store/journal.h"
#include "store/versions.h"

namespace mimus {

/// The number of the field with that name, or -1.
int find_field(std::span<const FieldSpec> specs, std::string_view name);

/// Adds `more` to `specs`, which begin with the core fields, and gives back the number of
/// each. A name that is there keeps its number; whether it is indexed and its filter become
/// those of `more`, and a filter is taken from any other field that had it.
/// Errors, `specs` being as before: conflict - a name is a core field's, or has another type;
///   unavailable - there would be more than max_fields
Result<std::vector<int>> merge_fields(std::vector<FieldSpec>& specs, std::span<const FieldSpec> more);

/// Core and plugins' fields by number, for a host whose plugins come and go, with a journal
/// or without. Numbers never change their meaning: a gone plugin's fields keep theirs.
/// Thread-safe.
class FieldNumbers {
 public:
  FieldNumbers();  ///< The core fields.

  /// Numbers what is new, in the journal first if one is attached. [may block: never a worker]
  /// Errors: as Journal::add_fields
  Status add(std::span<const FieldSpec> specs);

  /// From here on `journal`, which must outlive the last add, learns every field; it must
  /// have the same ones by now (JournalOptions::plugin_fields). Errors: conflict - it has others
  Status attach(Journal& journal);

  /// By number. Stays as it is and lives as long as this; ask again for the newest.
  const std::vector<FieldSpec>& all() const { return versions_.now(); }
  /// The number of the field with that name, or -1.
  int number(std::string_view name) const { return find_field(all(), name); }

 private:
  std::mutex mutex_;
  Journal* journal_ = nullptr;  // guarded by mutex_, as is publishing
  Versions<std::vector<FieldSpec>> versions_;
};

}  // namespace mimus
