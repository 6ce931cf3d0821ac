// The one place where libmaxminddb is called.
#include "plugins/analytics/geo.h"

#include <maxminddb.h>
#include <netinet/in.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "plugins/analytics/countries.h"

namespace mimus::analytics {
namespace {

class MaxMindDatabase final : public GeoDatabase {
 public:
  explicit MaxMindDatabase(const MMDB_s& opened) : database_(opened) {}
  ~MaxMindDatabase() override { MMDB_close(&database_); }
  MaxMindDatabase(const MaxMindDatabase&) = delete;
  MaxMindDatabase& operator=(const MaxMindDatabase&) = delete;

  Place find(const Address& address) const override {
    int error = MMDB_SUCCESS;
    MMDB_lookup_result_s found = lookup(address, error);
    Place place;
    if (error != MMDB_SUCCESS || !found.found_entry) return place;
    place.code = text(found.entry, "country_code", nullptr, nullptr);
    if (place.code.empty()) place.code = text(found.entry, "country", "iso_code", nullptr);
    place.country = country_name(place.code);
    if (place.country.empty()) place.country = text(found.entry, "country", "names", "en");
    if (place.country.empty()) place.country = place.code;
    place.city = text(found.entry, "city", "names", "en");
    if (place.city.empty()) place.city = text(found.entry, "city", nullptr, nullptr);
    return place;
  }

 private:
  MMDB_lookup_result_s lookup(const Address& address, int& error) const {
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    if (is_ipv4(address)) {
      v4.sin_family = AF_INET;
      std::memcpy(&v4.sin_addr, address.data() + 12, 4);
      return MMDB_lookup_sockaddr(&database_, reinterpret_cast<const sockaddr*>(&v4), &error);
    }
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, address.data(), 16);
    return MMDB_lookup_sockaddr(&database_, reinterpret_cast<const sockaddr*>(&v6), &error);
  }

  /// The text at a path of up to three keys, "" if there is none.
  static std::string_view text(MMDB_entry_s& entry, const char* a, const char* b, const char* c) {
    MMDB_entry_data_s data{};
    const int error = MMDB_get_value(&entry, &data, a, b, c, nullptr);
    if (error != MMDB_SUCCESS || !data.has_data || data.type != MMDB_DATA_TYPE_UTF8_STRING) return {};
    return {data.utf8_string, data.data_size};
  }

  MMDB_s database_;
};

}  // namespace

Result<std::unique_ptr<GeoDatabase>> open_geo_database(const std::string& file) {
  MMDB_s database{};
  const int error = MMDB_open(file.c_str(), MMDB_MODE_MMAP, &database);
  if (error == MMDB_SUCCESS) return std::unique_ptr<GeoDatabase>(std::make_unique<MaxMindDatabase>(database));
  const Code code = error == MMDB_FILE_OPEN_ERROR ? Code::not_found : Code::corrupt;
  return Error{code, "the geo database " + file + ": " + MMDB_strerror(error)};
}

PlaceCache::PlaceCache(std::size_t capacity, std::uint64_t ttl_ms)
    : sets_(std::bit_ceil(std::max(capacity, ways)) / ways),
      ttl_ms_(ttl_ms),
      known_(static_cast<Known*>(std::calloc(sets_ * ways, sizeof(Known)))),
      addresses_(static_cast<Addresses*>(std::calloc(sets_, sizeof(Addresses)))) {
  if (!known_ || !addresses_) throw std::bad_alloc();
}

std::size_t PlaceCache::set_of(const Address& address) const {
  std::uint64_t high = 0, low = 0;
  std::memcpy(&high, address.data(), 8);
  std::memcpy(&low, address.data() + 8, 8);
  // A few multiplications; whoever finds collisions only evicts himself.
  std::uint64_t hash = (high ^ 0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd;
  hash = (hash ^ low ^ hash >> 32) * 0xc4ceb9fe1a85ec53;
  hash = (hash ^ hash >> 32) * 0xff51afd7ed558ccd;
  return (hash >> 32) & (sets_ - 1);
}

void PlaceCache::expect(const Address& address) const {
  const std::size_t set = set_of(address);
  __builtin_prefetch(&addresses_[set]);
  __builtin_prefetch(&known_[set * ways]);
  __builtin_prefetch(&known_[set * ways + 1]);
}

const Place* PlaceCache::find(const Address& address, std::uint64_t now_ms) const {
  const std::size_t set = set_of(address);
  for (std::size_t way = 0; way < ways; ++way) {
    const Known& known = known_[set * ways + way];
    if (addresses_[set].at[way] != address || known.put == 0) continue;
    return now_ms + 1 - known.put < ttl_ms_ ? &known.place : nullptr;
  }
  return nullptr;
}

const Place& PlaceCache::put(const Address& address, const Place& place, std::uint64_t now_ms) {
  const std::size_t set = set_of(address);
  Known* const first = &known_[set * ways];
  // Its own place where it has expired, else the oldest: what is empty or expired was put first.
  Known* to = std::min_element(first, first + ways, [](auto& a, auto& b) { return a.put < b.put; });
  for (std::size_t way = 0; way < ways; ++way) {
    if (addresses_[set].at[way] == address && first[way].put != 0) to = first + way;
  }
  addresses_[set].at[to - first] = address;
  *to = {now_ms + 1, place};
  return to->place;
}

}  // namespace mimus::analytics
