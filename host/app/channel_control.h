// What the query thread asks of every worker, and waits for.
#pragma once

#include <vector>

#include "host/admin/admin.h"
#include "host/net/server.h"

namespace mimus {

class Compiler;
class Generations;
class WorkerService;

/// Gives the worker's open channels of an endpoint the definition of now, or closes them if it is
/// disabled. False: its pipeline must be compiled first. On the worker.
bool apply_here(WorkerService& service, const Ulid& endpoint, ChannelControl::Applied& done);

/// The open channels of all workers. [query thread]
class WorkerChannels final : public ChannelControl {
 public:
  explicit WorkerChannels(const std::vector<WorkerService*>& services) : services_(services) {}
  /// What is bound anew is compiled by `compiler`. All outlive the calls.
  void use(Server& server, const Generations& generations, Compiler& compiler) {
    server_ = &server;
    generations_ = &generations;
    compiler_ = &compiler;
  }

  Result<std::vector<ChannelInfo>> list(const Ulid& endpoint) override;
  Result<std::size_t> send(const ChannelSend& what) override;
  Result<bool> close(const Ulid& endpoint, const Ulid& channel, int code, const std::string& reason) override;
  Result<Applied> apply(const Ulid& endpoint) override;
  void close_gone() override;

 private:
  /// Has the endpoint's pipeline compiled for the plugins of now. Errors: as apply
  Status bind_now(const Ulid& endpoint);

  const std::vector<WorkerService*>& services_;
  Server* server_ = nullptr;
  const Generations* generations_ = nullptr;
  Compiler* compiler_ = nullptr;
};

}  // namespace mimus
