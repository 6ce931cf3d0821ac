#include "store/definitions.h"

#include <mutex>

#include "store/bytes.h"
#include "store/doors.h"

namespace mimus {
namespace {

std::string_view raw(const Ulid& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

Ulid read_id(bytes::Reader& from) {
  Ulid out;
  const std::string_view at = from.take(out.bytes.size());
  if (from.ok()) std::memcpy(out.bytes.data(), at.data(), at.size());
  return out;
}

std::string sequence_key() { return std::string{owner::meta} + "sequence"; }

std::string document_key(Kind kind, const Ulid& id) {
  return std::string{owner::document, static_cast<char>(kind)}.append(raw(id));
}

std::string route_key(const Ulid& id) { return std::string{owner::route}.append(raw(id)); }

std::string change_key(std::uint64_t sequence) {
  std::string out{owner::change};
  bytes::add_key(out, sequence);
  return out;
}

std::string encode_document(const DefinitionWrite& write) {
  std::string out;
  bytes::add_varint(out, write.revision);
  out.append(raw(write.api)).append(write.document);
  return out;
}

std::string encode_route(const DefinitionWrite& write) {
  std::string out;
  bytes::add_varint(out, write.revision);
  out.append(raw(write.api));
  bytes::add_text(out, write.route.method);
  bytes::add_text(out, write.route.path);
  bytes::add_varint(out, bytes::zigzag(write.route.priority));
  out.push_back(write.route.enabled ? 1 : 0);
  return out;
}

std::string encode_change(const DefinitionWrite& write, std::int64_t wall_us) {
  std::string out{static_cast<char>(write.kind), static_cast<char>(write.tombstone)};
  out.append(raw(write.id));
  bytes::add_varint(out, write.revision);
  bytes::add_fixed(out, wall_us);
  return out;
}

Error corrupt(std::string_view what) {
  return {Code::corrupt, "a stored " + std::string(what) + " does not decode"};
}

class TableDefinitions final : public DefinitionStore {
 public:
  TableDefinitions(Table& table, std::uint64_t sequence) : table_(table), sequence_(sequence) {}

  Result<std::uint64_t> commit(std::span<const DefinitionWrite> writes, std::int64_t wall_us) override {
    const std::lock_guard lock(mutex_);
    std::uint64_t sequence = sequence_.load();
    if (writes.empty()) return sequence;
    Batch batch;
    for (const DefinitionWrite& write : writes) {
      if (write.tombstone) {
        batch.remove(Space::main, document_key(write.kind, write.id));
        if (write.kind == Kind::endpoint) batch.remove(Space::main, route_key(write.id));
      } else {
        batch.put(Space::main, document_key(write.kind, write.id), encode_document(write));
        if (write.kind == Kind::endpoint) batch.put(Space::main, route_key(write.id), encode_route(write));
      }
      batch.put(Space::main, change_key(++sequence), encode_change(write, wall_us));
    }
    std::string newest;
    bytes::add_varint(newest, sequence);
    batch.put(Space::main, sequence_key(), std::move(newest));
    if (Status written = table_.write(batch, true); !written) return written.error();
    sequence_.store(sequence);
    return sequence;
  }

  std::uint64_t sequence() const override { return sequence_.load(); }

  Result<std::string> document(Kind kind, const Ulid& id) const override {
    Result<std::string> stored = table_.get(Space::main, document_key(kind, id));
    if (!stored) return std::move(stored).error();
    bytes::Reader from(*stored);
    from.varint();
    read_id(from);
    if (!from.ok()) return corrupt("definition");
    return std::string(from.rest());
  }

  Status each(Kind kind, const std::function<void(const StoredDefinition&)>& show) const override {
    const bool routes = kind == Kind::endpoint;
    const std::string prefix =
        routes ? std::string{owner::route} : std::string{owner::document, static_cast<char>(kind)};
    StoredDefinition shown;
    shown.kind = kind;
    bool ok = true;
    Status scanned = table_.scan(Space::main, prefix, after_prefix(prefix),
                                 [&](std::string_view key, std::string_view value) {
                                   bytes::Reader id(key.substr(prefix.size()));
                                   bytes::Reader from(value);
                                   shown.id = read_id(id);
                                   shown.revision = from.varint();
                                   shown.api = read_id(from);
                                   if (routes) {
                                     shown.route.method = from.text();
                                     shown.route.path = from.text();
                                     shown.route.priority = bytes::unzigzag(from.varint());
                                     shown.route.enabled = from.fixed<char>() != 0;
                                   } else {
                                     shown.document = from.rest();
                                   }
                                   ok = id.ok() && from.ok();
                                   if (ok) show(shown);
                                   return ok;
                                 });
    if (!ok) return corrupt(routes ? "route record" : "definition");
    return scanned;
  }

  Result<std::vector<DefinitionChange>> changes(std::uint64_t after, std::size_t limit) const override {
    std::vector<DefinitionChange> out;
    if (limit == 0 || after == UINT64_MAX) return out;
    bool ok = true;
    const Status scanned = table_.scan(Space::main, change_key(after + 1), after_prefix({owner::change}),
                                       [&](std::string_view key, std::string_view value) {
                                         if (key.size() != 1 + sizeof(std::uint64_t)) return ok = false;
                                         bytes::Reader from(value);
                                         DefinitionChange change;
                                         change.sequence = bytes::key<std::uint64_t>(key.substr(1));
                                         change.kind = static_cast<Kind>(from.fixed<char>());
                                         change.tombstone = from.fixed<char>() != 0;
                                         change.id = read_id(from);
                                         change.revision = from.varint();
                                         change.wall_us = from.fixed<std::int64_t>();
                                         if (!from.ok()) return ok = false;
                                         out.push_back(change);
                                         return out.size() < limit;
                                       });
    if (!ok) return corrupt("change of a definition");
    if (!scanned) return scanned.error();
    return out;
  }

 private:
  Table& table_;
  std::mutex mutex_;  // held by commit, so that sequences are applied in order
  std::atomic<std::uint64_t> sequence_;
};

}  // namespace

Result<std::unique_ptr<DefinitionStore>> definitions_on(Table& table) {
  std::uint64_t sequence = 0;
  if (Result<std::string> stored = table.get(Space::main, sequence_key()); stored) {
    bytes::Reader from(*stored);
    sequence = from.varint();
    if (!from.ok()) return corrupt("sequence");
  } else if (stored.error().code != Code::not_found) {
    return std::move(stored).error();
  }
  return std::unique_ptr<DefinitionStore>(std::make_unique<TableDefinitions>(table, sequence));
}

}  // namespace mimus
