// What a definition may say: the core schemas, the plugins' schemas and their checks.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/admin/definition.h"
#include "host/admin/schema.h"
#include "host/plugin/plugin_set.h"

namespace mimus::admin {

/// Made of one set of plugins. Const members may run on any threads at once, but
/// plugin checks are for the definitions thread.
class Rules {
 public:
  /// Of the plugins of `set`, which the result keeps; `plugins` must outlive it.
  /// Errors: invalid - a plugin's schema does not compile; names plugin and field
  static Result<Rules> make(const PluginHost& plugins, PluginSetPtr set);

  /// Appends what is wrong with `next`. `touched` are the fields that this write sends:
  /// others are as they were stored, and may be those of a plugin that has gone. `api` is
  /// the API that it belongs to (`next` itself for an API). Pointers start with `base`.
  void check(const Definition& next, const std::vector<std::string>& touched, const Definition& api,
             const std::string& base, std::vector<Fault>& faults) const;

  /// A JSON Schema "properties" object of a kind, and the names of the required ones; for
  /// the OpenAPI document, in which it will be the component `component`.
  std::string properties(Kind kind, const std::string& component) const;
  std::string required(Kind kind) const;

 private:
  struct Field {
    std::string name, text;
    Schema schema;
  };
  using Level = std::vector<Field>;

  Rules(const PluginHost& plugins, PluginSetPtr set) : plugins_(&plugins), set_(std::move(set)) {}
  const Level& level(Kind kind) const { return levels_[static_cast<std::size_t>(kind) - 1]; }
  std::vector<std::string> names(Kind kind) const;
  void check_plugin_settings(std::string_view settings, const std::string& base,
                             std::vector<Fault>& faults) const;
  void ask_plugins(const Definition& next, const Definition& api, const std::string& base,
                   std::vector<Fault>& faults) const;

  const PluginHost* plugins_;
  PluginSetPtr set_;
  std::array<Level, 3> levels_;                          ///< In the order of Kind.
  std::map<std::string, Schema, std::less<>> settings_;  ///< By plugin id; none: only {} and false.
};

/// What the host's own fields must be beyond their schemas: slug, hosts, method, paths.
/// REQUIRES: the fields fit their schemas.
void check_core(const Definition& next, const std::string& base, std::vector<Fault>& faults);

/// A host name in lower case, for comparing. REQUIRES: it passed check_core.
std::string plain_host(std::string_view host);
/// The strings of a JSON array of strings.
std::vector<std::string> strings_of(std::string_view array);

}  // namespace mimus::admin
