// The one place where libmaxminddb is called.
#include "plugins/analytics/geo.h"

#include <maxminddb.h>
#include <netinet/in.h>

#include <cstring>
#include <string_view>

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
  static std::string text(MMDB_entry_s& entry, const char* a, const char* b, const char* c) {
    MMDB_entry_data_s data{};
    const int error = MMDB_get_value(&entry, &data, a, b, c, nullptr);
    if (error != MMDB_SUCCESS || !data.has_data || data.type != MMDB_DATA_TYPE_UTF8_STRING) return {};
    return std::string(data.utf8_string, data.data_size);
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

std::size_t PlaceCache::AddressHash::operator()(const Address& address) const {
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(address.data()), address.size()});
}

const Place* PlaceCache::find(const Address& address, std::uint64_t now_ms) {
  while (!order_.empty()) {  // the oldest expire first
    const auto oldest = places_.find(order_.front());
    if (now_ms - oldest->second.put_ms < ttl_ms_) break;
    places_.erase(oldest);
    order_.pop_front();
  }
  const auto found = places_.find(address);
  return found == places_.end() ? nullptr : &found->second.place;
}

const Place& PlaceCache::put(const Address& address, Place place, std::uint64_t now_ms) {
  if (places_.size() >= capacity_) {
    places_.erase(order_.front());
    order_.pop_front();
  }
  order_.push_back(address);
  return places_.insert_or_assign(address, Entry{std::move(place), now_ms}).first->second.place;
}

}  // namespace mimus::analytics
