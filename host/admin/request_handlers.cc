// The journal as the admin API shows it.
#include "host/admin/service.h"
#include "host/plugin/request_filters.h"
#include "mimus/json_text.h"

namespace mimus::admin {
namespace {

void add_id(std::string& out, std::string_view name, const Ulid& id) {
  add_member(out, name, id == Ulid{} ? "null" : json::quoted(id.text()));
}

void add_bytes(std::string& out, std::string_view name, std::string_view bytes) {
  add_member(out, name, json::quoted(bytes));
}

void add_bytes_or_null(std::string& out, std::string_view name, std::string_view bytes) {
  if (bytes.empty()) {
    add_member(out, name, "null");
  } else {
    add_bytes(out, name, bytes);
  }
}

void add_plugin_field(std::string& out, const FieldSpec& spec, int field, const Record& record) {
  if (spec.type == FieldType::text) {
    const auto text = record.text(field);
    if (text) {
      add_bytes(out, spec.name, *text);
    } else {
      add_member(out, spec.name, "null");
    }
    return;
  }
  const auto number = record.number(field);
  if (spec.type == FieldType::flag) {
    add_member(out, spec.name, number.value_or(0) != 0 ? "true" : "false");
  } else {
    add_member(out, spec.name, number ? std::to_string(*number) : "null");
  }
}

/// What records of channels have besides; each only where it is there.
void add_channel_fields(std::string& out, const Record& record) {
  for (int field = field_connection_id; field < core_field_count; ++field) {
    const FieldSpec& spec = core_fields()[static_cast<std::size_t>(field)];
    if (spec.type != FieldType::text) {
      const auto number = record.number(field);
      if (number && spec.type == FieldType::flag) add_member(out, spec.name, *number != 0 ? "true" : "false");
      if (number && spec.type == FieldType::integer) add_member(out, spec.name, std::to_string(*number));
    } else if (const auto text = record.text(field)) {
      add_member(out, spec.name, field == field_binaries ? std::string(*text) : json::quoted(*text));
    }
  }
}

/// Parts of `query` that are filters, without limit and cursor.
std::string filters_in(std::string_view query) {
  std::string out;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::string_view name = pair.substr(0, pair.find('='));
    if (pair.empty() || name == "limit" || name == "cursor") continue;
    if (!out.empty()) out += '&';
    out += pair;
  }
  return out;
}

}  // namespace

std::string record_json(const Record& record, const std::vector<FieldSpec>& fields) {
  std::string out = "{";
  add_id(out, "id", record.id);
  add_member(out, "time", json::quoted(rfc3339(record.time_us)));
  add_bytes(out, "kind", name_of(record.kind));
  add_id(out, "apiId", record.api);
  add_id(out, "endpointId", record.endpoint);
  add_bytes(out, "method", record.method);
  add_bytes(out, "path", record.path);
  add_bytes(out, "query", record.query);
  add_member(out, "status", std::to_string(record.status));
  add_member(out, "durationMicros", std::to_string(record.duration_us));
  add_member(out, "requestSize", std::to_string(record.request_size));
  add_member(out, "responseSize", std::to_string(record.response_size));
  add_bytes_or_null(out, "clientIp", record.client_ip);
  for (std::size_t i = core_field_count; i < fields.size(); ++i) {
    add_plugin_field(out, fields[i], static_cast<int>(i), record);
  }
  add_bytes_or_null(out, "userAgent", record.user_agent);
  add_bytes_or_null(out, "traceId", record.trace_id);
  add_bytes_or_null(out, "error", record.error);
  for (const int field : {field_request_headers, field_response_headers}) {  // JSON text already
    if (const auto text = record.text(field); text && !text->empty()) {
      add_member(out, core_fields()[static_cast<std::size_t>(field)].name, *text);
    }
  }
  for (const int field : {field_request_body, field_response_body}) {
    if (const auto text = record.text(field))
      add_bytes(out, core_fields()[static_cast<std::size_t>(field)].name, *text);
  }
  if (record.kind == RecordKind::channel) add_channel_fields(out, record);
  return out + '}';
}

Answer Service::list_requests(const Call& call) {
  auto page = page_request(call);
  if (!page) return std::move(page).error();
  const std::vector<FieldSpec>& fields = journal_fields();
  const auto filters = parse_filters(filters_in(call.query), fields);
  if (!filters) {
    const Error& error = filters.error();
    return bad_input({{error.pointer, error.message, error.pointer == "/q" ? "not-available" : ""}});
  }
  if (services_.journal == nullptr) return {200, page_json({}, "")};
  auto found = services_.journal->page(*filters, page->limit, page->cursor);
  if (!found) return from_error(found.error());
  std::vector<std::string> items;
  items.reserve(found->items.size());
  for (const Record& record : found->items) items.push_back(record_json(record, fields));
  return {200, page_json(items, found->next_cursor, found->stale)};
}

Answer Service::delete_requests(const Call&) {
  if (services_.journal != nullptr) {
    if (auto cleared = services_.journal->clear(); !cleared) return from_error(cleared.error());
  }
  return {204, ""};
}

Answer Service::get_request(const Call& call) {
  const auto id = Ulid::parse(call.params[0]);
  const Problem missing =
      problem("no-such-resource", "the journal has no request " + call.params[0].substr(0, 100));
  if (!id || services_.journal == nullptr) return missing;
  auto record = services_.journal->find(*id);
  if (!record) return record.error().code == Code::not_found ? missing : from_error(record.error());
  return {200, record_json(*record, journal_fields())};
}

}  // namespace mimus::admin
