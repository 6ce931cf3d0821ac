// The life of plugins while the host serves: noticed, verified, tried, swapped in, watched,
// drained and unloaded. One thread of its own, "plugins", does all of it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/image_file.h"
#include "host/plugin/plugin_set.h"
#include "host/plugin/plugin_state.h"
#include "host/plugin/quarantine.h"
#include "host/plugin/traffic.h"
#include "mimus/clock.h"

namespace mimus {

/// What the manager changes of the running host. On the plugins thread.
class PluginStage {
 public:
  virtual ~PluginStage() = default;
  /// Numbers the journal fields of a plugin that is about to be made.
  /// Errors: conflict - a field of that name has another type;  unavailable - there are too many
  virtual Status learn(const Manifest& manifest) = 0;
  /// Whether definitions can be held to what these plugins say.
  /// Errors: invalid - a schema does not compile
  virtual Status prepare(const PluginSetPtr& set) = 0;
  /// Every request that begins after this returns is served by the mix; what older pipelines
  /// hold is let go as their exchanges end.
  virtual void publish(PluginMix mix) = 0;
  /// Has every worker tell the instance's timers and fetches GONE. REQUIRES: it is quiesced.
  virtual void end_work(const PluginPtr& plugin) = 0;
  /// Has every worker fail the exchanges that it holds, and close its channels with 1012.
  virtual void evict(const PluginPtr& plugin) = 0;
  /// What was answered since the start.
  virtual TrafficSum traffic(bool candidate) const = 0;
};

/// One thing that happened to a plugin.
struct PluginEvent {
  std::int64_t time_us = 0;  ///< Wall clock.
  std::string what;          ///< A state, or what was refused: "active", "rejected", "rolled-back", …
  std::string version, sha256, detail;
  std::int64_t took_us = -1;  ///< < 0: nothing to measure.
};

/// What became of an image that serves no more.
struct EndingStatus {
  std::string version, sha256, file;
  std::string
      state;  ///< draining, parked, pinned, unloaded; destroyed: its code goes on in another instance.
  std::string detail;  ///< Who holds it, or why it stays mapped.
  std::int64_t since_us = 0;
};

struct PluginStatus {
  std::string id;
  std::string state;  ///< active, probation, canary, disabled, rejected, quarantined, removed
  std::string version, sha256, file, origin, signature;
  bool builtin = false;
  std::vector<std::string> warnings;
  std::string config;                 ///< JSON of what PUT …/config said, "" for nothing.
  std::string former_version;         ///< What a rollback would bring; "" for none.
  std::uint32_t canary_percent = 0;   ///< Of the next new image, or of the present one.
  std::string canary_version;         ///< "" but while a canary runs.
  TrafficSum canary, stable;          ///< While it runs: since it began.
  std::vector<EndingStatus> endings;  ///< Newest first, at most 16.
  std::vector<PluginEvent> events;    ///< Newest first, at most 50.
};

/// What operators are told, all of one moment.
struct PluginOverview {
  PluginSetPtr serving;               ///< What PluginHost::current() was.
  std::vector<PluginStatus> plugins;  ///< In the pipelines' order, then those that do not serve, by id.
  Supervision supervision;
};

struct ManagerSetup {
  PluginHost* plugins = nullptr;
  PluginStage* stage = nullptr;
  ImageStore* images = nullptr;
  const Clock* clock = nullptr;
  std::string data;                      ///< The data directory.
  std::vector<std::string> directories;  ///< --plugins, watched.
  std::vector<PluginSource> builtin;     ///< All that were found, also those that are not loaded.
  PluginDecisions decisions = {};
  PluginHost::Options options;  ///< Of flags, environment, file and manifest.
  void (*log)(mimus_log_level level, std::string_view text) = nullptr;
  /// Tries an image in a child process. Empty: it is not tried.
  std::function<Status(const std::string& file, const std::string& options)> probe;
  Quarantine quarantine = {};
  Supervision supervision = {};
  std::chrono::milliseconds probation{60'000};  ///< 0: what is loaded is accepted at once.
  std::chrono::milliseconds drain{30'000};      ///< After which exchanges and channels are evicted …
  std::chrono::milliseconds park{30'000};       ///< … and after which what holds on is left parked.
};

/// Its commands block until they are done, at most some seconds: a failure changes nothing.
/// [any thread but plugins and the workers]
///
/// Errors of commands: not_found - there is no such plugin, or nothing to do this with;
///   conflict - the image is refused, and why, or another change runs; invalid - the input,
///   with its pointer; unavailable - the disk, or the host is stopping
class PluginManager {
 public:
  /// `setup`'s pointers outlive the manager.
  static Result<std::unique_ptr<PluginManager>> open(ManagerSetup setup);
  ~PluginManager();  ///< Stops.

  /// Loads what the directories hold, and begins to watch them. What is refused is an event
  /// and a line of the log, and no reason not to start. Before the workers start, after
  /// PluginHost::activate.
  void start();
  /// Ends the thread. What serves goes on; what was on trial, or could be rolled back to, is told
  /// to end. No command is taken any more.
  void stop();

  Status reload(const std::string& id);
  Status disable(const std::string& id);
  Status enable(const std::string& id);  ///< Pardons what was quarantined, too.
  Status rollback(const std::string& id);
  Status configure(const std::string& id, const std::string& json);
  Status install(const std::string& id, std::string_view image);
  Status remove(const std::string& id);
  Status canary(const std::string& id, std::uint32_t percent);

  /// After the last change that is complete: a command's, once it has returned. [any]
  PluginOverview overview() const;

 private:
  struct State;
  explicit PluginManager(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mimus
