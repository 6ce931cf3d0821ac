// Journal blocks on a Table: each body in the journal's space, its head in the main one.
//
// A block is there if its head is: so a start reads heads only, and bodies need not be
// removed one by one, but go by whole files.
#include <atomic>

#include "store/bytes.h"
#include "store/doors.h"

namespace mimus {
namespace {

std::string body_key(BlockStore::Key key) {
  std::string out;
  bytes::add_key(out, key.block);
  bytes::add_key(out, key.piece);
  return out;
}

std::string head_key(BlockStore::Key key) { return std::string{owner::head} + body_key(key); }

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
    batch.put(Space::main, head_key(key), std::string(bytes.substr(0, head_bytes)));
    batch.put(Space::journal, body_key(key), std::string(bytes));
    for (const Key gone : instead) {
      batch.remove(Space::main, head_key(gone));
      batch.remove(Space::journal, body_key(gone));
    }
    return table_.write(batch, false);
  }

  Result<std::string> get(Key key) const override {
    if (Result<std::string> head = table_.get(Space::main, head_key(key)); !head) return head;
    return table_.get(Space::journal, body_key(key));
  }

  Status remove_before(Key end) override {
    // Starting where the last removal ended spares reading over what it left behind.
    const Key from{removed_before_.load(), 0};
    if (from >= end) return Done{};
    Batch batch;
    Status scanned =
        table_.scan(Space::main, head_key(from), head_key(end), [&](std::string_view key, std::string_view) {
          batch.remove(Space::main, std::string(key));
          return true;
        });
    if (!scanned) return scanned;
    if (!batch.writes().empty()) {
      if (Status written = table_.write(batch, false); !written) return written;
    }
    removed_before_.store(end.block);
    return table_.drop_before(Space::journal, body_key(end));
  }

  Status each(const std::function<void(Key, std::string_view)>& show) const override {
    return table_.scan(Space::main, std::string{owner::head}, after_prefix({owner::head}),
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
  Table& table_;
  std::atomic<std::uint64_t> removed_before_{0};
};

}  // namespace

std::unique_ptr<BlockStore> blocks_on(Table& table) { return std::make_unique<TableBlocks>(table); }

}  // namespace mimus
