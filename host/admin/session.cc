#include "host/admin/session.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>
#include <span>

#include "host/admin/json_input.h"
#include "mimus/json_text.h"

namespace mimus::admin {
namespace {

Filter equals(int field, std::string text) { return {field, Filter::Op::equals, 0, std::move(text)}; }

std::string text_of(const Record& record, int field) {
  return std::string(record.text(field).value_or(std::string_view{}));
}

Problem nothing_recorded() {
  return problem("nothing-recorded",
                 "switch \"capture\":{\"bodies\":true} of the API on, connect, and exchange messages first");
}

/// Shows the records, newest first, until `show` says false. A problem also where the newest could
/// not be had: what is made of a session is made of all of it.
std::optional<Problem> scan(Journal& journal, std::span<const Filter> filters,
                            const std::function<bool(const Record&)>& show) {
  const auto fresh = journal.scan(filters, show);
  if (!fresh) return from_error(fresh.error());
  if (!*fresh) return problem("unavailable", "the journal is busy writing: try again");
  return std::nullopt;
}

Outcome<Ulid> newest_with_messages(Journal& journal, const Ulid& endpoint) {
  std::optional<Ulid> found;
  const Filter filters[] = {equals(field_kind, "channel"), equals(field_endpoint_id, endpoint.text())};
  const auto failed = scan(journal, filters, [&](const Record& record) {
    if (record.text(field_direction)) found = Ulid::parse(text_of(record, field_connection_id));
    return !found;
  });
  if (failed) return *failed;
  if (!found) return nothing_recorded();
  return *found;
}

/// One message, or the end.
std::string step_json(const Record& record, std::int64_t since_us) {
  std::string out = "{";
  const std::int64_t after_us = std::max<std::int64_t>(0, record.time_us - since_us);
  add_member(out, "afterMs", std::to_string(after_us / 1000));
  if (const auto code = record.number(field_close_code)) {
    add_member(out, "direction", "\"out\"");
    add_member(out, "close", std::to_string(*code));
    return out + '}';
  }
  add_member(out, "direction", json::quoted(text_of(record, field_direction)));
  const std::string type = text_of(record, field_message_type), data = text_of(record, field_data);
  if (type == "text") {
    add_member(out, "text", json::quoted(data));
  } else if (type == "binary") {
    add_member(out, "base64", json::quoted(data));
  } else {
    add_member(out, "event", json::quoted(text_of(record, field_event)));
    add_member(out, "args", data);
    if (const auto binaries = record.text(field_binaries)) add_member(out, "binaries", *binaries);
    if (const auto ack = record.number(field_ack)) add_member(out, "ack", std::to_string(*ack));
  }
  return out + '}';
}

struct Session {
  std::optional<Record> opened;
  std::deque<Record> steps;  ///< Oldest first.
  std::size_t bytes = 0;

  /// The next older record.
  void add(const Record& record) {
    if (!record.text(field_direction) && !record.number(field_close_code)) {
      opened = record;
      return;
    }
    bytes += cost(record);
    steps.push_front(record);
    while (steps.size() > max_session_messages || bytes > max_session_bytes) {
      bytes -= cost(steps.back());
      steps.pop_back();
    }
  }
  static std::size_t cost(const Record& record) {
    std::size_t out = sizeof record;
    for (const Record::Extra& extra : record.extra) out += sizeof extra + extra.text.size();
    return out;
  }
};

}  // namespace

Outcome<std::string> session_of(Journal& journal, const Ulid& endpoint,
                                const std::optional<Ulid>& connection) {
  auto wanted = connection ? Outcome<Ulid>(*connection) : newest_with_messages(journal, endpoint);
  if (!wanted) return std::move(wanted).error();
  const Filter filters[] = {equals(field_connection_id, wanted->text()),
                            equals(field_endpoint_id, endpoint.text())};
  Session session;
  const auto failed = scan(journal, filters, [&](const Record& record) {
    session.add(record);
    return true;
  });
  if (failed) return *failed;
  if (!session.opened && session.steps.empty())
    return problem("no-such-resource",
                   "the journal has no connection " + wanted->text() + " of this endpoint");
  const bool spoken = std::any_of(session.steps.begin(), session.steps.end(),
                                  [](const Record& step) { return step.text(field_direction).has_value(); });
  if (!spoken) return nothing_recorded();
  const Record& first = session.opened ? *session.opened : session.steps.front();
  std::string messages = "[";
  for (const Record& step : session.steps) {
    if (step.number(field_truncated).value_or(0) != 0) {
      return problem("nothing-recorded", "the message " + step.id.text() +
                                             " is longer than the 64 KiB that the journal keeps of one");
    }
    if (messages.size() > 1) messages += ',';
    messages += step_json(step, first.time_us);
  }
  std::string out = "{";
  add_member(out, "protocol", json::quoted(text_of(first, field_protocol)));
  add_member(out, "messages", messages + ']');
  return out + '}';
}

}  // namespace mimus::admin
