// What the query thread asks of every worker, and waits for.
#pragma once

#include <functional>
#include <vector>

#include "host/admin/admin.h"
#include "host/net/server.h"

namespace mimus {

class WorkerService;

/// Runs `work` on a worker. [any thread]
void post_to(Server& server, unsigned worker, std::function<void()> work);

/// The open channels of all workers. [query thread]
class WorkerChannels final : public ChannelControl {
 public:
  explicit WorkerChannels(const std::vector<WorkerService*>& services) : services_(services) {}
  void use(Server& server) { server_ = &server; }

  std::vector<ChannelInfo> list(const Ulid& endpoint) override;
  std::size_t broadcast(const Ulid& endpoint, const std::string& name, const std::string& payload) override;
  bool close(const Ulid& endpoint, const Ulid& channel) override;

 private:
  const std::vector<WorkerService*>& services_;
  Server* server_ = nullptr;
};

}  // namespace mimus
