// Snapshots: which of the persistent structures each change touches.
#include "host/route/definitions.h"

#include <array>

namespace mimus {
namespace {

Error missing(std::string_view what, const Ulid& id) {
  return {Code::not_found, "there is no " + std::string(what) + " " + id.text()};
}

/// The host name without its port, lower case, written to `out`; "" if it is longer.
std::string_view plain_host(std::string_view host, std::span<char> out) {
  const std::size_t name_end = host.starts_with('[') ? host.find(']') : 0;
  if (name_end == std::string_view::npos) return {};
  host = host.substr(0, host.find(':', name_end));
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.size() > out.size()) return {};
  for (std::size_t i = 0; i < host.size(); ++i) {
    out[i] = host[i] >= 'A' && host[i] <= 'Z' ? static_cast<char>(host[i] - 'A' + 'a') : host[i];
  }
  return {out.data(), host.size()};
}

/// The record without its `routes` entry; harmless if it has none.
void remove_route(ApiRecord& api, const EndpointRecord& endpoint) {
  const auto pattern = parse_path_pattern(endpoint.route.path);
  if (pattern) api.routes.remove(*pattern, endpoint);
}

}  // namespace

DefinitionsPtr Definitions::empty(HashSeed seed) {
  return std::shared_ptr<const Definitions>(new Definitions(seed));
}

const ApiRecord* Definitions::find_api_by_host(std::string_view host) const {
  if (by_host_.empty()) return nullptr;
  std::array<char, 256> buffer;
  return by_host_.find(plain_host(host, buffer));
}

std::shared_ptr<Definitions> Definitions::next(std::uint64_t sequence) const {
  std::shared_ptr<Definitions> out(new Definitions(*this));
  out->sequence_ = sequence;
  return out;
}

void Definitions::put_api(std::shared_ptr<const ApiRecord> api) {
  by_slug_.slot(api->slug) = api;
  for (const std::string& host : api->hosts) by_host_.slot(host) = api;
  apis_.put(std::move(api));
}

void Definitions::remove_api_names(const ApiFields& api) {
  by_slug_.remove(api.slug);
  for (const std::string& host : api.hosts) by_host_.remove(host);
}

Status Definitions::put_endpoint(ApiRecord& api, EndpointFields fields) {
  const auto pattern = parse_path_pattern(fields.route.path);
  if (!pattern) return pattern.error();
  if (const EndpointRecord* const old = endpoints_.find(fields.id)) {
    if (old->api != api.id) return Error{Code::conflict, "the endpoint belongs to another API"};
    remove_route(api, *old);
  }
  const auto record = std::make_shared<const EndpointRecord>(std::move(fields));
  if (record->route.enabled) api.routes.put(*pattern, record);
  api.endpoints.put(record);
  endpoints_.slot(record->id) = record;
  return Done{};
}

Status Definitions::put_channel(ApiRecord& api, ChannelFields fields) {
  if (const ChannelRecord* const old = channels_.find(fields.id)) {
    if (old->api != api.id) return Error{Code::conflict, "the WebSocket endpoint belongs to another API"};
    by_path_.remove(old->path);
  }
  const auto record = std::make_shared<const ChannelRecord>(std::move(fields));
  by_path_.slot(record->path) = record;
  api.channels.put(record);
  channels_.put(record);
  return Done{};
}

DefinitionsPtr Definitions::with_api(ApiFields fields, std::uint64_t sequence) const {
  auto out = next(sequence);
  auto api = std::make_shared<ApiRecord>(std::move(fields), seed_);
  if (const ApiRecord* const old = find_api(api->id)) {
    out->remove_api_names(*old);
    api->routes = old->routes;
    api->endpoints = old->endpoints;
    api->channels = old->channels;
    if (old->revision == api->revision) api->cell = old->cell;
  }
  out->put_api(std::move(api));
  return out;
}

Result<DefinitionsPtr> Definitions::without_api(const Ulid& id, std::uint64_t sequence) const {
  const ApiRecord* const api = find_api(id);
  if (api == nullptr) return missing("API", id);
  auto out = next(sequence);
  out->remove_api_names(*api);
  api->endpoints.each([&](const EndpointRecord& endpoint) { out->endpoints_.remove(endpoint.id); });
  api->channels.each([&](const ChannelRecord& channel) {
    out->by_path_.remove(channel.path);
    out->channels_.remove(channel.id);
  });
  out->apis_.remove(id);
  return DefinitionsPtr(std::move(out));
}

