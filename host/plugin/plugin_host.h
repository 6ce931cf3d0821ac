// The loaded plugins of this process: files found, instances made, services given.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/image.h"
#include "host/plugin/manifest.h"
#include "mimus/clock.h"
#include "mimus/plugin.h"
#include "mimus/result.h"
#include "store/journal.h"
#include "store/kv.h"

namespace mimus {

class Server;
class Metrics;
class TaskPool;
struct AddressPolicy;
class FieldNumbers;

/// What strikes are held against: the file's SHA-256, for a built-in one what built_in_hash
/// says. "" where the file cannot be read. Reads it; blocks.
std::string image_hash(const PluginSource& source);

/// What is beside the program and in `directories`, without running any of it: linked-in
/// ones, then `builtin_directory`, then `directories` in order. A third party's file with
/// the id of a built-in and a version not lower takes its place.
/// Errors: not_found - one is no directory. A third party's file whose manifest does not do,
///         or that would make a conflict or cycle, is put into `skipped` and left out; without
///         `skipped` it is the error: invalid, naming the file, or conflict, as solve_order
Result<std::vector<PluginSource>> find_plugins(const std::string& builtin_directory,
                                               const std::vector<std::string>& directories,
                                               std::vector<Error>* skipped = nullptr);

/// What the plugins' host tables are made of. All outlive the PluginHost. `server`,
/// `journal` and `kv` may be set after loading, by activate.
struct PluginServices {
  const Clock* clock = nullptr;
  KvStore* kv = nullptr;
  Metrics* metrics = nullptr;
  const AddressPolicy* addresses = nullptr;  ///< For the rooms that know it.
  unsigned workers = 1;
  /// The tables of extensions that other rooms implement, or nullptr.
  const void* (*extension)(std::string_view id) = nullptr;
  void (*log)(mimus_log_level level, std::string_view text) = nullptr;
  Journal* journal = nullptr;
  Server* server = nullptr;
  TaskPool* tasks = nullptr;
};

/// One fault that a plugin's check found.
struct CheckFault {
  std::string pointer, detail, code;
};

/// One admin route's answer.
struct AdminAnswer {
  int status = 500;
  std::string code;    ///< "" unless it is a problem.
  std::string body;    ///< What should be JSON, or the problem's detail. Of a plugin: nobody has looked.
  bool given = false;  ///< By the plugin.
};

class PluginSet;
using PluginSetPtr = std::shared_ptr<const PluginSet>;

/// The plugins of this process. What is called on an instance is called with the set that it
/// is in held, so that it is not destroyed meanwhile.
class PluginHost {
 public:
  /// An option's JSON value.
  using Options = std::function<std::string(const OptionSpec&)>;

  /// Loads all: maps the code, creates and configures an instance each. `options(name)`
  /// gives each option's JSON value. A plugin that fails at this is an error naming it.
  /// Journal fields are numbered here (journal_fields), before the journal opens.
  static Result<std::unique_ptr<PluginHost>> load(std::vector<PluginSource> sources, PluginServices services,
                                                  const Options& options);
  /// Instance timers are told GONE. REQUIRES: no loop runs any more, and nobody holds a set.
  ~PluginHost();

  Status activate(const PluginServices& services);  ///< With server and journal set.
  /// Has all stop making work. Requests in flight still arrive.
  void quiesce();

  struct Loaded;  ///< host/plugin/loaded.h

  /// The set that serves what is not in a pipeline: admin routes, checks, resets, the journal. [any]
  PluginSetPtr current() const;
  void use(PluginSetPtr set);  ///< Makes it current. [ctl]

  /// A further instance: create, configure, self_test, activate. It is destroyed, when its
  /// last holder has gone, by the next bury. [ctl]
  /// Errors: invalid - what it refuses, and why
  Result<std::shared_ptr<const Loaded>> make(std::shared_ptr<const Image> image, const Options& options);
  /// Has an instance stop making work. [ctl]
  static void quiesce(const Loaded& plugin);
  /// Where it is told that an instance has lost its last holder. Before activate. [any thread calls it]
  void on_released(std::function<void()> wake);
  /// Destroys what has no holder any more, and unmaps the code that no other instance runs. [ctl]
  struct Buried {
    std::string id, version, file;
    bool code_gone = false;  ///< No instance runs this image any more: it was unmapped.
    bool mapped = false;     ///< It is in memory none the less.
    bool kept = false;       ///< Its manifest wants that.
  };
  std::vector<Buried> bury();

  std::vector<FieldSpec> journal_fields() const;  ///< The plugins' of now: JournalOptions::plugin_fields.
  /// Where a plugin's fields are numbered before its instance is made. Tells the journal, from
  /// activate on.
  FieldNumbers& fields();
  void enrich(std::span<Record* const> records);  ///< On the journal's thread.

  /// Asks one plugin's check. [definitions thread]
  std::vector<CheckFault> check(const Loaded& plugin, const mimus_view& view) const;
  /// Whether a plugin that is not loaded now failed closed when it last was. Unknown ones do.
  /// Waits for the store where it must. [may block]
  bool absent_fails_closed(const std::string& id) const;
  AdminAnswer admin(const Loaded& plugin, std::string_view method, std::string_view below,
                    std::string_view query, std::string_view body) const;
  /// What the plugin makes of a recorded session. REQUIRES: plugin.session != nullptr. [query]
  AdminAnswer replay(const Loaded& plugin, std::string_view session) const;
  Status reset(std::string_view what);  ///< Errors: not_found - no plugin resets that

 private:
  PluginHost();
  struct State;
  std::unique_ptr<State> state_;
};

/// An instance with a holder.
using PluginPtr = std::shared_ptr<const PluginHost::Loaded>;

}  // namespace mimus
