// The plugin mimus.analytics: where requests come from, and what they add up to.
#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "mimus/json_text.h"
#include "mimus/plugin.hpp"
#include "plugins/analytics/address.h"
#include "plugins/analytics/geo.h"
#include "plugins/analytics/routes.h"

namespace mimus::analytics {
namespace {

constexpr std::string_view default_file = "share/mimus/country.mmdb";
constexpr std::size_t max_cached_places = 32'768;

}  // namespace

/// Database and cache belong to the journal's thread once the plugin is configured.
class Analytics {
 public:
  struct Binding {};

  explicit Analytics(Host& host) : host_(host) {}

  Status configure(std::string_view options) {
    if (host_.journal == nullptr) return invalid("mimus.journal/1 is needed");
    client_ip_ = host_.journal_field("clientIp");
    country_ = host_.journal_field("geoCountry");
    code_ = host_.journal_field("geoCountryCode");
    city_ = host_.journal_field("geoCity");

    const std::string_view ttl = json::member(options, "geo-cache-ttl-seconds").value_or("3600");
    std::uint64_t seconds = 0;
    const auto [end, error] = std::from_chars(ttl.data(), ttl.data() + ttl.size(), seconds);
    if (error != std::errc{} || end != ttl.data() + ttl.size() || seconds > 10'000'000'000) {
      return invalid("geo-cache-ttl-seconds is not a number of seconds");
    }
    cache_.emplace(max_cached_places, seconds * 1000);
    return open(json::unquote(json::member(options, "geo-db").value_or("")));
  }

  /// It works on journal records only, so it is in nobody's pipeline.
  Result<std::unique_ptr<Binding>> bind(const View&) { return std::unique_ptr<Binding>{}; }

  void enrich(std::span<mimus_record* const> records) {
    const std::uint64_t now_ms = host_.now_ms();
    // In groups, so that the cache's memory is on its way while the addresses are read.
    std::array<std::optional<Address>, 32> addresses;
    for (; !records.empty(); records = records.subspan(std::min(records.size(), addresses.size()))) {
      const auto group = records.first(std::min(records.size(), addresses.size()));
      for (std::size_t i = 0; i < group.size(); ++i) {
        mimus_str ip{};
        host_.journal->text(group[i], client_ip_, &ip);
        addresses[i] = ip.n == 0 ? Address{} : parse_address(view(ip));
        if (addresses[i]) cache_->expect(*addresses[i]);
      }
      for (std::size_t i = 0; i < group.size(); ++i) {
        if (!addresses[i]) continue;
        if (const Place* place = place_of(*addresses[i], now_ms)) fill(group[i], *place);
      }
    }
  }

  void admin(const AdminRequest& request, AdminReply& reply) { answer(host_, request, reply); }

 private:
  Status open(const std::string& file) {
    if (file.empty()) return Done{};
    Result<std::unique_ptr<GeoDatabase>> opened = open_geo_database(file);
    if (opened) {
      database_ = *std::move(opened);
      return Done{};
    }
    const bool is_default = std::string_view(file).ends_with(default_file);
    if (opened.error().code != Code::not_found || !is_default) return std::move(opened).error();
    host_.log(MIMUS_LOG_WARN, opened.error().message + "; countries stay unknown");
    return Done{};
  }

  /// Nothing where nobody knows. A Unix socket's client, who has no address, counts as "::".
  const Place* place_of(const Address& address, std::uint64_t now_ms) {
    static constexpr Place local{"Local", "Local", ""};
    if (is_local(address)) return &local;
    if (!database_) return nullptr;
    const Place* place = cache_->find(address, now_ms);
    if (place == nullptr) place = &cache_->put(address, database_->find(address), now_ms);
    return place;
  }

  void fill(mimus_record* record, const Place& place) {
    if (!place.code.empty()) host_.journal->set_text(record, code_, str(place.code));
    if (!place.country.empty()) host_.journal->set_text(record, country_, str(place.country));
    if (!place.city.empty()) host_.journal->set_text(record, city_, str(place.city));
  }

  Host& host_;
  std::unique_ptr<GeoDatabase> database_;
  std::optional<PlaceCache> cache_;
  int client_ip_ = -1, country_ = -1, code_ = -1, city_ = -1;
};

}  // namespace mimus::analytics

MIMUS_MANIFEST =
#include "manifest.inc"
    ;
MIMUS_PLUGIN(mimus::analytics::Analytics, "mimus.analytics", "0.1.0")
