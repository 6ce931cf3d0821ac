// The journal as its readers see it: pages, scans and single records over its blocks.
#include "store/journal.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "store/journal_writer.h"

namespace mimus {
namespace {

constexpr std::size_t max_field_names = 60'000;  // numbers are of 16 bits

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
  BlockJournal(BlockStore& blocks, const Clock& clock, JournalOptions options, JournalFields fields)
      : blocks_(blocks), fields_(std::move(fields)), writer_(blocks, clock, std::move(options), fields_) {}

  Producer& producer(unsigned index) override { return writer_.ring(index); }
  const std::vector<FieldSpec>& fields() const override { return fields_.specs; }

  int field(std::string_view name) const override {
    const auto found = std::find_if(fields_.specs.begin(), fields_.specs.end(),
                                    [&](const FieldSpec& spec) { return spec.name == name; });
    return found == fields_.specs.end() ? -1 : static_cast<int>(found - fields_.specs.begin());
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
    writer_.catch_up();  // late or not, what is there is searched
    const Filter wanted{field_id, Filter::Op::equals, 0, id.text()};
    std::optional<Record> out;
    const Status walked = walk(std::span(&wanted, 1), {}, [&](const Record& record, Position) {
      out = record;
      return false;
    });
    if (!walked) return walked.error();
    if (!out) return Error{Code::not_found, "no record has the id " + id.text()};
    return *std::move(out);
  }

  Status clear() override { return writer_.clear(); }
  Stats stats() const override { return writer_.stats(); }
  Status close() override { return writer_.close(); }

 private:
  using Show = std::function<bool(const Record&, Position)>;

  /// Shows what passes and is older than `from`, newest first, until `show` says false.
  Status walk(std::span<const Filter> filters, Position from, const Show& show) {
    std::vector<Comparison> tests;
    for (const Filter& filter : filters) tests.emplace_back(filter, fields_.stored);
    const JournalWriter::Open open = writer_.open();
    std::uint64_t below = open.block;
    if (from.block < open.block) {
      below = from.block + 1;
    } else if (!show_block(open.block, open.records, from, tests, show)) {
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
      if (!show_block(below, records, from, tests, show)) break;
    }
    return Done{};
  }

  /// False: `show` has had enough.
  bool show_block(std::uint64_t block, std::string_view bytes, Position from,
                  std::span<const Comparison> tests, const Show& show) {
    std::vector<std::string_view> records;
    split_records(bytes, records);  // of a damaged block, those that can be told apart
    std::size_t end = records.size();
    if (block == from.block) end = std::min<std::size_t>(end, from.index);
    Record record;
    for (std::size_t i = end; i-- > 0;) {
      if (!decode_record(records[i], fields_.stored, record)) continue;
      const auto passes = [&](const Comparison& test) { return test.passes(record); };
      if (!std::all_of(tests.begin(), tests.end(), passes)) continue;
      if (!show(record, {block, static_cast<std::uint32_t>(i)})) return false;
    }
    return true;
  }

  BlockStore& blocks_;
  const JournalFields fields_;
  JournalWriter writer_;
};

/// Numbers the current fields in the stored vocabulary, which grows by what is new.
Result<JournalFields> settle_fields(BlockStore& blocks, const std::vector<FieldSpec>& plugin_fields) {
  JournalFields out;
  out.specs = core_fields();
  out.specs.insert(out.specs.end(), plugin_fields.begin(), plugin_fields.end());
  Result<std::vector<std::string>> stored = blocks.field_names();
  if (!stored) return std::move(stored).error();
  std::vector<std::string>& names = *stored;
  const std::size_t known = names.size();
  for (std::size_t i = 0; i < out.specs.size(); ++i) {
    const FieldSpec& spec = out.specs[i];
    const auto found = std::find(names.begin(), names.end(), spec.name);
    const auto number = static_cast<std::uint16_t>(found - names.begin());
    if (found == names.end()) names.push_back(spec.name);
    out.ring.types.push_back(spec.type);
    out.ring.to.push_back(static_cast<std::uint16_t>(i));
    out.ring.from.push_back(static_cast<int>(i));
    out.stored.to.push_back(number);
  }
  if (names.size() > max_field_names)
    return Error{Code::corrupt, "the journal has had more than 60,000 field names"};
  out.stored.types = out.ring.types;
  out.stored.from.assign(names.size(), -1);
  for (std::size_t i = 0; i < out.specs.size(); ++i) out.stored.from[out.stored.to[i]] = static_cast<int>(i);
  if (names.size() != known) {
    if (Status written = blocks.put_field_names(names); !written) return written.error();
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<Journal>> open_journal(BlockStore& blocks, const Clock& clock,
                                              JournalOptions options) {
  Result<JournalFields> fields = settle_fields(blocks, options.plugin_fields);
  if (!fields) return std::move(fields).error();
  return std::unique_ptr<Journal>(
      std::make_unique<BlockJournal>(blocks, clock, std::move(options), *std::move(fields)));
}

}  // namespace mimus
