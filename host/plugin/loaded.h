// One instance of a plugin: its tables, and the host as that instance sees it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host/plugin/breaker.h"
#include "host/plugin/crash_page.h"
#include "host/plugin/image.h"
#include "host/plugin/plugin_host.h"
#include "store/field_numbers.h"

namespace mimus {

/// A timer of an instance, on one worker's list until it fires.
struct InstanceTimer;
class InstanceFetch;

}  // namespace mimus

/// The host as one instance sees it. The services are set before the first request.
struct mimus_host {
  explicit mimus_host(std::string plugin_id) : id(std::move(plugin_id)) {}

  std::string id;
  mimus_host_api api{};
  mimus::PluginServices services;
  mimus_inst* instance = nullptr;
  const mimus::FieldNumbers* fields = nullptr;  ///< Core and plugins'.
  mimus::Capabilities granted;                  ///< Set before create.
  /// The instance itself, for what keeps it alive: timers, fetches, tasks.
  std::weak_ptr<const mimus::PluginHost::Loaded> self;

  std::mutex mutex;
  std::string error;  // guarded by mutex

  /// Timers not fired yet, by worker; each list is that worker's alone.
  std::vector<mimus::InstanceTimer*> timers;
  /// Fetches in flight, likewise. end_fetches (host/plugin/fetch.h) ends a worker's.
  std::vector<mimus::InstanceFetch*> fetching;
  std::atomic<std::uint32_t> fetches{0};  ///< In flight, of all workers.
  std::atomic<std::uint32_t> tasks{0};    ///< Waiting or running in the pool.
  std::atomic<bool> ending{false};        ///< It is quiesced: nothing new is begun for it.

  mimus::ImageSlot slot = mimus::no_image;  ///< Its crumbs'. Set before the code is mapped.

  std::string take_error();
};

namespace mimus {

/// Who keeps an instance from being destroyed, by kind.
struct Holders {
  std::atomic<std::uint32_t> sets{0};      ///< Of generations that serve or still have exchanges.
  std::atomic<std::uint32_t> bindings{0};  ///< Living ones.
  std::atomic<std::uint32_t> channels{0};  ///< Open WebSockets.
  std::atomic<std::uint32_t> timers{0};
};

struct PluginHost::Loaded {
  std::shared_ptr<const Image> image;
  const mimus_plugin* table;
  mutable mimus_host host{image->manifest().id};
  mimus_inst* instance = nullptr;
  mutable Breaker breaker;
  const mimus_admin_v1* admin = nullptr;
  const mimus_record_v1* record = nullptr;
  const mimus_peer_v1* peer = nullptr;
  const mimus_session_v1* session = nullptr;
  std::string options;                             ///< The JSON that configure was given.
  mutable std::atomic<std::uint64_t> failures{0};  ///< Requests that its fail policy had to decide.
  mutable Holders holders;

  explicit Loaded(std::shared_ptr<const Image> of) : image(std::move(of)), table(&image->table()) {
    host.granted = source().granted.value_or(manifest().capabilities);
  }
  const Manifest& manifest() const { return image->manifest(); }
  const PluginSource& source() const { return image->source(); }
};

/// Fills the host's tables for an instance. host/plugin/services.cc
void offer_services(mimus_host& host);

/// Tells the instance's timers of one worker GONE. [that worker, or whoever ends its loop]
void end_timers(mimus_host& host, unsigned worker);
/// The same for its timers and fetches.
void end_work(mimus_host& host, unsigned worker);

}  // namespace mimus
