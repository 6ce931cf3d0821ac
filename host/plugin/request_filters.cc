// Parsing of request filters.
#include "host/plugin/request_filters.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "mimus/percent.h"

namespace mimus {
namespace {

template <class Number>
bool whole_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

Error wrong(const QueryPair& pair, const std::string& why) {
  return invalid("the query parameter \"" + pair.name + "\" " + why, "/" + pair.name);
}

Filter number_filter(int field, Filter::Op op, std::int64_t number) { return {field, op, number, {}}; }

Status add_status(const QueryPair& pair, std::vector<Filter>& out) {
  const std::string& v = pair.value;
  if (v.size() == 3 && v[0] >= '1' && v[0] <= '5' && (v.substr(1) == "xx" || v.substr(1) == "XX")) {
    const std::int64_t hundreds = v[0] - '0';
    out.push_back(number_filter(field_status, Filter::Op::at_least, hundreds * 100));
    out.push_back(number_filter(field_status, Filter::Op::below, (hundreds + 1) * 100));
    return Done{};
  }
  int status = 0;
  if (!whole_number(v, status) || status < 100 || status > 599)
    return wrong(pair, "must be a status like 404, or 4xx");
  out.push_back(number_filter(field_status, Filter::Op::equals, status));
  return Done{};
}

Status add_time(const QueryPair& pair, Filter::Op op, std::vector<Filter>& out) {
  const auto time = parse_rfc3339(pair.value);
  if (!time) return wrong(pair, "must be a time like 2026-01-31T12:00:00Z");
  out.push_back(number_filter(field_time, op, *time));
  return Done{};
}

Status add_id(const QueryPair& pair, int field, std::vector<Filter>& out) {
  const auto id = Ulid::parse(pair.value);
  if (!id) return wrong(pair, "must be an id of 26 characters");
  out.push_back({field, Filter::Op::equals, 0, id->text()});
  return Done{};
}

Status add_plugin_field(const QueryPair& pair, int field, FieldType type, std::vector<Filter>& out) {
  if (type == FieldType::text) {
    out.push_back({field, Filter::Op::equals, 0, pair.value});
    return Done{};
  }
  std::int64_t number = 0;
  if (type == FieldType::flag) {
    if (pair.value != "true" && pair.value != "false") return wrong(pair, "must be true or false");
    number = pair.value == "true";
  } else if (!whole_number(pair.value, number)) {
    return wrong(pair, "must be a whole number");
  }
  out.push_back(number_filter(field, Filter::Op::equals, number));
  return Done{};
}

Status add_filter(const QueryPair& pair, std::span<const FieldSpec> fields, std::vector<Filter>& out) {
  if (pair.name == "since") return add_time(pair, Filter::Op::at_least, out);
  if (pair.name == "until") return add_time(pair, Filter::Op::below, out);
  if (pair.name == "apiId") return add_id(pair, field_api_id, out);
  if (pair.name == "endpointId") return add_id(pair, field_endpoint_id, out);
  if (pair.name == "status") return add_status(pair, out);
  if (pair.name == "method") {
    out.push_back({field_method, Filter::Op::equals, 0, pair.value});
    return Done{};
  }
  if (pair.name == "kind") {
    const bool known = pair.value == name_of(RecordKind::http) || pair.value == name_of(RecordKind::channel);
    if (!known) return wrong(pair, "must be http or channel");
    out.push_back({field_kind, Filter::Op::equals, 0, pair.value});
    return Done{};
  }
  if (pair.name == "connectionId") return add_id(pair, field_connection_id, out);
  if (pair.name == "q") return wrong(pair, "(full-text search) is not available in this version");
  for (std::size_t i = core_field_count; i < fields.size(); ++i) {
    if (fields[i].filter == pair.name)
      return add_plugin_field(pair, static_cast<int>(i), fields[i].type, out);
  }
  return wrong(pair, "is not known");
}

}  // namespace

std::vector<QueryPair> split_query(std::string_view query) {
  std::vector<QueryPair> out;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    out.push_back({percent::decoded(pair.substr(0, equals), percent::Plus::space),
                   percent::decoded(pair.substr(std::min(equals + 1, pair.size())), percent::Plus::space)});
  }
  return out;
}

Result<std::vector<Filter>> parse_filters(std::string_view query, std::span<const FieldSpec> fields) {
  std::vector<Filter> out;
  std::vector<std::string> seen;
  for (const QueryPair& pair : split_query(query)) {
    if (std::find(seen.begin(), seen.end(), pair.name) != seen.end()) return wrong(pair, "is there twice");
    seen.push_back(pair.name);
    if (auto added = add_filter(pair, fields, out); !added) return std::move(added).error();
  }
  return out;
}

std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
  const auto digits = [&](std::size_t at, std::size_t n, int& out) {
    if (at + n > text.size()) return false;
    for (std::size_t i = at; i < at + n; ++i) {
      if (text[i] < '0' || text[i] > '9') return false;
    }
    return whole_number(text.substr(at, n), out);
  };
  const auto is = [&](std::size_t at, char c) {
    return at < text.size() && (text[at] == c || (c >= 'A' && text[at] == c + 32));
  };
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!(digits(0, 4, year) && is(4, '-') && digits(5, 2, month) && is(7, '-') && digits(8, 2, day) &&
        is(10, 'T') && digits(11, 2, hour) && is(13, ':') && digits(14, 2, minute) && is(16, ':') &&
        digits(17, 2, second))) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  std::size_t at = 19;
  std::int64_t fraction = 0;
  if (is(at, '.')) {
    std::int64_t unit = 100'000;
    const std::size_t first = ++at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10)
      fraction += (text[at] - '0') * unit;
    if (at == first) return std::nullopt;
  }
  std::int64_t offset_minutes = 0;
  if (is(at, 'Z')) {
    ++at;
  } else if (is(at, '+') || is(at, '-')) {
    int hours = 0, minutes = 0;
    if (!digits(at + 1, 2, hours) || !is(at + 3, ':') || !digits(at + 4, 2, minutes) || hours > 23 ||
        minutes > 59) {
      return std::nullopt;
    }
    offset_minutes = (hours * 60 + minutes) * (text[at] == '-' ? -1 : 1);
    at += 6;
  } else {
    return std::nullopt;
  }
  if (at != text.size()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t seconds = days * 86'400 + hour * 3'600 + minute * 60 + second - offset_minutes * 60;
  return seconds * 1'000'000 + fraction;
}

}  // namespace mimus
