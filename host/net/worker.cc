// Accepting, counting, burying.
#include "host/net/worker.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "host/net/peer_address.h"

namespace mimus {
namespace {

// How long a worker without descriptors waits before it accepts again, unless one is closed.
constexpr std::chrono::milliseconds accept_pause{200};
// The store's files, upstreams and libraries need descriptors when clients have taken theirs.
constexpr rlim_t spare_descriptors = 64;

int first_spare() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur > INT_MAX) return INT_MAX;
  return static_cast<int>(files.rlim_cur - std::min(spare_descriptors, files.rlim_cur / 4));
}

int open_reserve() { return ::eventfd(0, EFD_CLOEXEC); }

}  // namespace

void Commons::take_back(std::unique_ptr<Ongoing> ongoing) {
  if (spare_ongoing.size() >= max_spares) return;
  Exchange& x = ongoing->exchange;
  x.arena.reset();
  std::vector<Header> fields = std::move(x.request.headers);
  fields.clear();
  x.request = RequestHead();
  x.request.headers = std::move(fields);
  x.response.status = 0;
  x.response.headers.clear();
  x.body = {};
  x.sink = nullptr;
  x.request_size = x.response_size = 0;
  x.refused_with = 0;
  x.fin_cancels = false;
  x.state = nullptr;
  if (ongoing->body.capacity() > max_spare_bytes) ongoing->body.release();
  ongoing->body.clear();
  ongoing->body_limit = 0;
  ongoing->borrowed = {};
  ongoing->promised = -1;
  ongoing->head_only = ongoing->chunked_answer = ongoing->begun = ongoing->starved = false;
  spare_ongoing.push_back(std::move(ongoing));
}

Worker::Worker(unsigned index, const Clock& clock, const Limits& limits_of_server, ConnectionCount& count,
               const std::vector<std::unique_ptr<Worker>>& all)
    : Commons(own_loop, limits_of_server),
      own_loop(index, clock),
      count_(count),
      all_(all),
      first_spare_(first_spare()),
      reserve_(open_reserve()) {
  reap_post_.worker = this;
  reap_post_.run = [](Post& post) { static_cast<OwnPost&>(post).worker->reap(); };
  resume_timer_.worker = grace_timer_.worker = this;
  resume_timer_.fire = [](Timer& timer) { static_cast<OwnTimer&>(timer).worker->resume_accepting(); };
  grace_timer_.fire = [](Timer& timer) { static_cast<OwnTimer&>(timer).worker->cut_all(); };
}

Worker::~Worker() {
  if (reserve_ >= 0) ::close(reserve_);
}

void Worker::share(int fd, bool serves_admin, bool serves_public, bool secure) {
  auto acceptor = std::make_unique<Acceptor>();
  acceptor->worker = this;
  acceptor->fd = fd;
  acceptor->serves_admin = serves_admin;
  acceptor->serves_public = serves_public;
  acceptor->secure = secure;
  acceptors_.push_back(std::move(acceptor));
}

bool Worker::open() {
  accepting_ = true;
  bool all = true;
  for (const auto& acceptor : acceptors_) {
    acceptor->watch = loop.watch(acceptor->fd, Interest::read, *acceptor);
    all = all && acceptor->watch != 0;
  }
  return all;
}

/// False: the system has no memory, or not even the reserved descriptor, and accepting is paused.
bool Worker::accept_on(Acceptor& acceptor, unsigned at_most) {
  while (at_most-- > 0) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    const int fd =
        ::accept4(acceptor.fd, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      admit(fd, acceptor, peer_text(peer));
      continue;
    }
    if ((errno == EMFILE || errno == ENFILE) && turn_away(acceptor)) continue;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // The client waits in the kernel's queue, and we do not spin on it.
      pause_accepting();
      return false;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return true;
    // Anything else is about that one client, who has gone.
  }
  return true;
}

