// One worker: a loop, its service, its share of the listening sockets, its connections.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "host/net/commons.h"
#include "host/net/connection.h"

namespace mimus {

/// Who may connect, counted over all workers. Thread-safe.
class Admission {
 public:
  explicit Admission(const Limits& limits) : limits_(limits) {}
  /// Nothing: it may stay until `leave`.
  std::optional<TurnedAway> enter(const std::string& client_ip);
  void leave(const std::string& client_ip);

 private:
  const Limits& limits_;
  std::atomic<std::size_t> connections_{0};
  std::mutex mutex_;
  std::map<std::string, std::size_t> per_ip_;  // Empty unless there is a limit for each address.
};

/// Everything but the constructor belongs to its loop's thread.
class Worker final : public Commons {
 public:
  Worker(unsigned index, const Clock& clock, const Limits& limits, Admission& admission);
  ~Worker() override;

  /// A listening socket to accept on. REQUIRES: before `open`.
  void share(int fd, bool serves_admin, bool serves_public, bool secure);
  bool open();  ///< Watches the sockets. False: the system refused.

  void bury(Connection& connection) override;

  /// `done` is called when no connection is left, at the latest after `grace`.
  void drain(std::chrono::milliseconds grace, std::function<void()> done);
  /// Cancels and destroys all connections; nothing is accepted any more. `done` comes last.
  void close_all(std::function<void()> done);

  Loop own_loop;

 private:
  struct Acceptor final : FdHandler {
    void on_ready(Ready) override { worker->accept_on(*this, max_accepts_a_turn); }
    Worker* worker = nullptr;
    int fd = -1;
    WatchId watch = 0;
    bool serves_admin = true, serves_public = true, secure = false;
  };
  struct OwnPost : Post {
    Worker* worker;
  };
  struct OwnTimer : Timer {
    Worker* worker;
  };

  static constexpr unsigned max_accepts_a_turn = 64;

  bool accept_on(Acceptor& acceptor, unsigned at_most);
  bool turn_away(const Acceptor& acceptor);
  void admit(int fd, const Acceptor& acceptor, std::string client_ip);
  void pause_accepting();
  void resume_accepting();
  void reap();
  void finish_drain_if_empty();

  Admission& admission_;
  const int first_spare_;  // Descriptors from this number on are for others than clients.
  int reserve_;            // Given up for the moment it takes to turn a client away; -1: lost.
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>> dead_;
  OwnPost reap_post_;
  bool reap_queued_ = false;
  bool accepting_ = false;
  OwnTimer resume_timer_;
  OwnTimer grace_timer_;
  std::function<void()> drained_;
};

}  // namespace mimus
