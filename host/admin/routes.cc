// The table, and matching against it.
#include "host/admin/routes.h"

#include <algorithm>

#include "host/admin/service.h"
#include "host/plugin/request_filters.h"

namespace mimus::admin {
namespace {

constexpr auto viewer = Role::viewer, editor = Role::editor, admin_role = Role::admin;
constexpr auto reads = Thread::query, writes = Thread::definitions, plugins = Thread::plugins;

#define API "/admin/api-definitions"
#define CHANNELS "/admin/websocket-endpoints/{id}"

// One row is one route.
// clang-format off
constexpr Route table[] = {
    {"GET", API, "listApis", "The API definitions", viewer, reads, Query::list, "", 200, "ApiList", false, &Service::list_apis},
    {"POST", API, "createApi", "Creates an API definition", editor, writes, Query::none, "ApiDefinitionInput", 201, "ApiDefinition", true, &Service::create_api},
    {"GET", API "/{apiId}", "getApi", "One API definition", viewer, reads, Query::none, "", 200, "ApiDefinition", true, &Service::get_api},
    {"PUT", API "/{apiId}", "replaceApi", "Replaces an API definition", editor, writes, Query::none, "ApiDefinitionInput", 200, "ApiDefinition", true, &Service::replace_api},
    {"PATCH", API "/{apiId}", "changeApi", "Changes an API definition (JSON Merge Patch)", editor, writes, Query::none, "Patch", 200, "ApiDefinition", true, &Service::patch_api},
    {"DELETE", API "/{apiId}", "deleteApi", "Deletes an API definition and all that belongs to it", editor, writes, Query::none, "", 204, "", true, &Service::delete_api},

    {"GET", API "/{apiId}/endpoints", "listEndpoints", "The endpoints of an API", viewer, reads, Query::list, "", 200, "EndpointList", false, &Service::list_endpoints},
    {"POST", API "/{apiId}/endpoints", "createEndpoint", "Creates an endpoint", editor, writes, Query::none, "EndpointInput", 201, "Endpoint", true, &Service::create_endpoint},
    {"GET", API "/{apiId}/endpoints/{endpointId}", "getEndpoint", "One endpoint", viewer, reads, Query::none, "", 200, "Endpoint", true, &Service::get_endpoint},
    {"PUT", API "/{apiId}/endpoints/{endpointId}", "replaceEndpoint", "Replaces an endpoint", editor, writes, Query::none, "EndpointInput", 200, "Endpoint", true, &Service::replace_endpoint},
    {"PATCH", API "/{apiId}/endpoints/{endpointId}", "changeEndpoint", "Changes an endpoint (JSON Merge Patch)", editor, writes, Query::none, "Patch", 200, "Endpoint", true, &Service::patch_endpoint},
    {"DELETE", API "/{apiId}/endpoints/{endpointId}", "deleteEndpoint", "Deletes an endpoint", editor, writes, Query::none, "", 204, "", true, &Service::delete_endpoint},

    {"GET", API "/{apiId}/websocket-endpoints", "listWebSocketEndpoints", "The WebSocket endpoints of an API", viewer, reads, Query::list, "", 200, "WebSocketEndpointList", false, &Service::list_channels},
    {"POST", API "/{apiId}/websocket-endpoints", "createWebSocketEndpoint", "Creates a WebSocket endpoint", editor, writes, Query::none, "WebSocketEndpointInput", 201, "WebSocketEndpoint", true, &Service::create_channel},
    {"GET", API "/{apiId}/websocket-endpoints/{id}", "getWebSocketEndpoint", "One WebSocket endpoint", viewer, reads, Query::none, "", 200, "WebSocketEndpoint", true, &Service::get_channel},
    {"PUT", API "/{apiId}/websocket-endpoints/{id}", "replaceWebSocketEndpoint", "Replaces a WebSocket endpoint", editor, writes, Query::none, "WebSocketEndpointInput", 200, "WebSocketEndpoint", true, &Service::replace_channel},
    {"PATCH", API "/{apiId}/websocket-endpoints/{id}", "changeWebSocketEndpoint", "Changes a WebSocket endpoint (JSON Merge Patch)", editor, writes, Query::none, "Patch", 200, "WebSocketEndpoint", true, &Service::patch_channel},
    {"DELETE", API "/{apiId}/websocket-endpoints/{id}", "deleteWebSocketEndpoint", "Deletes a WebSocket endpoint", editor, writes, Query::none, "", 204, "", true, &Service::delete_channel},

    {"POST", API "/{apiId}/websocket-endpoints/{id}/apply", "applyWebSocketEndpoint", "Gives open connections the definition of now; those of a disabled endpoint are closed with 1001", editor, reads, Query::none, "", 200, "Applied", false, &Service::apply_channel},

    {"GET", "/admin/definitions", "exportDefinitions", "All definitions", viewer, reads, Query::none, "", 200, "Definitions", false, &Service::export_definitions},
    {"PUT", "/admin/definitions", "importDefinitions", "Creates and updates definitions, all or none; what the body does not name stays", editor, writes, Query::none, "Definitions", 200, "ImportCounts", false, &Service::import_definitions},
    {"POST", "/admin/reset", "reset", "Forgets what was gathered", editor, writes, Query::none, "Reset", 200, "ResetDone", false, &Service::reset},

    {"GET", CHANNELS "/connections", "listConnections", "The open connections of a WebSocket endpoint", viewer, reads, Query::list, "", 200, "ConnectionList", false, &Service::list_connections},
    {"POST", CHANNELS "/connections/broadcast", "broadcast", "Sends an event, a text or a binary to those who are connected now: to all, a room, or one", editor, reads, Query::none, "Event", 200, "BroadcastDone", false, &Service::broadcast},
    {"POST", CHANNELS "/broadcast", "broadcastShort", "The same by a shorter path", editor, reads, Query::none, "Event", 200, "BroadcastDone", false, &Service::broadcast},
    {"DELETE", CHANNELS "/connections/{connectionId}", "closeConnection", "Closes a connection, with 1000 unless the query says otherwise", editor, reads, Query::close, "", 204, "", false, &Service::close_connection},
    {"POST", CHANNELS "/apply", "applyShort", "Gives open connections the definition of now: applyWebSocketEndpoint by a shorter path", editor, reads, Query::none, "", 200, "Applied", false, &Service::apply_channel},
    {"GET", CHANNELS "/messages/stream", "streamMessages", "What happens on the endpoint's connections from now on, as Server-Sent Events: watching (it begins), open, message, close, dropped (the viewer reads too slowly). At most 16 viewers on a worker", viewer, reads, Query::none, "", 200, event_stream, false, &Service::stream_messages},
    {"POST", CHANNELS "/record", "recordSession", "Makes a definition of what was recorded of a connection, which plays it with its timing. With a path that is new it is stored as a new endpoint, with the endpoint's own in its place, and without one it is only shown", editor, reads, Query::none, "Recording", 200, "WebSocketEndpoint", false, &Service::record_session, true, true},

    {"GET", "/admin/requests", "listRequests", "The journal, newest first", viewer, reads, Query::requests, "", 200, "RequestList", false, &Service::list_requests},
    {"DELETE", "/admin/requests", "deleteRequests", "Empties the journal", editor, reads, Query::none, "", 204, "", false, &Service::delete_requests},
    {"GET", "/admin/requests/{id}", "getRequest", "One request", viewer, reads, Query::none, "", 200, "Request", false, &Service::get_request},

    {"GET", "/admin/plugins", "listPlugins", "The plugins, outermost first", viewer, reads, Query::list, "", 200, "PluginList", false, &Service::list_plugins},
    {"GET", "/admin/plugins/{id}", "getPlugin", "One plugin", viewer, reads, Query::none, "", 200, "Plugin", false, &Service::get_plugin},
    {"DELETE", "/admin/plugins/{id}", "removePlugin", "Removes a plugin that was installed over the network", admin_role, plugins, Query::none, "", 204, "", false, &Service::remove_plugin},
    {"POST", "/admin/plugins/{id}/reload", "reloadPlugin", "Loads the plugin's file again, whatever it holds now", admin_role, plugins, Query::none, "", 200, "Plugin", false, &Service::reload_plugin},
    {"POST", "/admin/plugins/{id}/disable", "disablePlugin", "Takes the plugin out, also after restarts", admin_role, plugins, Query::none, "", 200, "Plugin", false, &Service::disable_plugin},
    {"POST", "/admin/plugins/{id}/enable", "enablePlugin", "Brings a disabled, quarantined or rejected plugin back", admin_role, plugins, Query::none, "", 200, "Plugin", false, &Service::enable_plugin},
    {"POST", "/admin/plugins/{id}/rollback", "rollBackPlugin", "Brings the version before back", admin_role, plugins, Query::none, "", 200, "Plugin", false, &Service::roll_back_plugin},
    {"PUT", "/admin/plugins/{id}/config", "configurePlugin", "Sets options of the plugin, over flags and config file; {} sets none", admin_role, plugins, Query::none, "PluginConfig", 200, "Plugin", false, &Service::configure_plugin},
    {"PUT", "/admin/plugins/{id}/canary", "setCanary", "The share of requests that a new version serves until it has proved itself", admin_role, plugins, Query::none, "Canary", 200, "Plugin", false, &Service::set_canary},
    {"PUT", "/admin/plugins/{id}/image", "installPlugin", "Installs a signed image, the body's bytes, as a plugin", admin_role, plugins, Query::none, raw_body, 200, "Plugin", false, &Service::install_plugin},
    {"GET", "/admin/pipeline", "explainPipeline", "What an endpoint's requests go through, and why in this order", viewer, reads, Query::endpoint_id, "", 200, "Pipeline", false, &Service::explain_pipeline},

    {"GET", "/admin/tokens", "listTokens", "The tokens, without their secrets", admin_role, reads, Query::list, "", 200, "TokenList", false, &Service::list_tokens},
    {"POST", "/admin/tokens", "createToken", "Creates a token; its secret is shown this once", admin_role, reads, Query::none, "TokenInput", 201, "NewToken", false, &Service::create_token},
    {"DELETE", "/admin/tokens/{id}", "deleteToken", "Revokes a token", admin_role, reads, Query::none, "", 204, "", false, &Service::delete_token},
    {"POST", "/admin/backup", "backup", "Makes a consistent copy of the data directory", admin_role, reads, Query::none, "Backup", 201, "Backup", false, &Service::backup},
    {"GET", "/admin/openapi.json", "getOpenApi", "This document", viewer, reads, Query::none, "", 200, "OpenApi", false, &Service::openapi},
};
// clang-format on

constexpr Missing later[] = {
    {"GET", "/admin/requests/stream", "streaming requests"},
    {"POST", API "/{apiId}/record", "recording"},
    {"POST", API "/{apiId}/endpoints/{endpointId}/record", "recording"},
};

#undef API
#undef CHANNELS

}  // namespace

std::string Call::parameter(std::string_view name) const {
  for (QueryPair& pair : split_query(query)) {
    if (pair.name == name) return std::move(pair.value);
  }
  return "";
}

std::span<const Route> routes() { return table; }
std::span<const Missing> missing_routes() { return later; }

bool path_fits(std::string_view pattern, std::string_view path, std::vector<std::string>& params) {
  params.clear();
  while (!pattern.empty() && !path.empty()) {
    const std::size_t pattern_end = std::min(pattern.find('/', 1), pattern.size());
    const std::size_t path_end = std::min(path.find('/', 1), path.size());
    const std::string_view want = pattern.substr(0, pattern_end), have = path.substr(0, path_end);
    if (want.starts_with("/{")) {
      if (have.size() < 2) return false;
      params.emplace_back(have.substr(1));
    } else if (want != have) {
      return false;
    }
    pattern.remove_prefix(pattern_end);
    path.remove_prefix(path_end);
  }
  return pattern.empty() && path.empty();
}

std::vector<std::string_view> methods_at(std::string_view path) {
  std::vector<std::string_view> out;
  std::vector<std::string> params;
  for (const Route& route : table) {
    if (path_fits(route.path, path, params)) out.push_back(route.method);
  }
  return out;
}

}  // namespace mimus::admin
