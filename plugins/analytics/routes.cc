// GET /admin/analytics/summary: a walk over the journal that adds up.
#include "plugins/analytics/routes.h"

#include <charconv>
#include <string>

#include "mimus/json_text.h"
#include "plugins/analytics/query.h"
#include "plugins/analytics/summary.h"

namespace mimus::analytics {
namespace {

/// Reads the fields of a record that a summary adds up, by their numbers in the journal.
class Reader {
 public:
  Reader(const Host& host, const GroupField& group)
      : host_(host),
        status_(group.by == "status"),
        key_(host.journal_field(group.key_field)),
        name_(group.name_field.empty() ? -1 : host.journal_field(group.name_field)),
        duration_(host.journal_field("durationMicros")),
        request_size_(host.journal_field("requestSize")),
        response_size_(host.journal_field("responseSize")) {
    for (std::size_t i = 0; i < flag_names.size(); ++i) {
      flags_[i] = host.journal_field(flag_names[i]);
      counted_[i] = flags_[i] >= 0;
    }
  }

  const Flags& counted() const { return counted_; }

  /// Views valid until the next call, and as long as the record.
  Row row(const mimus_record* record) {
    Row row;
    if (status_) {
      const auto [end, error] = std::to_chars(digits_, digits_ + sizeof digits_, number(record, key_));
      row.key = std::string_view(digits_, static_cast<std::size_t>(end - digits_));
    } else if (const std::string_view key = text(record, key_); !key.empty()) {
      row.key = key;
    }
    row.name = text(record, name_);
    row.duration_us = number(record, duration_);
    row.request_bytes = number(record, request_size_);
    row.response_bytes = number(record, response_size_);
    for (std::size_t i = 0; i < flags_.size(); ++i)
      row.flags[i] = counted_[i] && number(record, flags_[i]) != 0;
    return row;
  }

 private:
  std::string_view text(const mimus_record* record, int field) const {
    mimus_str out{};
    return field >= 0 && host_.journal->text(record, field, &out) == MIMUS_OK ? view(out)
                                                                              : std::string_view{};
  }
  std::int64_t number(const mimus_record* record, int field) const {
    std::int64_t out = 0;
    return field >= 0 && host_.journal->number(record, field, &out) == MIMUS_OK ? out : 0;
  }

  const Host& host_;
  const bool status_;
  const int key_, name_, duration_, request_size_, response_size_;
  std::array<int, flag_names.size()> flags_{};
  Flags counted_{};
  char digits_[24];
};

struct Walk {
  const Host& host;
  Reader reader;
  Summary summary;
  bool failed = false;

  static std::int32_t each(void* ud, const mimus_record* record) {
    Walk& walk = *static_cast<Walk*>(ud);
    const auto add = [&] {
      walk.summary.add(walk.reader.row(record));
      return std::int32_t{1};
    };
    const std::int32_t go_on = wall::guard<std::int32_t>(&walk.host, 0, add);
    walk.failed |= go_on == 0;
    return go_on;
  }
};

mimus_rc scan(const Host& host, const std::string& filters, std::int32_t (*each)(void*, const mimus_record*),
              void* ud) {
  return host.journal->scan(host.get(), str(filters), each, ud);
}

/// Which of the filters the journal does not take.
std::string refused(const Host& host, const SummaryQuery& query) {
  const auto none = [](void*, const mimus_record*) { return std::int32_t{0}; };
  std::string names;
  for (const std::string& filter : query.filters) {
    if (scan(host, filter, none, nullptr) != MIMUS_E_INVAL) continue;
    if (!names.empty()) names += ", ";
    names += filter;
  }
  return (names.empty() ? query.filter_text() : names) + ": no filter of the journal, or not a value for it";
}

std::string text_or_null(const std::optional<std::string>& text) {
  return text ? json::quoted(*text) : "null";
}

void summary(const Host& host, std::string_view raw_query, AdminReply& reply) {
  if (host.journal == nullptr) return reply.problem(503, "unavailable", "there is no journal to read");
  const Result<SummaryQuery> query = parse_summary_query(raw_query);
  if (!query) return reply.problem(400, "invalid-query", query.error().message);
  Reader reader(host, *group_field(query->by));
  const Flags counted = reader.counted();
  Walk walk{host, std::move(reader), Summary(counted)};
  const mimus_rc rc = scan(host, query->filter_text(), &Walk::each, &walk);
  if (rc == MIMUS_E_INVAL) return reply.problem(400, "invalid-query", refused(host, *query));
  if (walk.failed || (rc < 0 && rc != MIMUS_E_UNAVAILABLE)) {
    return reply.problem(503, "unavailable", "the journal could not be read");
  }
  reply.json(200, "{\"by\":" + json::quoted(query->by) + ",\"since\":" + text_or_null(query->since) +
                      ",\"until\":" + text_or_null(query->until) + ',' + walk.summary.json() +
                      ",\"stale\":" + (rc == MIMUS_E_UNAVAILABLE ? "true" : "false") + '}');
}

}  // namespace

void answer(const Host& host, const AdminRequest& request, AdminReply& reply) {
  if (request.path != "/summary" && request.path != "/timeseries") {
    reply.problem(404, "no-such-resource", "analytics has no such route");
  } else if (request.method != "GET") {
    reply.problem(405, "method-not-allowed", "only GET is known here");
  } else if (request.path == "/timeseries") {
    reply.problem(501, "not-available", "time series are not there yet; summary with since and until is");
  } else {
    summary(host, request.query, reply);
  }
}

}  // namespace mimus::analytics
