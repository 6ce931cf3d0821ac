// Taking a query string apart.
#include "plugins/analytics/query.h"

#include <algorithm>

#include "mimus/percent.h"

namespace mimus::analytics {
namespace {

constexpr GroupField fields[] = {{"country", "geoCountryCode", "geoCountry"},
                                 {"city", "geoCity", ""},
                                 {"api", "apiId", ""},
                                 {"endpoint", "endpointId", ""},
                                 {"status", "status", ""},
                                 {"method", "method", ""}};

std::string decoded(std::string_view text) { return percent::decoded(text, percent::Plus::space); }

}  // namespace

const GroupField* group_field(std::string_view by) {
  const auto found =
      std::find_if(std::begin(fields), std::end(fields), [&](const GroupField& f) { return f.by == by; });
  return found == std::end(fields) ? nullptr : found;
}

std::string SummaryQuery::filter_text() const {
  std::string out = "kind=http";
  for (const std::string& filter : filters) out.append("&").append(filter);
  return out;
}

Result<SummaryQuery> parse_summary_query(std::string_view raw) {
  SummaryQuery query;
  std::vector<std::string> names;
  while (!raw.empty()) {
    const std::size_t end = std::min(raw.find('&'), raw.size());
    const std::string_view pair = raw.substr(0, end);
    raw.remove_prefix(std::min(end + 1, raw.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string name = decoded(pair.substr(0, equals));
    const std::string value = decoded(pair.substr(std::min(equals + 1, pair.size())));
    if (std::find(names.begin(), names.end(), name) != names.end()) return invalid(name + ": stands twice");
    names.push_back(name);
    if (name == "by") {
      if (group_field(value) == nullptr) {
        return invalid("by: must be one of country, city, api, endpoint, status, method");
      }
      query.by = value;
      continue;
    }
    if (name == "kind") return invalid("kind: requests are counted, and nothing else");
    if (name == "since") query.since = value;
    if (name == "until") query.until = value;
    query.filters.emplace_back(pair);
  }
  return query;
}

}  // namespace mimus::analytics