Result<DefinitionsPtr> Definitions::with_endpoint(EndpointFields fields, std::uint64_t sequence) const {
  const ApiRecord* const old = find_api(fields.api);
  if (old == nullptr) return missing("API", fields.api);
  auto out = next(sequence);
  auto api = std::make_shared<ApiRecord>(*old);
  if (auto put = out->put_endpoint(*api, std::move(fields)); !put) return std::move(put).error();
  out->put_api(std::move(api));
  return DefinitionsPtr(std::move(out));
}

Result<DefinitionsPtr> Definitions::without_endpoint(const Ulid& id, std::uint64_t sequence) const {
  const EndpointRecord* const endpoint = find_endpoint(id);
  if (endpoint == nullptr) return missing("endpoint", id);
  auto out = next(sequence);
  auto api = std::make_shared<ApiRecord>(*find_api(endpoint->api));
  remove_route(*api, *endpoint);
  api->endpoints.remove(id);
  out->endpoints_.remove(id);
  out->put_api(std::move(api));
  return DefinitionsPtr(std::move(out));
}

Result<DefinitionsPtr> Definitions::with_channel(ChannelFields fields, std::uint64_t sequence) const {
  const ApiRecord* const old = find_api(fields.api);
  if (old == nullptr) return missing("API", fields.api);
  auto out = next(sequence);
  auto api = std::make_shared<ApiRecord>(*old);
  if (auto put = out->put_channel(*api, std::move(fields)); !put) return std::move(put).error();
  out->put_api(std::move(api));
  return DefinitionsPtr(std::move(out));
}

Result<DefinitionsPtr> Definitions::without_channel(const Ulid& id, std::uint64_t sequence) const {
  const ChannelRecord* const channel = find_channel(id);
  if (channel == nullptr) return missing("WebSocket endpoint", id);
  auto out = next(sequence);
  auto api = std::make_shared<ApiRecord>(*find_api(channel->api));
  api->channels.remove(id);
  out->by_path_.remove(channel->path);
  out->channels_.remove(id);
  out->put_api(std::move(api));
  return DefinitionsPtr(std::move(out));
}

DefinitionsEdit::DefinitionsEdit(DefinitionsPtr base)
    : base_(std::move(base)), out_(base_->next(base_->sequence())) {}

Status DefinitionsEdit::put_endpoint(EndpointFields fields, std::uint64_t sequence) {
  if (api_ == nullptr || api_->id != fields.api) {
    const ApiRecord* const old = out_->find_api(fields.api);
    if (old == nullptr) return missing("API", fields.api);
    api_ = std::make_shared<ApiRecord>(*old);
    out_->put_api(api_);
  }
  if (Status put = out_->put_endpoint(*api_, std::move(fields)); !put) return put;
  out_->sequence_ = sequence;
  return Done{};
}

DefinitionsBuilder::DefinitionsBuilder(HashSeed seed) : out_(new Definitions(seed)) {}

void DefinitionsBuilder::add_api(ApiFields fields) {
  const Ulid id = fields.id;
  apis_[id] = std::make_shared<ApiRecord>(std::move(fields), out_->seed_);
}

Status DefinitionsBuilder::add_endpoint(EndpointFields fields) {
  const auto api = apis_.find(fields.api);
  if (api == apis_.end()) return missing("API", fields.api);
  return out_->put_endpoint(*api->second, std::move(fields));
}

Status DefinitionsBuilder::add_channel(ChannelFields fields) {
  const auto api = apis_.find(fields.api);
  if (api == apis_.end()) return missing("API", fields.api);
  return out_->put_channel(*api->second, std::move(fields));
}

DefinitionsPtr DefinitionsBuilder::finish(std::uint64_t sequence) {
  for (auto& [id, api] : apis_) out_->put_api(std::move(api));
  apis_.clear();
  out_->sequence_ = sequence;
  return std::move(out_);
}

}  // namespace mimus
