// A journal block as bytes: a header that tells what is inside, then the records.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/journal_fields.h"

namespace mimus {

/// What the header says of all records of a block.
struct BlockHeader {
  std::uint64_t count = 0;
  std::uint64_t record_bytes = 0;
  Ulid min_id, max_id;
  std::int64_t min_time_us = 0, max_time_us = 0;
  std::string_view sets;  ///< Encoded; see may_hold.
  std::size_t encoded_bytes = 0;
};

/// False: not a header, or not wholly in `from`.
bool decode_header(std::string_view from, BlockHeader& out);

/// A Filter with its comparison prepared.
class Comparison {
 public:
  /// `fields` must outlive it.
  Comparison(const Filter& filter, const FieldTable& fields);

  bool passes(const Record& record) const;
  /// False: no record of that block can pass.
  bool may_pass(const BlockHeader& header) const;

 private:
  bool set_may_hold(std::string_view sets) const;

  Filter filter_;
  FieldType type_;
  int stored_field_ = -1;
  std::optional<Ulid> id_;  // of a filter on an id
  std::uint32_t hash_ = 0;
};

/// Gathers records and what a header says of them.
class BlockBuilder {
 public:
  /// `fields` must outlive it.
  explicit BlockBuilder(const JournalFields& fields);

  void add(const Record& record);
  /// The same for a record that is encoded already: what it holds of fields that are not
  /// known now is kept.
  void add(const Record& record, std::string_view encoded);
  void clear();
  /// Goes on with a later version of the fields, which must outlive it. The header tells of
  /// newly indexed ones from the next block on: of this one's first records it could not.
  void adopt(const JournalFields& fields);

  std::uint64_t count() const { return header_.count; }
  std::int64_t max_time_us() const { return header_.max_time_us; }
  /// The records, each with its length in front.
  const std::string& records() const { return records_; }

  /// The block with all its records. Its header fits into BlockStore::head_bytes.
  void finish(std::string& out) const;
  /// A block of the records from the given byte on, `count` of them, without sets.
  void finish_piece(std::size_t from, std::uint64_t count, std::string& out) const;

 private:
  /// The values that an indexed field has had: hashes, until they are too many.
  struct Set {
    int field = 0;
    FieldType type = FieldType::text;
    bool any = false;
    std::int64_t min = 0, max = 0;
    std::vector<std::uint32_t> hashes;
    /// The value that was added last: most records repeat it.
    std::int64_t last_number = 0;
    Ulid last_id{};
    std::string last_text;

    void add(std::uint32_t hash);
  };

  void note(const Record& record);
  void note(Set& set, const Record& record);

  const JournalFields* fields_;
  const JournalFields* indexed_ = nullptr;  // whose sets these are
  BlockHeader header_;
  std::string records_;
  std::vector<Set> sets_;
  std::vector<FieldValue> extra_;
};

/// Splits the records of a block (what follows its header). False: they do not decode.
bool split_records(std::string_view records, std::vector<std::string_view>& out);

}  // namespace mimus
