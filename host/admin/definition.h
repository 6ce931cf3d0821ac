// One definition as a document: what was sent, and what the host keeps beside it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/admin/json_input.h"
#include "store/definitions.h"
#include "store/ulid.h"

namespace mimus::admin {

/// A field of a definition that the host itself understands.
struct CoreField {
  std::string_view name;
  std::string_view schema;    ///< JSON Schema.
  std::string_view fallback;  ///< JSON shown where nothing was sent; "" for none.
  bool required = false;
};

/// The core fields of a kind, in the order in which they are shown.
std::span<const CoreField> core_fields_of(Kind kind);

/// True for id, apiId, createdAt, updatedAt and revision: ours, ignored in bodies.
bool is_host_field(std::string_view name);

struct Definition {
  Kind kind = Kind::api;
  Ulid id, api;
  std::uint64_t revision = 1;
  std::int64_t created_us = 0, updated_us = 0;
  /// The revision that --definitions wrote last; an edit since makes it differ.
  std::optional<std::uint64_t> loaded;
  Document sent;  ///< Core and plugins' fields as they were sent; no host fields.

  /// The source text of a field, or of its fallback; "" if it has neither.
  std::string_view field(std::string_view name) const;
};

/// What the store keeps: what was sent, and the host's fields.
std::string stored_text(const Definition& definition);
/// REQUIRES: `text` is a stored_text.
Definition parse_stored(Kind kind, std::string_view text);

/// What GET shows: the same with the core fields' fallbacks filled in.
std::string shown_text(const Definition& definition);

/// "2026-01-01T00:00:00.000Z"
std::string rfc3339(std::int64_t wall_us);

/// The word for a kind in messages: "API", "endpoint", "WebSocket endpoint".
std::string_view noun(Kind kind);

}  // namespace mimus::admin
