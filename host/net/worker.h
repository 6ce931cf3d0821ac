// One worker: a loop, its service, its share of the listening sockets, its connections.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "host/net/commons.h"
#include "host/net/connection.h"
#include "host/net/connection_count.h"

namespace mimus {

/// Everything but the constructor belongs to its loop's thread.
class Worker final : public Commons {
 public:
  /// `all` are the server's workers, this one among them, complete before any runs.
  Worker(unsigned index, const Clock& clock, const Limits& limits, ConnectionCount& count,
         const std::vector<std::unique_ptr<Worker>>& all);
  ~Worker() override;

  /// A listening socket to accept on. REQUIRES: before `open`.
  void share(int fd, bool serves_admin, bool serves_public, bool secure);
  bool open();  ///< Watches the sockets. False: the system refused.

  void bury(Connection& connection) override;
  Commons* peer(unsigned worker) override { return worker < all_.size() ? all_[worker].get() : nullptr; }
  void give_away(Connection& connection) override;
  void take_in(Connection& connection) override;

  /// Accepts nothing any more, and cuts after `grace` what is still there, or comes from a peer.
  void drain(std::chrono::milliseconds grace);
  /// The same without grace.
  void close_all();

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
  std::unique_ptr<Connection> take_off(std::size_t place);
  void put_on(std::unique_ptr<Connection> connection);
  void reap();
  void cut_all();

  ConnectionCount& count_;
  const std::vector<std::unique_ptr<Worker>>& all_;
  const int first_spare_;  // Descriptors from this number on are for others than clients.
  int reserve_;            // Given up for the moment it takes to turn a client away; -1: lost.
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>> dead_;
  OwnPost reap_post_;
  bool reap_queued_ = false;
  bool accepting_ = false;
  bool closed_ = false;  // Connections are not even let finish.
  OwnTimer resume_timer_;
  OwnTimer grace_timer_;
};

}  // namespace mimus
