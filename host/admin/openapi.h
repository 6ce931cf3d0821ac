// The OpenAPI 3.1 document, made of the routes and the plugins' manifests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/admin/components.h"
#include "host/admin/routes.h"
#include "host/plugin/manifest.h"

namespace mimus::admin {

/// Pure. `version` is the host's.
std::string openapi_document(std::string_view version, const std::vector<Component>& schemas,
                             const std::vector<const Manifest*>& plugins,
                             const std::vector<FieldSpec>& journal);

/// One operation of a manifest's "admin" object.
struct PluginOperation {
  std::string method, path, summary;  ///< path: below the plugin's own.
  Role role = Role::viewer;
  std::string parameters;  ///< JSON array.
  std::string response;    ///< JSON Schema, "" for none.
};
std::vector<PluginOperation> operations_of(const Manifest& manifest);

}  // namespace mimus::admin
