// The plugins of one API, endpoint or channel, bound and in order.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/loaded.h"
#include "host/plugin/plugin_set.h"
#include "host/route/compiled.h"
#include "mimus/plugin.h"
#include "store/ulid.h"

namespace mimus {

/// A plugin's binding to one API, endpoint or channel, shared by the pipelines of one after the
/// other plugin set; unbound when the last of them goes, which must be on a thread that may
/// block (the reclaim thread).
class Binding {
 public:
  /// Asks the plugin to bind. Where it takes no part, the instance is not kept: an open WebSocket
  /// keeps its pipeline for as long as it likes. [ctl]
  Binding(const PluginPtr& plugin, const mimus_view& view);
  ~Binding();
  Binding(const Binding&) = delete;
  Binding& operator=(const Binding&) = delete;

  /// Whether it is that instance's. Never nullptr.
  bool is_of(const PluginPtr& plugin) const { return !of_.owner_before(plugin) && !plugin.owner_before(of_); }
  PluginPtr plugin() const { return of_.lock(); }  ///< nullptr: it has gone, and took no part.
  mimus_bound* bound() const { return bound_; }
  bool broken() const { return broken_; }  ///< bind refused: its fail policy decides every request.
  bool takes_part() const { return bound_ != nullptr || broken_; }

 private:
  std::weak_ptr<const PluginHost::Loaded> of_;
  PluginPtr plugin_;  ///< Where it takes part.
  mimus_bound* bound_ = nullptr;
  bool broken_ = false;
};
/// All of one definition and plugin set, also of those that take no part in its pipeline.
using Bindings = std::vector<std::shared_ptr<const Binding>>;

/// One plugin in a pipeline, outermost first. Lives as long as its pipeline.
struct Step {
  const PluginHost::Loaded* plugin = nullptr;
  const mimus_plugin* table = nullptr;
  mimus_bound* bound = nullptr;
  bool broken = false;  ///< bind failed: its fail policy decides every request.
};

/// How many channels an address has open. Thread-safe.
class AddressCount {
 public:
  /// False: it has `limit` already (0 is none), and nothing was counted.
  bool enter(const std::string& address, std::uint64_t limit);
  void leave(const std::string& address);

 private:
  std::mutex mutex_;
  std::map<std::string, std::uint64_t> open_;  // guarded by mutex_
};

/// What the journal keeps beside the plain record.
struct Capture {
  bool request_headers = false, response_headers = false, bodies = false;
  bool any() const { return request_headers || response_headers || bodies; }
};

/// What is to be bound.
struct BindTarget {
  mimus_level level = MIMUS_LEVEL_API;
  Ulid id, api;
  std::uint64_t revision = 0;
  std::uint64_t api_revision = 0;
  std::string_view slug, method, path;
  std::string_view document;      ///< JSON of what is bound.
  std::string_view api_document;  ///< JSON of its API.
};

/// Immutable once built. Its last holder must let go of it on a thread that may block.
class Pipeline {
 public:
  /// What an older pipeline of the same definition leaves.
  struct Heirloom {
    Bindings bindings;  ///< Those to instances of `set` are taken over.
    /// Of a channel's endpoint; nullptr: nobody is connected.
    std::shared_ptr<AddressCount> addresses = nullptr;
  };
  /// Of the plugins of `set`. [ctl]
  Pipeline(const PluginHost& plugins, const PluginSet& set, const BindTarget& target, const Heirloom& known,
           const std::vector<std::pair<std::string, std::string>>& host_config);
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  const std::vector<Step>& steps() const { return steps_; }
  const Capture& capture() const { return capture_; }
  /// Of a channel's pipeline: those who have it open.
  const std::shared_ptr<AddressCount>& addresses() const { return addresses_; }
  /// A plugin that the definitions name, that is not loaded and whose last manifest fails
  /// closed: every request is answered 503. "" where there is none.
  const std::string& missing() const { return missing_; }
  const Ulid& id() const { return id_; }
  std::uint64_t revision() const { return revision_; }
  std::uint64_t api_revision() const { return api_revision_; }

  const Bindings& bindings() const { return bindings_; }

  /// JSON for GET /admin/pipeline: the steps, their phases and why they stand there.
  std::string explain() const;

 private:
  Bindings bindings_;
  std::vector<Step> steps_;
  Capture capture_;
  std::string missing_;
  std::shared_ptr<AddressCount> addresses_;
  Ulid id_;
  std::uint64_t revision_;
  std::uint64_t api_revision_;
};

/// What a definition's cell holds; channels keep their pipeline beyond the definition.
class CompiledPipeline final : public Compiled {
 public:
  std::uint64_t plugins = 0;                  ///< Serial of the mix that it was compiled for.
  std::uint64_t api_revision = 0;             ///< Of the API that it is bound to.
  std::shared_ptr<const Pipeline> stable;     ///< nullptr: those plugins serve no more.
  std::shared_ptr<const Pipeline> candidate;  ///< nullptr but while a canary runs.
  Pipeline::Heirloom left;                    ///< Where stable is null: for the next pipeline.
  bool deleted = false;  ///< Stable is null: requests that were routed before find no definition.

  /// A request ran it: it is worth having ready when the plugins change. [any thread]
  void note_use() const {
    if (!used_.load(std::memory_order_relaxed)) used_.store(true, std::memory_order_relaxed);
  }
  bool was_used() const { return used_.load(std::memory_order_relaxed); }

 private:
  mutable std::atomic<bool> used_{false};
};

/// JSON object of those members of `document` that `names` lists, source text kept.
std::string pick_fields(std::string_view document, const std::vector<std::string>& names);
/// The names that a plugin is given at a level: those it claims and those it reads.
std::vector<std::string> given_fields(const Manifest& manifest, mimus_level level);

}  // namespace mimus
