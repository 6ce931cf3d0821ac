// The workers' threads: started, drained, stopped.
#include "host/net/server.h"

#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "host/net/connection_count.h"
#include "host/net/worker.h"

namespace mimus {
namespace {

/// A call of a function on a worker's thread; frees itself.
struct Call : Post {
  explicit Call(std::function<void()> f) : function(std::move(f)) {
    run = [](Post& post) {
      const std::unique_ptr<Call> self(&static_cast<Call&>(post));
      self->function();
    };
  }
  std::function<void()> function;
};

/// Counts down to zero, once.
class Latch {
 public:
  explicit Latch(std::size_t count) : left_(count) {}
  void count_down() {
    const std::lock_guard lock(mutex_);
    if (--left_ == 0) zero_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    zero_.wait(lock, [this] { return left_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable zero_;
  std::size_t left_;
};

}  // namespace

struct Server::State {
  State(const Limits& l, std::function<std::unique_ptr<Service>(Loop&)> make)
      : limits(l), count(limits), make_service(std::move(make)) {}

  void run(Worker& worker, Latch& ready, std::atomic<bool>& failed) {
    const std::string name = "worker-" + std::to_string(worker.loop.index());
    ::pthread_setname_np(::pthread_self(), name.c_str());
    try {
      worker.service = make_service(worker.loop);
      if (!worker.service || !worker.open()) failed = true;
    } catch (...) {
      failed = true;
    }
    ready.count_down();
    worker.loop.run();
    worker.service.reset();
  }

  /// Blocks until each worker has done it, on its own thread.
  void on_all(const std::function<void(Worker&)>& work) {
    // Shared with the workers, which may leave it a moment after we do.
    const auto done = std::make_shared<Latch>(workers.size());
    for (const auto& worker : workers) {
      worker->loop.post(*new Call([&worker = *worker, work, done] {
        work(worker);
        done->count_down();
      }));
    }
    done->wait();
  }

  Limits limits;
  ConnectionCount count;
  std::function<std::unique_ptr<Service>(Loop&)> make_service;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::thread> threads;
  std::vector<int> tcp_sockets;  ///< Without Unix sockets: their paths stay taken until we end.
};

Server::Server(const Clock& clock, const Limits& limits, unsigned workers,
               std::function<std::unique_ptr<Service>(Loop&)> make_service)
    : state_(std::make_unique<State>(limits, std::move(make_service))) {
  for (unsigned i = 0; i < std::max(workers, 1u); ++i) {
    state_->workers.push_back(
        std::make_unique<Worker>(i, clock, state_->limits, state_->count, state_->workers));
  }
}

Server::~Server() { stop(); }

void Server::add(const Listener& listener) {
  // Every socket has a worker and every worker a socket, whatever the numbers: a socket in
  // a SO_REUSEPORT group that nobody accepts on would swallow its share of the clients.
  const std::size_t sockets = listener.fds.size(), workers = state_->workers.size();
  if (sockets == 0) return;
  if (!listener.url.starts_with("unix:")) {
    state_->tcp_sockets.insert(state_->tcp_sockets.end(), listener.fds.begin(), listener.fds.end());
  }
  const bool secure = listener.url.starts_with("https:");
  for (std::size_t i = 0; i < std::max(sockets, workers); ++i) {
    state_->workers[i % workers]->share(listener.fds[i % sockets], listener.serves_admin,
                                        listener.serves_public, secure);
  }
}

void Server::use_tls(const TlsServer& tls) {
  for (const auto& worker : state_->workers) worker->tls = &tls;
}

void Server::on_exception(std::function<void(const char*)> report) {
  for (const auto& worker : state_->workers) worker->loop.on_exception(report);
}

Status Server::start() {
  Latch ready(state_->workers.size());
  std::atomic<bool> failed{false};
  for (const auto& worker : state_->workers) {
    state_->threads.emplace_back(
        [this, &worker = *worker, &ready, &failed] { state_->run(worker, ready, failed); });
  }
  ready.wait();
  if (!failed) return Done{};
  stop();
  return Error{Code::unavailable, "a worker could not start"};
}

unsigned Server::workers() const { return static_cast<unsigned>(state_->workers.size()); }

Loop& Server::loop(unsigned index) { return state_->workers[index]->loop; }

void Server::drain(std::chrono::milliseconds grace) {
  if (state_->threads.empty()) return;
  state_->on_all([grace](Worker& worker) { worker.drain(grace); });
  // Not closed: our parent holds them, too, and new clients would queue for nobody.
  for (const int socket : state_->tcp_sockets) ::shutdown(socket, SHUT_RDWR);
  state_->count.await_none();
}

void Server::stop() {
  if (state_->threads.empty()) return;
  state_->on_all([](Worker& worker) { worker.close_all(); });
  // A connection may still be on its way from one loop to another.
  state_->count.await_none();
  for (const auto& worker : state_->workers) worker->loop.stop();
  for (std::thread& thread : state_->threads) thread.join();
  state_->threads.clear();
}

NetStats Server::stats() const {
  NetStats sum;
  for (const auto& worker : state_->workers) {
    const Counters& c = worker->counters;
    sum.accepted += c.accepted.get();
    sum.active += c.active.get();
    sum.requests += c.requests.get();
    sum.bytes_in += c.bytes_in.get();
    sum.bytes_out += c.bytes_out.get();
    sum.websockets += c.websockets.get();
    for (std::size_t i = 0; i < sum.turned_away.size(); ++i) sum.turned_away[i] += c.turned_away[i].get();
    for (std::size_t i = 0; i < sum.timed_out.size(); ++i) sum.timed_out[i] += c.timed_out[i].get();
    for (std::size_t i = 0; i < sum.refused.size(); ++i) sum.refused[i] += c.refused[i].get();
    sum.tls_handshakes += c.tls_handshakes.get();
    sum.tls_failures += c.tls_failures.get();
    sum.tls_active += c.tls_active.get();
    sum.timers += worker->loop.armed();
  }
  return sum;
}

}  // namespace mimus