/// Rather than let a client wait for a descriptor that may never come, accepts it with the
/// reserved one and closes. False: there was nobody, or another thread was quicker; errno tells.
bool Worker::turn_away(const Acceptor& acceptor) {
  if (reserve_ < 0) return false;
  ::close(reserve_);
  const int fd = ::accept4(acceptor.fd, nullptr, nullptr, SOCK_CLOEXEC);
  const int reason = errno;
  if (fd >= 0) {
    ::close(fd);
    counters.count(TurnedAway::no_descriptor);
  }
  reserve_ = open_reserve();
  errno = reason;
  return fd >= 0;
}

void Worker::admit(int fd, const Acceptor& acceptor, std::string client_ip) {
  ConnectionCount::Place place;
  const auto refused =
      fd < first_spare_ ? count_.enter(client_ip, place) : std::optional(TurnedAway::no_descriptor);
  if (refused) {
    counters.count(*refused);
    ::close(fd);
    return;
  }
  counters.accepted.add();
  counters.active.add();
  put_on(std::make_unique<Connection>(*this, fd,
                                      Origin{std::move(client_ip), acceptor.serves_admin,
                                             acceptor.serves_public, acceptor.secure, std::move(place)}));
  if (!connections_.back()->start()) connections_.back()->cut();
}

void Worker::pause_accepting() {
  for (const auto& acceptor : acceptors_) loop.rewatch(acceptor->watch, Interest::none);
  loop.arm(resume_timer_, accept_pause);
}

void Worker::resume_accepting() {
  loop.disarm(resume_timer_);
  if (!accepting_) return;
  if (reserve_ < 0) reserve_ = open_reserve();
  for (const auto& acceptor : acceptors_) loop.rewatch(acceptor->watch, Interest::read);
}

void Worker::put_on(std::unique_ptr<Connection> connection) {
  connection->place = connections_.size();
  connections_.push_back(std::move(connection));
}

std::unique_ptr<Connection> Worker::take_off(std::size_t place) {
  std::unique_ptr<Connection> out = std::move(connections_[place]);
  if (place + 1 < connections_.size()) {
    connections_[place] = std::move(connections_.back());
    connections_[place]->place = place;
  }
  connections_.pop_back();
  return out;
}

void Worker::give_away(Connection& connection) { (void)take_off(connection.place).release(); }

void Worker::take_in(Connection& connection) {
  put_on(std::unique_ptr<Connection>(&connection));
  if (closed_) connection.cut();
}

void Worker::bury(Connection& connection) {
  dead_.push_back(take_off(connection.place));
  if (reap_queued_) return;
  reap_queued_ = true;
  loop.defer(reap_post_);
}

void Worker::reap() {
  reap_queued_ = false;
  const std::vector<std::unique_ptr<Connection>> dead = std::move(dead_);
  dead_.clear();
  for (const auto& connection : dead) {
    counters.active.add(-1);
    try {
      connection->bid_farewell();
    } catch (...) {  // A takeover's failure must not keep the others alive.
    }
  }
  if (resume_timer_.armed()) resume_accepting();
}

void Worker::drain(std::chrono::milliseconds grace) {
  draining = true;
  accepting_ = false;
  loop.disarm(resume_timer_);
  for (const auto& acceptor : acceptors_) {
    // Who is queued already has been promised an answer.
    accept_on(*acceptor, UINT32_MAX);
    loop.unwatch(acceptor->watch);
  }
  loop.arm(grace_timer_, grace);
  for (std::size_t i = connections_.size(); i-- > 0;) connections_[i]->drain();
}

void Worker::cut_all() {
  closed_ = true;
  for (std::size_t i = connections_.size(); i-- > 0;) connections_[i]->cut();
}

void Worker::close_all() {
  draining = true;
  accepting_ = false;
  loop.disarm(resume_timer_);
  loop.disarm(grace_timer_);
  for (const auto& acceptor : acceptors_) loop.unwatch(acceptor->watch);
  cut_all();
}

}  // namespace mimus
