// Definitions as documents, and the ordered log of their changes.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mimus/result.h"
#include "store/ulid.h"

namespace mimus {

enum class Kind : std::uint8_t { api = 1, endpoint = 2, channel = 3 };

/// What routing needs of an endpoint, kept beside its document so that a start need not
/// read 100,000 documents.
struct RouteRecord {
  std::string method;  ///< A method token, or "ANY".
  std::string path;    ///< As in the definition.
  std::int64_t priority = 0;
  bool enabled = true;
};

/// One change of one definition.
struct DefinitionWrite {
  Kind kind = Kind::api;
  Ulid id;
  Ulid api;  ///< The API it belongs to; equals `id` for an API.
  std::uint64_t revision = 0;
  bool tombstone = false;  ///< It is deleted; document and route are ignored.
  std::string document;    ///< JSON, byte for byte as it shall be read again.
  RouteRecord route;       ///< For endpoints.
};

struct DefinitionChange {
  std::uint64_t sequence = 0;
  Kind kind = Kind::api;
  Ulid id;
  std::uint64_t revision = 0;
  std::int64_t wall_us = 0;
  bool tombstone = false;
};

struct StoredDefinition {
  Kind kind = Kind::api;
  Ulid id;
  Ulid api;
  std::uint64_t revision = 0;
  std::string document;  ///< "" where only routes were asked for.
  RouteRecord route;     ///< For endpoints.
};

/// Thread-safe; commits are applied in the order of their sequences.
class DefinitionStore {
 public:
  virtual ~DefinitionStore() = default;

  /// Applies all writes or none, appends one change each to the log, and returns the
  /// sequence of the last. Durable (synced) on return.
  /// Errors: unavailable - the disk refused; nothing was applied
  virtual Result<std::uint64_t> commit(std::span<const DefinitionWrite> writes, std::int64_t wall_us) = 0;

  /// The sequence of the newest change; 0 in an empty store.
  virtual std::uint64_t sequence() const = 0;

  /// Errors: not_found, corrupt, unavailable
  virtual Result<std::string> document(Kind kind, const Ulid& id) const = 0;

  /// Shows each living definition of a kind in the order of ids; endpoints without their
  /// documents. Views are valid for the call.
  virtual Status each(Kind kind, const std::function<void(const StoredDefinition&)>& show) const = 0;

  /// Changes after a sequence, oldest first, at most `limit`.
  virtual Result<std::vector<DefinitionChange>> changes(std::uint64_t after, std::size_t limit) const = 0;
};

}  // namespace mimus
