// One immutable snapshot of all definitions, and how the next one is made of it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string_view>

#include "host/route/hash.h"
#include "host/route/ordered_set.h"
#include "host/route/persistent_map.h"
#include "host/route/records.h"
#include "host/route/route_tree.h"
#include "mimus/result.h"

namespace mimus {

/// One API as of a snapshot. Immutable but for its cell, which stays with its revision
/// while endpoints come and go.
struct ApiRecord : ApiFields {
  ApiRecord(ApiFields fields, HashSeed seed)
      : ApiFields(std::move(fields)), routes(seed), cell(std::make_shared<CompiledCell>()) {}

  RouteTree routes;                            ///< Of its enabled endpoints.
  OrderedSet<EndpointRecord, ById> endpoints;  ///< All of them.
  OrderedSet<ChannelRecord, ById> channels;
  std::shared_ptr<const CompiledCell> cell;
};

class Definitions;
using DefinitionsPtr = std::shared_ptr<const Definitions>;

/// All definitions as of one sequence of the log. Immutable: reading is thread-safe and
/// touches no reference counts; pointers live as long as the snapshot, records also as
/// long as any snapshot that shares them.
///
/// The with_/without_ functions return the next snapshot and leave this one as it is; each
/// copies O(log n) nodes. They are for one writer at a time, which holds this snapshot
/// meanwhile. That slugs, hosts and channel paths are unique is the caller's to check
/// first, with the find_ functions; all hosts are lower case and without ports.
class Definitions {
 public:
  static DefinitionsPtr empty(HashSeed seed);

  /// The number of the newest change that this snapshot holds.
  std::uint64_t sequence() const { return sequence_; }

  const ApiRecord* find_api(const Ulid& id) const { return apis_.find(id); }
  const ApiRecord* find_api_by_slug(std::string_view slug) const { return by_slug_.find(slug); }
  /// `host` as in a Host field: any case, perhaps with a port.
  const ApiRecord* find_api_by_host(std::string_view host) const;
  const EndpointRecord* find_endpoint(const Ulid& id) const { return endpoints_.find(id); }
  const ChannelRecord* find_channel(const Ulid& id) const { return channels_.find(id); }
  const ChannelRecord* find_channel_by_path(std::string_view path) const { return by_path_.find(path); }

  /// In the order of ids: first(), then first_after(id) from any cursor.
  const OrderedSet<ApiRecord, ById>& apis() const { return apis_; }
  const OrderedSet<ChannelRecord, ById>& channels() const { return channels_; }
  std::size_t endpoint_count() const { return endpoints_.size(); }

  /// Adds an API, or gives one that is there these fields; its endpoints and channels stay.
  DefinitionsPtr with_api(ApiFields fields, std::uint64_t sequence) const;

  /// Without an API, its endpoints and its channels (O(log n) for each).
  /// Errors: not_found
  Result<DefinitionsPtr> without_api(const Ulid& id, std::uint64_t sequence) const;

  /// Adds or replaces an endpoint.
  /// Errors: not_found - there is no such API;  conflict - it belongs to another API
  ///         invalid   - its path does not parse (pointer "/path")
  Result<DefinitionsPtr> with_endpoint(EndpointFields fields, std::uint64_t sequence) const;
  /// Errors: not_found
  Result<DefinitionsPtr> without_endpoint(const Ulid& id, std::uint64_t sequence) const;

  /// Adds or replaces a channel. Errors: as with_endpoint
  Result<DefinitionsPtr> with_channel(ChannelFields fields, std::uint64_t sequence) const;
  /// Errors: not_found
  Result<DefinitionsPtr> without_channel(const Ulid& id, std::uint64_t sequence) const;

 private:
  friend class DefinitionsBuilder;
  friend class DefinitionsEdit;
  explicit Definitions(HashSeed seed)
      : seed_(seed), by_slug_(seed), by_host_(seed), endpoints_(seed), by_path_(seed) {}
  std::shared_ptr<Definitions> next(std::uint64_t sequence) const;
  void put_api(std::shared_ptr<const ApiRecord> api);
  void remove_api_names(const ApiFields& api);
  Status put_endpoint(ApiRecord& api, EndpointFields fields);
  Status put_channel(ApiRecord& api, ChannelFields fields);

  std::uint64_t sequence_ = 0;
  HashSeed seed_;
  OrderedSet<ApiRecord, ById> apis_;
  PersistentMap<std::string, const ApiRecord> by_slug_;
  PersistentMap<std::string, const ApiRecord> by_host_;
  PersistentMap<Ulid, const EndpointRecord> endpoints_;
  OrderedSet<ChannelRecord, ById> channels_;
  PersistentMap<std::string, const ChannelRecord> by_path_;  ///< Disabled ones too.
};

/// Many endpoints into one next snapshot, of which nodes are copied once rather than for each
/// endpoint. Not thread-safe.
class DefinitionsEdit {
 public:
  explicit DefinitionsEdit(DefinitionsPtr base);

  /// Errors: as Definitions::with_endpoint; nothing has changed then
  Status put_endpoint(EndpointFields fields, std::uint64_t sequence);

  /// The next snapshot, in which later changes will be seen too. Once the edit is gone it is
  /// as immutable as any.
  DefinitionsPtr staged() const { return out_; }

 private:
  DefinitionsPtr base_;  ///< Shares nodes with `out_`, and so must outlive the changes.
  std::shared_ptr<Definitions> out_;
  std::shared_ptr<ApiRecord> api_;  ///< In `out_`: that of the last endpoint.
};

/// Fills a first snapshot without copying nodes, for a start. Not thread-safe.
class DefinitionsBuilder {
 public:
  explicit DefinitionsBuilder(HashSeed seed);

  /// APIs come before what belongs to them. Errors: as the with_ functions of Definitions
  void add_api(ApiFields fields);
  Status add_endpoint(EndpointFields fields);
  Status add_channel(ChannelFields fields);

  /// The snapshot. The builder is used up.
  DefinitionsPtr finish(std::uint64_t sequence);

 private:
  std::shared_ptr<Definitions> out_;
  std::map<Ulid, std::shared_ptr<ApiRecord>> apis_;
};

}  // namespace mimus
