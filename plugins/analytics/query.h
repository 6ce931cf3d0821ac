// The query of /admin/analytics/summary. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mimus/result.h"

namespace mimus::analytics {

struct SummaryQuery {
  std::string by = "country";               ///< One of group_fields' names.
  std::optional<std::string> since, until;  ///< Decoded, as they were asked.
  std::vector<std::string> filters;         ///< The rest, `name=value` each as it came: the journal's.

  /// The filters as one query string, for records of requests alone.
  std::string filter_text() const;
};

/// By what records are added up, and the journal's fields for it.
struct GroupField {
  std::string_view by, key_field, name_field;
};
/// The entry for `by`, or nullptr.
const GroupField* group_field(std::string_view by);

/// Errors: invalid - `by` is not one it knows, or a parameter stands twice; says which
Result<SummaryQuery> parse_summary_query(std::string_view raw);

}  // namespace mimus::analytics
