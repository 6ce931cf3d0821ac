// Whole sets of definitions as one document: taken in, all or nothing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "host/admin/change_set.h"

namespace mimus::admin {

/// import: what PUT /admin/definitions does; matches by id, else by slug, or by an
/// endpoint's name, method and path together; what the document says wins.
/// load: what --definitions does; matches endpoints by name alone (unnamed ones by method
/// and path), and leaves what was edited since the last load.
enum class Intake : std::uint8_t { import, load };

struct IntakeCounts {
  struct Each {
    std::size_t created = 0, updated = 0, unchanged = 0;
  };
  Each apis, endpoints, channels;

  std::string json() const;
};

/// Stages everything that `document` names ({"version":1,"apis":[{…,"endpoints":[…],
/// "websocketEndpoints":[…]}]}) in `changes`; what it does not name stays.
/// Errors: 400 with up to 100 faults, pointers from the document's root; 409
Outcome<IntakeCounts> stage_document(std::string_view document, Intake intake, std::int64_t wall_us,
                                     UlidSource& ids, const DefinitionStore& store, ChangeSet& changes);

}  // namespace mimus::admin
