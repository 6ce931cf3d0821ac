// Journal blocks on a Table: each block twice, its head apart, so that a start reads heads only.
#include <atomic>

#include "store/bytes.h"
#include "store/doors.h"

namespace mimus {
namespace {

constexpr char head_prefix = 'h';
constexpr char body_prefix = 'b';

std::string block_key(char prefix, BlockStore::Key key) {
  std::string out{prefix};
  bytes::add_key(out, key.block);
  bytes::add_key(out, key.piece);
  return out;
}

bool parse_key(std::string_view text, BlockStore::Key& out) {
  if (text.size() != 1 + sizeof out.block + sizeof out.piece) return false;
  out.block = bytes::key<std::uint64_t>(text.substr(1));
  out.piece = bytes::key<std::uint32_t>(text.substr(1 + sizeof out.block));
  return true;
}

std::string names_key() { return std::string{owner::meta} + "fields"; }

class TableBlocks final : public BlockStore {
 public:
  explicit TableBlocks(Table& table) : table_(table) {}

  Status put(Key key, std::string_view bytes, std::span<const Key> instead) override {
    Batch batch;
    batch.put(Space::journal, block_key(head_prefix, key), std::string(bytes.substr(0, head_bytes)));
    batch.put(Space::journal, block_key(body_prefix, key), std::string(bytes));
    for (const Key gone : instead) remove(batch, gone);
    return table_.write(batch, false);
  }

  Result<std::string> get(Key key) const override {
    return table_.get(Space::journal, block_key(body_prefix, key));
  }

  Status remove_before(Key end) override {
    // Starting where the last removal ended spares reading over what it left behind.
    const Key from{removed_before_.load(), 0};
    if (from >= end) return Done{};
    Batch batch;
    Status scanned = table_.scan(Space::journal, block_key(head_prefix, from), block_key(head_prefix, end),
                                 [&](std::string_view text, std::string_view) {
                                   Key key;
                                   if (parse_key(text, key)) remove(batch, key);
                                   return true;
                                 });
    if (!scanned) return scanned;
    if (!batch.writes().empty()) {
      if (Status written = table_.write(batch, false); !written) return written;
    }
    removed_before_.store(end.block);
    return Done{};
  }

  Status each(const std::function<void(Key, std::string_view)>& show) const override {
    return table_.scan(Space::journal, std::string{head_prefix}, after_prefix({head_prefix}),
                       [&](std::string_view text, std::string_view head) {
                         Key key;
                         if (parse_key(text, key)) show(key, head);
                         return true;
                       });
  }

  Result<std::vector<std::string>> field_names() const override {
    std::vector<std::string> out;
    Result<std::string> stored = table_.get(Space::main, names_key());
    if (!stored) {
      if (stored.error().code == Code::not_found) return out;
      return std::move(stored).error();
    }
    bytes::Reader from(*stored);
    while (from.ok() && !from.done()) out.emplace_back(from.text());
    if (!from.ok()) return Error{Code::corrupt, "the journal's field names do not decode"};
    return out;
  }

  Status put_field_names(const std::vector<std::string>& names) override {
    std::string value;
    for (const std::string& name : names) bytes::add_text(value, name);
    Batch batch;
    batch.put(Space::main, names_key(), std::move(value));
    return table_.write(batch, true);
  }

 private:
  static void remove(Batch& batch, Key key) {
    batch.remove(Space::journal, block_key(head_prefix, key));
    batch.remove(Space::journal, block_key(body_prefix, key));
  }

  Table& table_;
  std::atomic<std::uint64_t> removed_before_{0};
};

}  // namespace

std::unique_ptr<BlockStore> blocks_on(Table& table) { return std::make_unique<TableBlocks>(table); }

}  // namespace mimus
