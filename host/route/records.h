// The definitions as requests meet them: what routing needs, and a cell for the pipeline.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "host/route/compiled.h"
#include "host/route/ordered_set.h"
#include "store/definitions.h"
#include "store/ulid.h"

namespace mimus {

/// What an endpoint's definition says, as far as routing goes; its document stays in the store.
struct EndpointFields {
  Ulid id, api;
  RouteRecord route;
  std::uint64_t revision = 0;
};

/// One revision of an endpoint. Immutable but for the cell; a new revision has a new one.
struct EndpointRecord : EndpointFields {
  explicit EndpointRecord(EndpointFields fields) : EndpointFields(std::move(fields)) {}
  CompiledCell cell;
};

struct ChannelFields {
  Ulid id, api;
  std::string path;
  std::uint64_t revision = 0;
  bool enabled = true;
  std::shared_ptr<const std::string> document;  ///< JSON text.
};

/// One revision of a WebSocket endpoint.
struct ChannelRecord : ChannelFields {
  explicit ChannelRecord(ChannelFields fields) : ChannelFields(std::move(fields)) {}
  CompiledCell cell;
};

struct ApiFields {
  Ulid id;
  std::string slug;
  std::vector<std::string> hosts;  ///< Lower case, without ports.
  std::uint64_t revision = 0;
  std::shared_ptr<const std::string> document;  ///< JSON text.
};

/// Keeps records in the order of their ids.
struct ById {
  template <class Record>
  static const Ulid& key(const Record& record) {
    return record.id;
  }
};

}  // namespace mimus
