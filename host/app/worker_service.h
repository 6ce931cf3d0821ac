// One worker's Service: which part of the host takes an exchange.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "host/app/admin_gateway.h"
#include "host/app/admission.h"
#include "host/app/live_feed.h"
#include "host/app/until_loaded.h"
#include "host/channel/channels.h"
#include "host/channel/engine.h"
#include "host/net/client_address.h"
#include "host/net/exchange.h"
#include "host/pipeline/channel_journal.h"
#include "host/pipeline/flow.h"
#include "host/pipeline/worker.h"

namespace mimus {

/// What all workers share. Everything outlives them.
struct SharedServices {
  const Clock& clock;
  const Limits& limits;
  const EngineOptions& engine;
  std::chrono::milliseconds connect_timeout;  ///< Of Socket.IO clients.
  Generations& generations;
  Compiler& compiler;
  const AddressPolicy& addresses;
  AdminGateway& admin;
  LoadGate& loaded;
  Metrics& metrics;
  Journal* journal;
  bool lossless;
  std::string default_api;  ///< A slug, or "".
  std::vector<Cidr> trusted;
  std::atomic<bool> draining{false};
  std::vector<TrafficArms> traffic{};  ///< By worker.
  AttemptBook attempts{};
  std::atomic<std::int64_t> engine_sessions{0};  ///< Open ones of Engine.IO, of all workers.
};

/// Tells the journal, if there is one, and who watches.
class ChannelEars final : public ChannelObserver {
 public:
  ChannelEars(ChannelJournal* journal, LiveFeed& live) : journal_(journal), live_(live) {}

  void on_open(const BaseChannel& channel) override;
  void on_message(const BaseChannel& channel, const ChannelMessage& message) override;
  void on_close(const BaseChannel& channel, int code, std::string_view reason) override;
  void on_refused(const ChannelRefusal& refusal) override;
  bool is_full() const override { return journal_ != nullptr && journal_->is_full(); }

 private:
  ChannelJournal* const journal_;
  LiveFeed& live_;
};

/// On its worker's thread only.
class WorkerService final : public Service {
 public:
  WorkerService(SharedServices& shared, Loop& loop);
  ~WorkerService() override;
  WorkerService(const WorkerService&) = delete;
  WorkerService& operator=(const WorkerService&) = delete;

  void on_head(Exchange& exchange) override;
  void on_body(Exchange& exchange) override;
  void on_body_too_large(Exchange& exchange) override;
  void on_writable(Exchange& exchange) override;
  void on_cancel(Exchange& exchange) override;
  void on_end(Exchange& exchange) override;
  std::string refusal(int status, std::string_view detail) override;

  WorkerContext& context() { return context_; }
  /// The instance must go: the exchanges that it holds fail, its channels are closed with 1012.
  void evict(const PluginHost::Loaded& plugin);
  ChannelTable& channels() { return channels_; }
  /// The host is stopping.
  void drain() {
    engine_.drain();
    admission_.drain();
  }
  LiveFeed& live() { return live_; }
  /// The journal has room again.
  void retry_journal();

 private:
  void answer(Exchange& exchange, int status, std::string_view content_type, std::string_view body);
  void refuse(Exchange& exchange, int status, std::string_view code, std::string_view detail);
  void health(Exchange& exchange, bool ready);
  /// Takes what the definitions decide about.
  void serve(Exchange& exchange);
  void mock(Exchange& exchange, std::size_t prefix);

  SharedServices& shared_;
  ClientAddress client_address_;
  std::unique_ptr<Upstream> upstream_;
  WorkerContext context_;
  ChannelJournal channel_journal_;
  LiveFeed live_;
  ChannelEars ears_;
  ChannelTable channels_;
  Admission admission_;
  EngineTable engine_;
  std::vector<std::unique_ptr<Flow>> flows_;
  std::vector<Flow*> idle_;
};

}  // namespace mimus
