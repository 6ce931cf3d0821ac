#include "host/app/live_streams.h"

#include "host/app/ask_workers.h"
#include "host/app/worker_service.h"
#include "host/net/responder.h"
#include "host/pipeline/problem.h"

namespace mimus {

/// Frees itself at the exchange's end.
class LiveStreams::Viewer final : public Responder {
 public:
  Viewer(LiveStreams& streams, Exchange& exchange, const Ulid& endpoint)
      : streams_(streams),
        here_(streams.here_[exchange.loop->index()]),
        exchange_(exchange),
        endpoint_(endpoint),
        box_(std::make_shared<Mailbox>(*exchange.loop, [this] { pass_on(); })) {
    beat_.viewer = this;
    beat_.fire = [](Timer& timer) { static_cast<Beat&>(timer).viewer->beat(); };
    here_.viewers.push_back(this);
    exchange.state = static_cast<Responder*>(this);
  }

  void start() {
    exchange_.response.status = 200;
    exchange_.response.headers = {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}};
    exchange_.fin_cancels = true;
    exchange_.loop->arm(beat_, stream_heartbeat);
    const auto left = std::make_shared<std::atomic<unsigned>>(streams_.server_->workers());
    streams_.everywhere([box = box_, endpoint = endpoint_, left](WorkerService& service) {
      service.live().watch(endpoint, box);
      if (left->fetch_sub(1) == 1) box->put(sse_event("watching", "{}"));
    });
    exchange_.sink->begin(-1);
  }
  void finish() { exchange_.sink->finish(); }

  void on_body() override {}
  void on_body_too_large() override {}
  void on_cancel() override {}
  void on_writable() override {
    full_ = false;
    pass_on();
  }
  void on_end() override {
    exchange_.loop->disarm(beat_);
    box_->close();
    std::erase(here_.viewers, this);
    streams_.everywhere([box = box_, endpoint = endpoint_](WorkerService& service) {
      service.live().unwatch(endpoint, box.get());
    });
    delete this;
  }

 private:
  struct Beat : Timer {
    Viewer* viewer = nullptr;
  };

  void pass_on() {
    if (full_) return;
    Mailbox::Mail mail = box_->take();
    if (mail.dropped != 0)
      mail.events += sse_event("dropped", "{\"dropped\":" + std::to_string(mail.dropped) + "}");
    if (!mail.events.empty()) write(mail.events);
  }
  void beat() {
    exchange_.loop->arm(beat_, stream_heartbeat);
    if (!full_) write(": still here\n\n");
  }
  void write(std::string_view events) { full_ = !exchange_.sink->write(events); }

  LiveStreams& streams_;
  Here& here_;
  Exchange& exchange_;
  const Ulid endpoint_;
  const std::shared_ptr<Mailbox> box_;
  bool full_ = false;  ///< Until on_writable: what comes meanwhile is the mailbox's.
  Beat beat_;
};

template <class Work>
void LiveStreams::everywhere(Work work) {
  for (unsigned i = 0; i < server_->workers(); ++i) {
    post_to(*server_, i, [this, i, work] {
      if (services_[i] != nullptr) work(*services_[i]);
    });
  }
}

void LiveStreams::use(Server& server) {
  server_ = &server;
  here_.resize(server.workers());
}

void LiveStreams::start(Exchange& exchange, const Ulid& endpoint) {
  if (!ended_ && here_[exchange.loop->index()].viewers.size() < LiveFeed::most_viewers) {
    return (new Viewer(*this, exchange, endpoint))->start();
  }
  exchange.response.status = 503;
  exchange.response.headers = {{"Content-Type", problem_type}, {"Retry-After", "5"}};
  exchange.sink->send(exchange.arena.copy(problem_json(
      503, "unavailable", ended_ ? "the host is stopping" : "this worker has as many viewers as it may have",
      exchange.request.raw_path)));
}

void LiveStreams::end() {
  ended_ = true;
  for (unsigned i = 0; i < server_->workers(); ++i) {
    post_to(*server_, i, [this, i] {
      const std::vector<Viewer*> now = here_[i].viewers;
      for (Viewer* const viewer : now) viewer->finish();
    });
  }
}

}  // namespace mimus
