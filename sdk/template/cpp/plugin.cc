// @NAME@: adds the response header X-@NAME@ to the endpoints that configure it.
#include <string>

#include "mimus/json_text.h"
#include "mimus/plugin.hpp"

namespace {

class Plugin {
 public:
  /// What is kept for one endpoint.
  struct Binding {
    std::string value;
  };

  explicit Plugin(mimus::Host&) {}

  /// Once for each revision of an endpoint. Its configuration, plugins.{id} of the endpoint or
  /// else of its API, obeys the endpoint_schema of the manifest; "" if there is none.
  mimus::Result<std::unique_ptr<Binding>> bind(const mimus::View& view) {
    const auto value = mimus::json::member(view.config, "value");
    if (view.level != MIMUS_LEVEL_ENDPOINT || !value) return std::unique_ptr<Binding>();  // not here
    return std::make_unique<Binding>(Binding{mimus::json::unquote(*value)});
  }

  /// On a worker, for many requests at once: no locks, no waiting.
  mimus_action on_response(Binding& here, mimus::Request& request) {
    request.set("X-@NAME@", here.value);
    return MIMUS_NEXT;
  }
};

}  // namespace

MIMUS_MANIFEST =
#include "manifest.inc"
    ;
MIMUS_PLUGIN(Plugin, "@ID@", "0.1.0")
