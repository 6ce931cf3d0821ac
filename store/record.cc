// The core fields of a journal record, and a record's values by field number.
#include <algorithm>

#include "store/journal.h"

namespace mimus {

const std::vector<FieldSpec>& core_fields() {
  using enum FieldType;
  static const std::vector<FieldSpec> fields = {
      {"id", text, false, ""},
      {"time", integer, false, ""},
      {"apiId", text, true, "apiId"},
      {"endpointId", text, true, "endpointId"},
      {"method", text, true, "method"},
      {"path", text, false, "path"},
      {"query", text, false, ""},
      {"status", integer, true, "status"},
      {"durationMicros", integer, false, ""},
      {"requestSize", integer, false, ""},
      {"responseSize", integer, false, ""},
      {"clientIp", text, false, "clientIp"},
      {"userAgent", text, false, ""},
      {"traceId", text, false, "traceId"},
      {"error", text, true, "error"},
      {"requestHeaders", text, false, ""},
      {"responseHeaders", text, false, ""},
      {"requestBody", text, false, ""},
      {"responseBody", text, false, ""},
      {"kind", text, true, "kind"},
      {"connectionId", text, true, "connectionId"},
      {"protocol", text, false, ""},
      {"direction", text, false, ""},
      {"messageType", text, false, ""},
      {"event", text, false, ""},
      {"data", text, false, ""},
      {"binaries", text, false, ""},
      {"ack", integer, false, ""},
      {"truncated", flag, false, ""},
      {"closeCode", integer, false, ""},
      {"closeReason", text, false, ""},
      {"messagesIn", integer, false, ""},
      {"messagesOut", integer, false, ""},
  };
  return fields;
}

std::string_view name_of(RecordKind kind) { return kind == RecordKind::channel ? "channel" : "http"; }

namespace {

/// The member that holds a core text field, nullptr if none does.
template <class R>
auto* core_text(R& record, int field) {
  switch (field) {
    case field_method:
      return &record.method;
    case field_path:
      return &record.path;
    case field_query:
      return &record.query;
    case field_client_ip:
      return &record.client_ip;
    case field_user_agent:
      return &record.user_agent;
    case field_trace_id:
      return &record.trace_id;
    case field_error:
      return &record.error;
    default:
      return static_cast<decltype(&record.method)>(nullptr);
  }
}

template <class R>
auto* core_id(R& record, int field) {
  switch (field) {
    case field_id:
      return &record.id;
    case field_api_id:
      return &record.api;
    case field_endpoint_id:
      return &record.endpoint;
    default:
      return static_cast<decltype(&record.id)>(nullptr);
  }
}

template <class R>
auto* core_number(R& record, int field) {
  switch (field) {
    case field_time:
      return &record.time_us;
    case field_duration_us:
      return &record.duration_us;
    case field_request_size:
      return &record.request_size;
    case field_response_size:
      return &record.response_size;
    default:
      return static_cast<decltype(&record.time_us)>(nullptr);
  }
}

template <class R>
auto find_extra(R& record, int field) {
  return std::find_if(record.extra.begin(), record.extra.end(),
                      [&](const Record::Extra& extra) { return extra.field == field; });
}

Record::Extra& extra_of(Record& record, int field) {
  const auto found = find_extra(record, field);
  if (found != record.extra.end()) return *found;
  return record.extra.emplace_back(Record::Extra{static_cast<std::uint16_t>(field), 0, {}});
}

}  // namespace

std::optional<std::string_view> Record::text(int field) const {
  if (const Ulid* const held = core_id(*this, field)) {
    if (*held == Ulid{}) return std::nullopt;
    char* const spelt = id_text_[field == field_id ? 0 : field == field_api_id ? 1 : 2];
    held->text_to(spelt);
    return std::string_view(spelt, sizeof id_text_[0]);
  }
  if (const std::string* const held = core_text(*this, field)) {
    if (held->empty()) return std::nullopt;
    return *held;
  }
  if (field == field_kind) return name_of(kind);
  const auto found = find_extra(*this, field);
  if (found == extra.end()) return std::nullopt;
  return found->text;
}

std::optional<std::int64_t> Record::number(int field) const {
  if (field == field_status) return status == 0 ? std::nullopt : std::optional<std::int64_t>(status);
  if (const std::int64_t* const held = core_number(*this, field)) return *held;
  const auto found = find_extra(*this, field);
  if (found == extra.end()) return std::nullopt;
  return found->number;
}

void Record::set_text(int field, std::string_view value) {
  if (Ulid* const held = core_id(*this, field)) {
    *held = Ulid::parse(value).value_or(Ulid{});
  } else if (std::string* const text = core_text(*this, field)) {
    text->assign(value);
  } else if (field == field_kind) {
    kind = value == name_of(RecordKind::channel) ? RecordKind::channel : RecordKind::http;
  } else {
    extra_of(*this, field).text.assign(value);
  }
}

void Record::set_number(int field, std::int64_t value) {
  if (field == field_status) {
    status = static_cast<int>(value);
  } else if (std::int64_t* const held = core_number(*this, field)) {
    *held = value;
  } else {
    extra_of(*this, field).number = value;
  }
}

}  // namespace mimus
