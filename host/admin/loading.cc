// Loading what is stored: a start waits for a little of it, and a thread goes on with the rest.
#include "host/admin/service.h"
#include "host/pipeline/generation.h"

namespace mimus::admin {
namespace {

constexpr std::size_t waited_for = 250;  // endpoints that are loaded before a start goes on

}  // namespace

Service::~Service() {
  if (!loading_.thread.joinable()) return;
  go_on_loading();
  loading_.thread.join();
}

Status Service::start_loading() {
  services_.generations->publish(Definitions::empty(seed_));
  loading_.thread = std::thread([this] { load_stored(); });
  std::unique_lock lock(loading_.mutex);
  loading_.changed.wait(lock, [this] { return loading_.many || loading_.result; });
  return loading_.result ? *loading_.result : Status(Done{});
}

void Service::go_on_loading() {
  const std::lock_guard lock(loading_.mutex);
  loading_.may_go_on = true;
  loading_.changed.notify_all();
}

Status Service::wait_until_loaded() {
  go_on_loading();
  std::unique_lock lock(loading_.mutex);
  loading_.changed.wait(lock, [this] { return loading_.result.has_value(); });
  return *loading_.result;
}

void Service::load_stored() {
  Status result = Done{};
  if (auto read = read_stored(); read) {
    services_.generations->publish(*std::move(read));
  } else {
    result = std::move(read).error();
  }
  if (services_.loaded) services_.loaded(result);
  const std::lock_guard lock(loading_.mutex);
  loading_.result = std::move(result);
  loading_.changed.notify_all();
}

Result<DefinitionsPtr> Service::read_stored() {
  DefinitionStore& store = services_.database->definitions();
  DefinitionsBuilder builder(seed_);
  Status wrong = Done{};
  const auto note = [&](Status added) {
    if (!added && wrong) wrong = Error{Code::corrupt, "stored definitions: " + added.error().message};
  };
  const auto apis = store.each(Kind::api, [&](const StoredDefinition& stored) {
    builder.add_api(api_record(parse_stored(Kind::api, stored.document)));
  });
  if (!apis) return apis.error();
  std::size_t count = 0;
  const auto endpoints = store.each(Kind::endpoint, [&](const StoredDefinition& stored) {
    note(builder.add_endpoint({stored.id, stored.api, stored.route, stored.revision}));
    if (++count != waited_for) return;
    std::unique_lock lock(loading_.mutex);
    loading_.many = true;
    loading_.changed.notify_all();
    loading_.changed.wait(lock,
                          [this] { return loading_.may_go_on; });  // what is left of a start comes first
  });
  if (!endpoints) return endpoints.error();
  const auto channels = store.each(Kind::channel, [&](const StoredDefinition& stored) {
    note(builder.add_channel(channel_record(parse_stored(Kind::channel, stored.document))));
  });
  if (!channels) return channels.error();
  if (!wrong) return wrong.error();
  return builder.finish(store.sequence());
}

}  // namespace mimus::admin
