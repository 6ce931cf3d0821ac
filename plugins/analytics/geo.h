// Where an address is: a MaxMind-format database, and a cache in front of it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include "mimus/result.h"
#include "plugins/analytics/address.h"

namespace mimus::analytics {

struct Place {
  std::string code;     ///< ISO 3166-1 alpha-2, "" if it is not known.
  std::string country;  ///< Its English name; the code where ISO has no name for it.
  std::string city;     ///< "" where the database has none.
  bool operator==(const Place&) const = default;
};

/// Reads flat (`country_code`, `city`) and nested (`country.iso_code`, `city.names.en`)
/// layouts. Not thread-safe.
class GeoDatabase {
 public:
  virtual ~GeoDatabase() = default;
  virtual Place find(const Address& address) const = 0;
};

/// Maps the file for as long as the database lives.
/// Errors: not_found - there is no such file, or it may not be read
///         corrupt   - it is no MaxMind-format database
Result<std::unique_ptr<GeoDatabase>> open_geo_database(const std::string& file);

/// Places by address, forgotten after `ttl_ms`, and the oldest first beyond `capacity`.
/// Not thread-safe.
class PlaceCache {
 public:
  PlaceCache(std::size_t capacity, std::uint64_t ttl_ms) : capacity_(capacity), ttl_ms_(ttl_ms) {}

  /// Valid until the next put; nullptr if it is not there (any more).
  const Place* find(const Address& address, std::uint64_t now_ms);
  /// REQUIRES: find has just returned nullptr for it
  const Place& put(const Address& address, Place place, std::uint64_t now_ms);
  std::size_t size() const { return places_.size(); }

 private:
  struct Entry {
    Place place;
    std::uint64_t put_ms;
  };
  struct AddressHash {
    std::size_t operator()(const Address& address) const;
  };
  const std::size_t capacity_;
  const std::uint64_t ttl_ms_;
  std::unordered_map<Address, Entry, AddressHash> places_;
  std::deque<Address> order_;  // the keys of places_, oldest first
};

}  // namespace mimus::analytics
