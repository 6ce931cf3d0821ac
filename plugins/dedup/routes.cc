// GET and DELETE of /admin/dedup.
#include "plugins/dedup/routes.h"

#include <algorithm>
#include <cstdio>

#include "mimus/json_text.h"

namespace mimus::dedup {
namespace {

bool is_id(std::string_view text) {
  return text.size() == 26 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

std::string number(std::string_view name, std::uint64_t value) {
  return "\"" + std::string(name) + "\":" + std::to_string(value);
}

}  // namespace

void Routes::answer(const AdminRequest& request, AdminReply& reply) const {
  if (!request.path.empty() && request.path != "/") {
    reply.problem(404, "no-such-resource", "dedup has no such route");
  } else if (request.method == "GET") {
    if (!request.query.empty()) return reply.problem(400, "invalid-query", "GET takes no parameters");
    reply.json(200, statistics());
  } else if (request.method == "DELETE") {
    remove(request.query, reply);
  } else {
    reply.problem(405, "method-not-allowed", "GET and DELETE are known here");
  }
}

void Routes::remove(std::string_view query, AdminReply& reply) const {
  static constexpr std::string_view parameter = "endpointId=";
  if (!query.empty()) {
    if (!query.starts_with(parameter))
      return reply.problem(400, "invalid-query", "the only parameter is endpointId");
    query.remove_prefix(parameter.size());
    if (!is_id(query))
      return reply.problem(400, "invalid-query", "endpointId: is not an id (a ULID of 26 characters)");
  }
  empty(query);
  reply.json(204, "");
}

std::string Routes::statistics() const {
  Counts total;
  std::string by_endpoint;
  for (const auto& [id, counts] : ledger.counts(now_us)) {
    total.hits += counts.hits;
    total.misses += counts.misses;
    total.coalesced += counts.coalesced;
    total.entries += counts.entries;
    total.bytes += counts.bytes;
    if (!by_endpoint.empty()) by_endpoint += ',';
    by_endpoint += "{\"endpointId\":" + json::quoted(id) + ',' + number("hits", counts.hits) + ',' +
                   number("misses", counts.misses) + ',' + number("coalesced", counts.coalesced) + ',' +
                   number("entries", counts.entries) + ',' + number("bytes", counts.bytes) + '}';
  }
  const std::uint64_t asked = total.hits + total.misses;
  char rate[32];
  std::snprintf(rate, sizeof rate, "%.4g",
                asked == 0 ? 0.0 : static_cast<double>(total.hits) / static_cast<double>(asked));
  return '{' + number("hits", total.hits) + ',' + number("misses", total.misses) + ",\"hitRate\":" + rate +
         ',' + number("coalesced", total.coalesced) + ',' + number("entries", total.entries) + ',' +
         number("bytes", total.bytes) + ',' + number("ttlSeconds", ttl_seconds) + ",\"byEndpoint\":[" +
         by_endpoint + "]}";
}

}  // namespace mimus::dedup
