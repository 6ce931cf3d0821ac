// The manager's memory, its thread and the steps of a swap. For manager*.cc alone.
#pragma once

#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "host/plugin/loaded.h"
#include "host/plugin/manager.h"
#include "host/plugin/watch.h"

namespace mimus {

/// Why an image is not taken; a command's conflict.
inline Error refusal(std::string message) { return {Code::conflict, std::move(message)}; }

/// An instance that serves no more, until nothing of it is left.
struct LeavingPlugin {
  EndingStatus shown;
  std::weak_ptr<const PluginHost::Loaded> plugin;
  std::chrono::microseconds since{0};
  bool evicted = false;
  bool final = false;  ///< Destroyed, and its image looked for.
};

/// One plugin id.
struct PluginSlot {
  std::string id;
  std::string state;                    ///< PluginStatus::state.
  std::optional<PluginSource> builtin;  ///< What is beside the program under this id.
  std::string origin;                   ///< The file that the newest image came from; "" for a built-in.
  PluginPtr serving;                    ///< In the stable set, or null.
  PluginPtr former;                     ///< While `serving` is on probation: what a rollback brings back.
  std::string former_config;            ///< Its PluginDecision::config.
  PluginPtr trial;                      ///< In the candidate set: a canary.
  std::uint32_t canary_percent = 0;
  std::map<std::string, ImageFile> files;  ///< By private path: of images that are or were mapped.

  // Since the present trial or probation began:
  std::chrono::microseconds since{0};
  TrafficSum before, stable_at, candidate_at;

  std::deque<LeavingPlugin> leaving;  ///< Newest first.
  std::deque<PluginEvent> events;     ///< Newest first.
};

struct PluginManager::State {
  explicit State(ManagerSetup from) : setup(std::move(from)) {}
  ~State();

  // ---- manager.cc: the thread -----------------------------------------------------------
  void run();
  Status on_thread(std::function<Status()> work);
  void wake();
  int next_timeout() const;

  // ---- manager_commands.cc: commands, on the thread -----------------------------------------------
  Result<PluginSlot*> slot_of(const std::string& id);
  Status reload(PluginSlot& slot);
  Status disable(PluginSlot& slot);
  Status enable(PluginSlot& slot);
  Status rollback(PluginSlot& slot);
  Status configure(PluginSlot& slot, const std::string& json);
  /// Another instance of the image that serves, by what its options are now; tried in a child first.
  Status serve_again(PluginSlot& slot);
  Status install(const std::string& id, std::string_view image);
  Status remove(PluginSlot& slot);
  Status canary(PluginSlot& slot, std::uint32_t percent);

  // ---- manager_swap.cc: steps --------------------------------------------------------------
  /// Quarantine, probe, load, instance, publish. `file` is forgotten where it is refused.
  Status bring(PluginSlot& slot, ImageFile file, bool forced);
  Status bring_builtin(PluginSlot& slot, const char* what);
  /// Publishes it: as a canary, on probation, or for good.
  Status serve(PluginSlot& slot, PluginPtr plugin, std::chrono::microseconds began);
  Status republish();
  void accept(PluginSlot& slot);
  /// Brings the former one back, or the built-in one, or the last good one, or none.
  void give_up(PluginSlot& slot, const std::string& what, const std::string& why);
  void end_canary(PluginSlot& slot, const std::string& what, const std::string& why);
  void promote(PluginSlot& slot);
  /// The event; its image is not loaded again, or its configuration is the former one again.
  void condemn(PluginSlot& slot, const PluginPtr& bad, const std::string& what, const std::string& why);
  Status quarantine(const PluginPtr& bad, std::string reason, std::string by);
  /// All of its instances: to leave once others are published.
  std::vector<PluginPtr> take_out(PluginSlot& slot);
  void leave(PluginSlot& slot, PluginPtr plugin);
  PluginHost::Options options_of(const PluginSlot& slot) const;
  std::string options_json(const PluginSlot& slot, const Manifest& manifest) const;
  std::size_t stuck(const PluginSlot& slot, std::string_view state) const;
  /// Errors: conflict - another plugin has a canary
  Status no_other_canary(const PluginSlot& slot) const;
  void start_watch(PluginSlot& slot);  ///< What is answered from now on is its evidence.
  /// What an operator decided about it, or nothing much.
  PluginDecision decision_of(const std::string& id) const;

  // ---- manager_files.cc: files and kept copies ------------------------------------------------
  void notice(const DirectoryWatch::Change& change);
  /// `forced`: also if its bytes serve already.
  Status bring_file(const std::string& path, bool forced);
  /// Of two files with one id: what is installed over the network, then the higher version.
  Status precedence(const PluginSlot& slot, const ImageFile& file) const;
  /// The file that what serves came from, or may come from again where that is a kept copy; "": a built-in.
  std::string served_from(const PluginSlot& slot) const;
  /// In the place of a file that is gone: another file of that id, or the built-in one.
  bool bring_other(PluginSlot& slot, bool disabled);
  /// Errors: not_found - it serves already
  Status bring_kept(PluginSlot& slot, const std::string& kept);
  void bring_last_good(PluginSlot& slot);
  void keep(const PluginSlot& slot);
  std::string kept_path(const std::string& id, bool previous) const;
  bool serves_last_good(const PluginSlot& slot) const;  ///< And not one on trial. REQUIRES: it serves.
  std::string installed_directory() const;
  std::string installed_path(const std::string& id) const;

  // ---- manager_watch.cc: what time brings -----------------------------------------------------
  void look();
  void judge_slots();
  void bury();
  void press(PluginSlot& slot);
  void event(PluginSlot& slot, const std::string& what, const PluginPtr& about, const std::string& detail,
             std::int64_t took_us = -1);
  void refuse(PluginSlot& slot, const ImageFile* file, const Error& error);
  void show();

  ManagerSetup setup;
  std::unique_ptr<DirectoryWatch> watch;
  std::map<std::string, PluginSlot, std::less<>> slots;
  std::map<std::string, std::string> ids;  ///< Of files by path.
  std::vector<std::shared_ptr<const Image>> never_unloaded;
  std::set<std::string> warned;  ///< Hashes of images whose warnings were logged.
  TrafficSum last_change;        ///< What was answered before the last change of plugins.
  bool started = false;

  std::thread thread;
  int wake_fd = -1;
  std::mutex mutex;
  std::deque<std::packaged_task<Status()>> queue;  // guarded by mutex
  bool stopping = false;                           // guarded by mutex

  mutable std::mutex shown_mutex;
  PluginOverview shown;  // guarded by shown_mutex
};

}  // namespace mimus
