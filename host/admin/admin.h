// The admin REST API: requests in, answers out. No sockets here.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/channel/channels.h"
#include "mimus/clock.h"
#include "mimus/result.h"
#include "store/database.h"

namespace mimus {

class Definitions;
class Generations;
class PluginHost;
class PluginManager;
class PluginSet;
class Journal;

struct AdminCall {
  std::string method, path, query, body;  ///< path: decoded once, from "/admin" on.
  std::string authorization;              ///< The field's value, "" if absent.
  std::string if_match, if_none_match, content_type;
};

struct AdminResult {
  int status = 500;
  std::vector<std::pair<std::string, std::string>> headers;  ///< Content-Type among them.
  std::string body;
  /// Of an endpoint: the body is what happens on its channels from now on, as
  /// text/event-stream, which is not the API's to make.
  std::optional<Ulid> stream = {};
  /// The answer is to be had by this call, which has a thread of its own kind; the rest is
  /// not looked at.
  std::shared_ptr<const AdminCall> next = {};
};

/// What goes to the clients of an endpoint.
struct ChannelSend {
  Ulid endpoint;
  std::string room;             ///< "": all.
  std::optional<Ulid> channel;  ///< Only this one.
  Outgoing message;
};

/// What the admin API asks of the workers' open channels. Implemented by the composition; each
/// call asks every worker and waits for them, for some seconds at most. [query thread]
/// Errors of all that wait: unavailable - a worker did not answer in time; it still does as it was
/// told, later
class ChannelControl {
 public:
  virtual ~ChannelControl() = default;
  virtual Result<std::vector<ChannelInfo>> list(const Ulid& endpoint) = 0;
  /// To how many it was sent.
  virtual Result<std::size_t> send(const ChannelSend& what) = 0;
  /// False: no such channel is open.
  virtual Result<bool> close(const Ulid& endpoint, const Ulid& channel, int code,
                             const std::string& reason) = 0;

  struct Applied {
    std::size_t applied = 0, closed = 0;
  };
  /// Gives the open channels the definition of now; one that is disabled closes them with 1001.
  /// Errors: unavailable - it cannot be bound, or a worker did not answer;  corrupt
  virtual Result<Applied> apply(const Ulid& endpoint) = 0;
  /// Has the channels of endpoints that are not there any more closed with 1001, soon. [any thread]
  virtual void close_gone() = 0;
};

/// Explains a compiled pipeline: JSON for GET /admin/pipeline. [query thread]
using ExplainPipeline = std::function<Result<std::string>(const Ulid& endpoint)>;

struct AdminServices {
  const Clock* clock = nullptr;
  Database* database = nullptr;
  Journal* journal = nullptr;  ///< nullptr with --journal off.
  PluginHost* plugins = nullptr;
  Generations* generations = nullptr;
  ChannelControl* channels = nullptr;
  ExplainPipeline explain;
  /// Called once, when what is stored is published, or cannot be: the host must end then.
  /// [any thread, perhaps before Admin::open returns]
  std::function<void(const Status&)> loaded;
  std::string version;
  std::string admin_token;  ///< The first token's secret: role admin.
  std::size_t max_json_depth = 100;
};

class Admin {
 public:
  /// Loads what is stored and publishes it. With more than some 250 endpoints an empty
  /// generation is published, calls wait, and the rest is left to go_on_loading.
  /// Errors: invalid - a plugin's schema;  corrupt, unavailable - what is stored
  static Result<std::unique_ptr<Admin>> open(AdminServices services);
  virtual ~Admin() = default;

  /// Has a thread load what Admin::open left. [any thread]
  virtual void go_on_loading() = 0;
  /// Goes on, and blocks until what is stored is loaded. Errors: corrupt, unavailable
  virtual Status wait_until_loaded() = 0;

  /// True if the call changes definitions and so belongs on the definitions thread; all
  /// others go to the query thread. Pure. [any thread]
  virtual bool writes_definitions(std::string_view method, std::string_view path) const = 0;
  /// Answers one call; errors are problem+json results; `next` of a result is for whoever
  /// called. Three threads may be in here, each
  /// with its own kind of call.
  virtual AdminResult handle(const AdminCall& call) = 0;
  /// Whether definitions can be held to what these plugins say; use(set) is then cheap.
  /// Errors: invalid - a plugin's schema does not compile. [plugins thread]
  virtual Status prepare(const std::shared_ptr<const PluginSet>& set) = 0;
  /// Definitions that are written from now on are held to them. REQUIRES: prepare. [plugins thread]
  virtual void use(const std::shared_ptr<const PluginSet>& set) = 0;
  /// Who changes plugins from now on, and outlives the calls. Before the first call.
  virtual void manage(PluginManager& manager) = 0;
  /// True if the call changes plugins and so belongs on a thread of its own: it may take
  /// some seconds. Pure. [any thread]
  virtual bool changes_plugins(std::string_view method, std::string_view path) const = 0;
  /// True if the bearer token in `authorization` has at least that role; for /metrics.
  virtual bool allows(std::string_view authorization, Role role) const = 0;

  /// Loads a definitions file (JSON of GET /admin/definitions): idempotent by slug and
  /// endpoint name, never over newer edits.
  virtual Status load_file(std::string_view json) = 0;
};

}  // namespace mimus
