#include "store/record_code.h"

#include <algorithm>

namespace mimus {
namespace {

// What follows the id, the time and this mask is there only if its bit is set.
enum Bit : std::uint16_t {
  has_api = 1,
  has_endpoint = 2,
  has_method = 4,
  has_path = 8,
  has_query = 16,
  has_client_ip = 32,
  has_user_agent = 64,
  has_trace_id = 128,
  has_error = 256,
  has_extra = 512,
  is_channel = 1024  // records from before there were channels do without
};

constexpr std::size_t fixed_bytes = 16 + 8 + 2 + 2 * 16 + 4 * bytes::max_varint;

char* put_id(char* at, const Ulid& id) {
  std::memcpy(at, id.bytes.data(), id.bytes.size());
  return at + id.bytes.size();
}

char* put_text(char* at, std::string_view text) {
  at = bytes::put_varint(at, text.size());
  return at + text.copy(at, text.size());  // unlike memcpy, copy takes a null view
}

void get_id(bytes::Reader& from, bool there, Ulid& id) {
  if (!there) {
    id = {};
  } else if (const std::string_view at = from.take(id.bytes.size()); from.ok()) {
    std::memcpy(id.bytes.data(), at.data(), at.size());
  }
}

void get_text(bytes::Reader& from, bool there, std::string& text) {
  if (there) {
    text.assign(from.text());
  } else {
    text.clear();
  }
}

std::size_t text_bound(std::string_view text, std::size_t clip) {
  return bytes::max_varint + std::min(text.size(), clip);
}

}  // namespace

std::size_t record_bound(const RecordInput& r, std::size_t clip) {
  std::size_t out = fixed_bytes + bytes::max_varint;
  for (const std::string_view text :
       {r.method, r.path, r.query, r.client_ip, r.user_agent, r.trace_id, r.error}) {
    out += text_bound(text, clip);
  }
  for (const FieldValue& value : r.extra) out += 2 * bytes::max_varint + text_bound(value.text, clip);
  return out;
}

char* encode_record(char* at, const RecordInput& r, const FieldTable& fields, std::size_t clip) {
  at = put_id(at, r.id);
  at = bytes::put_fixed(at, r.time_us);
  char* const mask_at = at;
  at += sizeof(std::uint16_t);
  std::uint16_t mask = 0;
  const auto id = [&](Bit bit, const Ulid& value) {
    if (value == Ulid{}) return;
    mask |= bit;
    at = put_id(at, value);
  };
  const auto text = [&](Bit bit, std::string_view value) {
    if (value.empty()) return;
    mask |= bit;
    at = put_text(at, value.substr(0, clip));
  };
  id(has_api, r.api);
  id(has_endpoint, r.endpoint);
  at = bytes::put_varint(at, static_cast<std::uint32_t>(r.status));
  at = bytes::put_varint(at, bytes::zigzag(r.duration_us));
  at = bytes::put_varint(at, bytes::zigzag(r.request_size));
  at = bytes::put_varint(at, bytes::zigzag(r.response_size));
  text(has_method, r.method);
  text(has_path, r.path);
  text(has_query, r.query);
  text(has_client_ip, r.client_ip);
  text(has_user_agent, r.user_agent);
  text(has_trace_id, r.trace_id);
  text(has_error, r.error);
  if (r.kind == RecordKind::channel) mask |= is_channel;
  // Extras run to the end. Each number is doubled, its low bit telling text from number.
  for (const FieldValue& value : r.extra) {
    if (value.field >= fields.types.size()) continue;
    mask |= has_extra;
    const std::uint64_t number = fields.to[value.field];
    if (fields.types[value.field] == FieldType::text) {
      at = bytes::put_varint(at, number << 1 | 1);
      at = put_text(at, value.text.substr(0, clip));
    } else {
      at = bytes::put_varint(at, number << 1);
      at = bytes::put_varint(at, bytes::zigzag(value.number));
    }
  }
  bytes::put_fixed(mask_at, mask);
  return at;
}

bool decode_record(std::string_view bytes, const FieldTable& fields, Record& out) {
  bytes::Reader from(bytes);
  get_id(from, true, out.id);
  out.time_us = from.fixed<std::int64_t>();
  const auto mask = from.fixed<std::uint16_t>();
  get_id(from, mask & has_api, out.api);
  get_id(from, mask & has_endpoint, out.endpoint);
  out.kind = mask & is_channel ? RecordKind::channel : RecordKind::http;
  out.status = static_cast<int>(from.varint());
  out.duration_us = bytes::unzigzag(from.varint());
  out.request_size = bytes::unzigzag(from.varint());
  out.response_size = bytes::unzigzag(from.varint());
  get_text(from, mask & has_method, out.method);
  get_text(from, mask & has_path, out.path);
  get_text(from, mask & has_query, out.query);
  get_text(from, mask & has_client_ip, out.client_ip);
  get_text(from, mask & has_user_agent, out.user_agent);
  get_text(from, mask & has_trace_id, out.trace_id);
  get_text(from, mask & has_error, out.error);
  out.extra.clear();
  while (from.ok() && !from.done()) {
    const std::uint64_t tag = from.varint();
    std::string_view text;
    std::int64_t number = 0;
    if (tag & 1) {
      text = from.text();
    } else {
      number = bytes::unzigzag(from.varint());
    }
    const int field = tag >> 1 < fields.from.size() ? fields.from[tag >> 1] : -1;
    if (field < 0) continue;
    const bool is_text = fields.types[static_cast<std::size_t>(field)] == FieldType::text;
    if (is_text != ((tag & 1) != 0)) continue;  // a name that had another type before a restart
    out.extra.push_back({static_cast<std::uint16_t>(field), number, std::string(text)});
  }
  return from.ok();
}

RecordInput view_of(const Record& r, std::vector<FieldValue>& extra) {
  extra.clear();
  for (const Record::Extra& value : r.extra) extra.push_back({value.field, value.number, value.text});
  return {r.id,          r.api,          r.endpoint,      r.time_us,  r.method, r.path,
          r.query,       r.client_ip,    r.user_agent,    r.trace_id, r.error,  r.status,
          r.duration_us, r.request_size, r.response_size, extra,      r.kind};
}

}  // namespace mimus
