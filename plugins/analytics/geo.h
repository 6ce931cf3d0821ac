// Where an address is: a MaxMind-format database, and a cache in front of it.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "mimus/result.h"
#include "plugins/analytics/address.h"

namespace mimus::analytics {

/// Views into the database's file or into static text: they live as long as the database.
struct Place {
  std::string_view code;     ///< ISO 3166-1 alpha-2, "" if it is not known.
  std::string_view country;  ///< Its English name; the code where ISO has no name for it.
  std::string_view city;     ///< "" where the database has none.
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

/// Places by address, forgotten after `ttl_ms`, and where too many share a set, the oldest of
/// it first. Flat tables, whose memory the kernel gives when it is used. Not thread-safe.
class PlaceCache {
 public:
  static constexpr std::size_t ways = 4;

  /// `capacity` is rounded up to a power of two, at least `ways`.
  PlaceCache(std::size_t capacity, std::uint64_t ttl_ms);

  /// Asks the processor for what a find of this address will read: whoever looks up many
  /// waits for memory once.
  void expect(const Address& address) const;

  /// Valid until the next put; nullptr if it is not there (any more).
  const Place* find(const Address& address, std::uint64_t now_ms) const;
  /// REQUIRES: find has just returned nullptr for it
  const Place& put(const Address& address, const Place& place, std::uint64_t now_ms);

 private:
  /// The addresses of a set lie together, so that a look-up costs one miss or two.
  struct Addresses {
    Address at[ways];
  };
  struct Known {
    std::uint64_t put;  // Its time in ms, plus 1; 0: empty.
    Place place;
  };
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  std::size_t set_of(const Address& address) const;

  const std::size_t sets_;  // A power of two.
  const std::uint64_t ttl_ms_;
  const std::unique_ptr<Known[], Free> known_;
  const std::unique_ptr<Addresses[], Free> addresses_;
};

}  // namespace mimus::analytics
