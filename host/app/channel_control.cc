#include "host/app/channel_control.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "host/app/access_rules.h"
#include "host/app/ask_workers.h"
#include "host/app/worker_service.h"
#include "host/pipeline/channel_binding.h"
#include "host/pipeline/compiler.h"
#include "host/pipeline/generation.h"
#include "host/route/definitions.h"

namespace mimus {
namespace {

constexpr std::chrono::seconds patience{10};
constexpr int max_rounds = 8;  // where other plugins are published again and again

}  // namespace

Result<std::vector<ChannelInfo>> WorkerChannels::list(const Ulid& endpoint) {
  return ask_workers<std::vector<ChannelInfo>>(*server_, patience,
                                               [this, endpoint](unsigned i, std::vector<ChannelInfo>& all) {
                                                 if (services_[i] != nullptr)
                                                   services_[i]->channels().list(endpoint, all);
                                               });
}

Result<std::size_t> WorkerChannels::send(const ChannelSend& what) {
  return ask_workers<std::size_t>(*server_, patience, [this, what](unsigned i, std::size_t& sent) {
    if (services_[i] == nullptr) return;
    ChannelTable& channels = services_[i]->channels();
    Outgoing message = what.message;
    if (what.channel) {
      sent += channels.send(what.endpoint, *what.channel, message) ? 1 : 0;
    } else {
      sent += channels.broadcast(what.endpoint, what.room, message, nullptr);
    }
  });
}

Result<bool> WorkerChannels::close(const Ulid& endpoint, const Ulid& channel, int code,
                                   const std::string& reason) {
  return ask_workers<bool>(*server_, patience, [=, this](unsigned i, bool& closed) {
    WorkerService* const service = services_[i];
    closed |= service != nullptr && service->channels().close(endpoint, channel, code, reason);
  });
}

bool apply_here(WorkerService& service, const Ulid& endpoint, ChannelControl::Applied& done) {
  Generations::Lease& lease = service.context().lease;
  const Generation* const now = lease.acquire();
  const ChannelRecord* const channel = now->definitions->find_channel(endpoint);
  std::shared_ptr<const Pipeline> pipeline;
  std::uint32_t messages_per_second = 0;
  const bool disabled = channel == nullptr || !channel->enabled;
  if (!disabled) {
    const ApiRecord* const api = now->definitions->find_api(channel->api);
    pipeline = Compiler::compiled(now->plugins->serial, *api, *channel);
    messages_per_second = AccessRules(*channel->document).messages;
  }
  lease.release(now);
  if (disabled) {
    done.closed += service.channels().close_all(endpoint, 1001, "the endpoint is disabled");
    return true;
  }
  if (pipeline == nullptr) return false;
  const std::shared_ptr<AddressCount> count = pipeline->addresses();
  done.applied += service.channels().rebind(endpoint, messages_per_second, [&](const Channel& open) {
    const std::string address = open.origin().client_ip;
    count->enter(address, 0);  // it was let in long ago
    return bind_channel(pipeline, [count, address] { count->leave(address); });
  });
  return true;
}

Result<ChannelControl::Applied> WorkerChannels::apply(const Ulid& endpoint) {
  struct Round {
    Applied done;
    std::vector<bool> answered;
  };
  std::vector<bool> owing(server_->workers(), true);
  Applied total;
  for (int round = 0; round < max_rounds; ++round) {
    const Status bound = bind_now(endpoint);
    if (!bound) return bound.error();
    const auto now = ask_workers<Round>(*server_, patience, [this, endpoint, owing](unsigned i, Round& all) {
      all.answered.resize(owing.size());
      all.answered[i] = !owing[i] || services_[i] == nullptr || apply_here(*services_[i], endpoint, all.done);
    });
    if (!now) return now.error();
    total.applied += now->done.applied;
    total.closed += now->done.closed;
    for (std::size_t i = 0; i < now->answered.size(); ++i) owing[i] = owing[i] && !now->answered[i];
    if (std::none_of(owing.begin(), owing.end(), [](bool left) { return left; })) return total;
  }
  return Error{Code::unavailable, "not every worker could be given the definition: try again"};
}

void WorkerChannels::close_gone() {
  for (unsigned i = 0; i < server_->workers(); ++i) {
    post_to(*server_, i, [this, i] {
      if (services_[i] == nullptr) return;
      Generations::Lease& lease = services_[i]->context().lease;
      const Generation* const now = lease.acquire();
      services_[i]->channels().close_but(
          [&](const Ulid& endpoint) { return now->definitions->find_channel(endpoint) != nullptr; }, 1001,
          "the endpoint was deleted");
      lease.release(now);
    });
  }
}

Status WorkerChannels::bind_now(const Ulid& endpoint) {
  Compiler::Job job;
  job.definitions = generations_->definitions();
  job.channel = job.definitions->find_channel(endpoint);
  if (job.channel == nullptr || !job.channel->enabled) return Done{};
  job.api = job.definitions->find_api(job.channel->api);
  const auto pipeline = compiler_->compile(job);
  if (!pipeline) return pipeline.error();
  if (const auto refused = no_way_in(**pipeline)) return Error{Code::unavailable, refused->detail};
  return Done{};
}

}  // namespace mimus
