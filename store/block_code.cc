#include "store/block_code.h"

#include <algorithm>

#include "store/hash.h"

namespace mimus {
namespace {

constexpr std::uint64_t block_version = 1;
constexpr std::size_t max_values = 32;  // that a set names; beyond, it holds "any"

std::uint32_t value_hash(std::string_view value) { return static_cast<std::uint32_t>(hash_bytes(value, 0)); }
std::uint32_t value_hash(std::int64_t value) {
  return value_hash(std::string_view(reinterpret_cast<const char*>(&value), sizeof value));
}
std::string_view raw(const Ulid& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

bool is_id(int field) { return field == field_id || field == field_api_id || field == field_endpoint_id; }

const Ulid& id_of(const Record& record, int field) {
  return field == field_id ? record.id : field == field_api_id ? record.api : record.endpoint;
}

/// An absent flag is false.
std::optional<std::int64_t> number_of(const Record& record, int field, FieldType type) {
  const auto number = record.number(field);
  return number || type != FieldType::flag ? number : 0;
}

void encode_header(const BlockHeader& header, std::string_view sets, std::string& out) {
  std::string body;
  bytes::add_varint(body, block_version);
  bytes::add_varint(body, header.count);
  bytes::add_varint(body, header.record_bytes);
  body.append(raw(header.min_id)).append(raw(header.max_id));
  bytes::add_fixed(body, header.min_time_us);
  bytes::add_fixed(body, header.max_time_us);
  body.append(sets);
  bytes::add_fixed(out, static_cast<std::uint16_t>(body.size()));
  out.append(body);
}

void get_id(bytes::Reader& from, Ulid& id) {
  const std::string_view at = from.take(id.bytes.size());
  if (from.ok()) std::memcpy(id.bytes.data(), at.data(), at.size());
}

}  // namespace

bool decode_header(std::string_view bytes, BlockHeader& out) {
  bytes::Reader framed(bytes);
  const auto size = framed.fixed<std::uint16_t>();
  bytes::Reader from(framed.take(size));
  if (!framed.ok() || from.varint() != block_version) return false;
  out.count = from.varint();
  out.record_bytes = from.varint();
  get_id(from, out.min_id);
  get_id(from, out.max_id);
  out.min_time_us = from.fixed<std::int64_t>();
  out.max_time_us = from.fixed<std::int64_t>();
  out.sets = from.rest();
  out.encoded_bytes = sizeof size + size;
  return from.ok();
}

Comparison::Comparison(const Filter& filter, const FieldTable& fields)
    : filter_(filter), type_(FieldType::text) {
  const auto field = static_cast<std::size_t>(filter.field);
  if (field >= fields.types.size()) return;
  type_ = fields.types[field];
  stored_field_ = fields.to[field];
  if (is_id(filter.field)) id_ = Ulid::parse(filter.text);
  hash_ = type_ != FieldType::text ? value_hash(filter.number)
          : id_                    ? value_hash(raw(*id_))
                                   : value_hash(filter.text);
}

bool Comparison::passes(const Record& record) const {
  using Op = Filter::Op;
  const auto compare = [&](const auto& value, const auto& wanted) {
    return filter_.op == Op::equals     ? value == wanted
           : filter_.op == Op::at_least ? value >= wanted
                                        : value < wanted;
  };
  if (stored_field_ < 0) return false;
  if (is_id(filter_.field)) {
    const Ulid& id = id_of(record, filter_.field);
    return id_ && id != Ulid{} && compare(id, *id_);
  }
  if (type_ == FieldType::text) {
    const auto value = record.text(filter_.field);
    return value && compare(*value, std::string_view(filter_.text));
  }
  const auto value = number_of(record, filter_.field, type_);
  return value && compare(*value, filter_.number);
}

bool Comparison::may_pass(const BlockHeader& header) const {
  const auto within = [&](const auto& min, const auto& max, const auto& wanted) {
    switch (filter_.op) {
      case Filter::Op::equals:
        return min <= wanted && wanted <= max;
      case Filter::Op::at_least:
        return max >= wanted;
      default:
        return min < wanted;
    }
  };
  if (stored_field_ < 0) return false;
  if (filter_.field == field_id) return id_ && within(header.min_id, header.max_id, *id_);
  if (filter_.field == field_time) return within(header.min_time_us, header.max_time_us, filter_.number);
  return set_may_hold(header.sets);
}

bool Comparison::set_may_hold(std::string_view sets) const {
  bytes::Reader from(sets);
  while (from.ok() && !from.done()) {
    const bool mine = from.varint() == static_cast<std::uint64_t>(stored_field_);
    const std::int64_t min = bytes::unzigzag(from.varint());
    const std::int64_t max = bytes::unzigzag(from.varint());
    const std::uint64_t count = from.varint();
    const std::string_view hashes = from.take(count * sizeof hash_);
    if (!from.ok()) return true;
    if (!mine) continue;
    if (type_ != FieldType::text && filter_.op == Filter::Op::at_least) return max >= filter_.number;
    if (type_ != FieldType::text && filter_.op == Filter::Op::below) return min < filter_.number;
    if (filter_.op != Filter::Op::equals) return true;
    for (std::size_t i = 0; i < count; ++i) {
      std::uint32_t hash = 0;
      std::memcpy(&hash, hashes.data() + i * sizeof hash, sizeof hash);
      if (hash == hash_) return true;
    }
    return false;
  }
  return true;  // nothing is said of this field
}

BlockBuilder::BlockBuilder(const JournalFields& fields) : fields_(&fields) { clear(); }

void BlockBuilder::adopt(const JournalFields& fields) {
  if (fields_ == &fields) return;
  fields_ = &fields;
  if (count() == 0) clear();
}

void BlockBuilder::clear() {
  header_ = {};
  records_.clear();
  if (indexed_ != fields_) {
    indexed_ = fields_;
    sets_.clear();
    for (std::size_t i = 0; i < fields_->specs.size(); ++i) {
      if (!fields_->specs[i].indexed) continue;
      Set& set = sets_.emplace_back();
      set.field = static_cast<int>(i);
      set.type = fields_->specs[i].type;
    }
  }
  for (Set& set : sets_) {
    set.any = false;
    set.hashes.clear();
    set.min = INT64_MAX;
    set.max = INT64_MIN;
    set.last_id = {};
    set.last_text.clear();
  }
}

void BlockBuilder::Set::add(std::uint32_t hash) {
  if (std::find(hashes.begin(), hashes.end(), hash) != hashes.end()) return;
  if (hashes.size() == max_values) {
    any = true;
  } else {
    hashes.push_back(hash);
  }
}

void BlockBuilder::note(Set& set, const Record& record) {
  if (set.type != FieldType::text) {
    const auto number = number_of(record, set.field, set.type);
    if (!number || (set.min <= set.max && set.last_number == *number)) return;
    set.last_number = *number;
    set.min = std::min(set.min, *number);
    set.max = std::max(set.max, *number);
    if (!set.any) set.add(value_hash(*number));
  } else if (set.any) {
    return;
  } else if (is_id(set.field)) {
    const Ulid& id = id_of(record, set.field);
    if (id == set.last_id) return;  // Also where there is none: a set begins with no id.
    set.last_id = id;
    if (id != Ulid{}) set.add(value_hash(raw(id)));
  } else if (const auto text = record.text(set.field)) {
    if (!text->empty() && *text == set.last_text) return;
    set.last_text.assign(*text);
    set.add(value_hash(*text));
  }
}

void BlockBuilder::add(const Record& record) {
  const RecordInput input = view_of(record, extra_);
  constexpr std::size_t whole = SIZE_MAX;
  // Encoded after room for the longest length, then moved up to the one it needed.
  const std::size_t start = records_.size();
  records_.resize(start + bytes::max_varint + record_bound(input, whole));
  char* const at = records_.data() + start;
  char* const body = at + bytes::max_varint;
  const auto size = static_cast<std::size_t>(encode_record(body, input, fields_->stored, whole) - body);
  char* const moved = bytes::put_varint(at, size);
  std::memmove(moved, body, size);
  records_.resize(static_cast<std::size_t>(moved + size - records_.data()));
  note(record);
}

void BlockBuilder::add(const Record& record, std::string_view encoded) {
  bytes::add_text(records_, encoded);
  note(record);
}

void BlockBuilder::note(const Record& record) {
  header_.min_id = header_.count == 0 ? record.id : std::min(header_.min_id, record.id);
  header_.max_id = std::max(header_.max_id, record.id);
  header_.min_time_us = header_.count == 0 ? record.time_us : std::min(header_.min_time_us, record.time_us);
  header_.max_time_us = header_.count == 0 ? record.time_us : std::max(header_.max_time_us, record.time_us);
  ++header_.count;
  for (Set& set : sets_) note(set, record);
}

void BlockBuilder::finish(std::string& out) const {
  constexpr std::size_t room = BlockStore::head_bytes - 96;  // what the fixed part takes at most
  std::string sets;
  for (const Set& set : sets_) {
    std::string encoded;
    const bool number = set.type != FieldType::text && set.min <= set.max;
    if (set.any) continue;
    bytes::add_varint(encoded, fields_->stored.to[static_cast<std::size_t>(set.field)]);
    bytes::add_varint(encoded, bytes::zigzag(number ? set.min : 0));
    bytes::add_varint(encoded, bytes::zigzag(number ? set.max : -1));
    bytes::add_varint(encoded, set.hashes.size());
    for (const std::uint32_t hash : set.hashes) bytes::add_fixed(encoded, hash);
    if (sets.size() + encoded.size() <= room) sets.append(encoded);  // else: nothing is said of it
  }
  BlockHeader header = header_;
  header.record_bytes = records_.size();
  out.clear();
  encode_header(header, sets, out);
  out.append(records_);
}

void BlockBuilder::finish_piece(std::size_t from, std::uint64_t count, std::string& out) const {
  BlockHeader header = header_;
  header.count = count;
  header.record_bytes = records_.size() - from;
  out.clear();
  encode_header(header, {}, out);
  out.append(records_, from);
}

bool split_records(std::string_view records, std::vector<std::string_view>& out) {
  out.clear();
  bytes::Reader from(records);
  while (from.ok() && !from.done()) out.push_back(from.text());
  return from.ok();
}

}  // namespace mimus
