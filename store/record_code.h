// A journal record as bytes: the same encoding in a ring and in a block.
#pragma once

#include <vector>

#include "store/bytes.h"
#include "store/journal.h"

namespace mimus {

/// Fields as numbers in two vocabularies: the running journal's and the stored one, which
/// only ever grows. Rings use the former on both sides, blocks the latter.
struct FieldTable {
  std::vector<FieldType> types;   ///< By current number.
  std::vector<std::uint16_t> to;  ///< Current number -> encoded number.
  std::vector<int> from;          ///< Encoded number -> current, -1: no such field now.
};

/// The most bytes that encode_record needs, with texts cut to `clip` bytes.
std::size_t record_bound(const RecordInput& record, std::size_t clip);

/// Writes the record at `at`, which has record_bound bytes of room; gives back the end.
/// Extra fields that `fields` does not know are left out.
char* encode_record(char* at, const RecordInput& record, const FieldTable& fields, std::size_t clip);

/// Overwrites `out`, reusing its memory; extra fields that `fields` does not know, or knows
/// with another type, are left out. False: the bytes are not a record.
bool decode_record(std::string_view from, const FieldTable& fields, Record& out);

/// The id of an encoded record. REQUIRES: encode_record wrote it.
inline const char* encoded_id(const char* record) { return record; }

/// A record as views of itself; `extra` is the memory for its span.
RecordInput view_of(const Record& record, std::vector<FieldValue>& extra);

}  // namespace mimus
