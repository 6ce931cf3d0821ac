// The JSON Schemas of what goes in and out, by name: for validation and for OpenAPI.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "host/admin/rules.h"
#include "store/journal.h"

namespace mimus::admin {

/// A named schema. Those of request bodies are self-contained; others may refer to each
/// other as "#/components/schemas/Name".
using Component = std::pair<std::string, std::string>;

/// `resets`: what POST /admin/reset may name; `journal`: all fields of records.
std::vector<Component> components(const Rules& rules, const std::vector<std::string>& resets,
                                  const std::vector<FieldSpec>& journal);

/// The names of the components that bodies are validated against before a handler runs;
/// definitions have Rules for that.
bool is_checked_body(std::string_view component);

}  // namespace mimus::admin
