// The journal as its readers see it: pages, scans and single records over its blocks.
#include "store/journal.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <mutex>

#include "store/field_numbers.h"
#include "store/journal_writer.h"

namespace mimus {
namespace {

/// A record's place; records are newer at higher ones.
struct Position {
  std::uint64_t block = UINT64_MAX;
  std::uint32_t index = UINT32_MAX;
};

std::string cursor_of(Position at) {
  char text[25];
  std::snprintf(text, sizeof text, "%016llx%08x", static_cast<unsigned long long>(at.block), at.index);
  return text;
}

std::optional<Position> position_of(std::string_view cursor) {
  Position out;
  if (cursor.size() != 24) return std::nullopt;
  const char* const middle = cursor.data() + 16;
  const char* const end = cursor.data() + 24;
  const auto block = std::from_chars(cursor.data(), middle, out.block, 16);
  const auto index = std::from_chars(middle, end, out.index, 16);
  if (block.ptr != middle || index.ptr != end) return std::nullopt;
  return out;
}

class BlockJournal final : public Journal {
 public:
  BlockJournal(BlockStore& blocks, const Clock& clock, JournalOptions options, JournalFields fields,
               std::vector<std::string> names)
      : blocks_(blocks),
        names_(std::move(names)),
        fields_(std::move(fields), max_field_versions),
        writer_(blocks, clock, std::move(options), fields_) {}

  Producer& producer(unsigned index) override { return writer_.ring(index); }
  const std::vector<FieldSpec>& fields() const override { return fields_.now().specs; }
  int field(std::string_view name) const override { return find_field(fields(), name); }

  Result<std::vector<int>> add_fields(std::span<const FieldSpec> specs) override {
    const std::lock_guard lock(adding_);
    std::vector<FieldSpec> merged = fields();
    Result<std::vector<int>> numbers = merge_fields(merged, specs);
    if (!numbers) return numbers;
    std::vector<std::string> names = names_;
    Result<JournalFields> next = number_fields(std::move(merged), names);
    if (!next) return std::move(next).error();
    if (names.size() != names_.size()) {  // written down before any block has the numbers
      if (Status written = blocks_.put_field_names(names); !written) return std::move(written).error();
      names_ = std::move(names);
    }
    if (!fields_.publish(*std::move(next))) return too_many_versions();
    return numbers;
  }

  Result<Page> page(std::span<const Filter> filters, std::size_t limit, std::string_view cursor) override {
    Position from;
    if (!cursor.empty()) {
      const auto given = position_of(cursor);
      if (!given) return invalid("the cursor is not one that a page gave", "/cursor");
      from = *given;
    }
    Page out;
    out.stale = !writer_.catch_up();
    Position last;
    const Status walked = walk(filters, from, [&](const Record& record, Position at) {
      if (out.items.size() == limit) {
        if (limit != 0) out.next_cursor = cursor_of(last);
        return false;
      }
      last = at;
      out.items.push_back(record);
      return true;
    });
    if (!walked) return walked.error();
    return out;
  }

  Result<bool> scan(std::span<const Filter> filters,
                    const std::function<bool(const Record&)>& each) override {
    const bool fresh = writer_.catch_up();
    const Status walked = walk(filters, {}, [&](const Record& record, Position) { return each(record); });
    if (!walked) return walked.error();
    return fresh;
  }

  Result<Record> find(const Ulid& id) override {
    const bool fresh = writer_.catch_up();  // late or not, what is there is searched
    Result<std::vector<Record>> found = look_for(std::span(&id, 1));
    if (!found) return std::move(found).error();
    if (!found->empty()) return std::move(found->front());
    if (!fresh) return Error{Code::unavailable, "the journal is busy writing: try again"};
    return Error{Code::not_found, "no record has the id " + id.text()};
  }

  Result<std::vector<Record>> find(std::span<const Ulid> ids) override {
    writer_.catch_up();
    return look_for(ids);
  }

  Status clear() override { return writer_.clear(); }
  Status flush() override { return writer_.flush(); }
  Stats stats() const override { return writer_.stats(); }
  Status close() override { return writer_.close(); }

 private:
  using Show = std::function<bool(const Record&, Position)>;

  Result<std::vector<Record>> look_for(std::span<const Ulid> ids) {
    std::vector<Record> out;
    for (const Ulid& id : ids) {
      const Filter wanted{field_id, Filter::Op::equals, 0, id.text()};
      const Status walked = walk(std::span(&wanted, 1), {}, [&](const Record& record, Position) {
        out.push_back(record);
        return false;
      });
      if (!walked) return walked.error();
    }
    return out;
  }

  /// Shows what passes and is older than `from`, newest first, until `show` says false.
  Status walk(std::span<const Filter> filters, Position from, const Show& show) {
    const JournalWriter::Open open = writer_.open();
    const FieldTable& fields = fields_.now().stored;  // not older than what is read from here on
    std::vector<Comparison> tests;
    for (const Filter& filter : filters) tests.emplace_back(filter, fields);
    std::uint64_t below = open.block;
    if (from.block < open.block) {
      below = from.block + 1;
    } else if (!show_block(open.block, open.records, from, fields, tests, show)) {
      return Done{};
    }
    while ((below = writer_.index().newest_below(below, tests)) != 0) {
      const Result<std::string> bytes = blocks_.get({below, 0});
      if (!bytes) {
        if (bytes.error().code == Code::not_found) continue;  // its time was over meanwhile
        return bytes.error();
      }
      BlockHeader header;
      if (!decode_header(*bytes, header))
        return Error{Code::corrupt, "a block of the journal does not decode"};
      const std::string_view records = std::string_view(*bytes).substr(header.encoded_bytes);
      if (!show_block(below, records, from, fields, tests, show)) break;
    }
    return Done{};
  }

  /// False: `show` has had enough.
  bool show_block(std::uint64_t block, std::string_view bytes, Position from, const FieldTable& fields,
                  std::span<const Comparison> tests, const Show& show) {
    std::vector<std::string_view> records;
    split_records(bytes, records);  // of a damaged block, those that can be told apart
    std::size_t end = records.size();
    if (block == from.block) end = std::min<std::size_t>(end, from.index);
    Record record;
    for (std::size_t i = end; i-- > 0;) {
      if (!decode_record(records[i], fields, record)) continue;
      const auto passes = [&](const Comparison& test) { return test.passes(record); };
      if (!std::all_of(tests.begin(), tests.end(), passes)) continue;
      if (!show(record, {block, static_cast<std::uint32_t>(i)})) return false;
    }
    return true;
  }

  BlockStore& blocks_;
  std::mutex adding_;
  std::vector<std::string> names_;  // the stored vocabulary; guarded by adding_, as is publishing
  FieldVersions fields_;
  JournalWriter writer_;
};

}  // namespace

Result<std::unique_ptr<Journal>> open_journal(BlockStore& blocks, const Clock& clock,
                                              JournalOptions options) {
  std::vector<FieldSpec> specs = core_fields();
  if (const auto merged = merge_fields(specs, options.plugin_fields); !merged) return merged.error();
  Result<std::vector<std::string>> names = blocks.field_names();
  if (!names) return std::move(names).error();
  const std::size_t known = names->size();
  Result<JournalFields> fields = number_fields(std::move(specs), *names);
  if (!fields) return std::move(fields).error();
  if (names->size() != known) {
    if (Status written = blocks.put_field_names(*names); !written) return std::move(written).error();
  }
  return std::unique_ptr<Journal>(std::make_unique<BlockJournal>(blocks, clock, std::move(options),
                                                                 *std::move(fields), *std::move(names)));
}

}  // namespace mimus
