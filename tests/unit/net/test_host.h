// A server on a free port with a small service, and a client that blocks: for tests.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "host/net/server.h"

namespace mimus {

/// What happened, told by workers and awaited by tests.
class Log {
 public:
  void add(const std::string& line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(line);
    changed_.notify_all();
  }
  void await(const std::string& line) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(60), [&] { return holds(line); }))
        << "never: " << line;
  }
  bool has(const std::string& line) {
    const std::lock_guard lock(mutex_);
    return holds(line);
  }
  std::size_t count(const std::string& line) {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count(lines_.begin(), lines_.end(), line));
  }

 private:
  bool holds(const std::string& line) const {
    return std::find(lines_.begin(), lines_.end(), line) != lines_.end();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

/// Echoes whatever it is sent, in upper case, and logs. `paused`: it reads nothing for a second first.
class EchoTakeover final : public Takeover {
 public:
  explicit EchoTakeover(Log& log, bool paused = false) : log_(log), starts_paused_(paused) {
    resume_.owner = this;
    resume_.fire = [](Timer& timer) { static_cast<Resume&>(timer).owner->wire_->resume(); };
  }
  void on_start(Wire& wire) override {
    wire_ = &wire;
    if (starts_paused_) pause();
  }
  void on_bytes(std::string_view data) override {
    std::string out(data);
    for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    if (out == "CLOSE") {
      wire_->write("bye");
      wire_->close_after_write();
    } else if (out == "PAUSE") {
      pause();
    } else if (out == "CUT") {
      wire_->close_now();
    } else if (out == "FLOOD") {
      while (wire_->write(std::string(100'000, 'x'))) {
      }
    } else {
      wire_->write(out);
    }
  }
  void on_drain() override {
    wire_->write("going away");
    wire_->close_after_write();
  }
  void on_closed() override {
    wire_->loop().disarm(resume_);
    log_.add("takeover closed");
  }

 private:
  struct Resume : Timer {
    EchoTakeover* owner = nullptr;
  };
  void pause() {
    wire_->pause();
    wire_->loop().arm(resume_, std::chrono::milliseconds(1000));
    log_.add("paused");
  }

  Log& log_;
  const bool starts_paused_;
  Resume resume_;
  Wire* wire_ = nullptr;
};

/// Answers by path; see on_head. "/on/N/…" is answered by worker N.
class TestService final : public Service {
 public:
  explicit TestService(Log& log) : log_(log) {}
  ~TestService() override { log_.add("service destroyed"); }

  void on_head(Exchange& x) override {
    std::string_view path = x.request.raw_path;
    if (path.starts_with("/on/")) {
      const auto worker = static_cast<unsigned>(path[4] - '0');
      if (worker != x.loop->index() && x.sink->hand_over(worker)) return log_.add("handed over");
      path.remove_prefix(5);
    }
    x.response.status = 200;
    if (path == "/where") return x.sink->send(x.arena.copy(std::to_string(x.loop->index())));
    if (path == "/stay") return x.sink->send(x.sink->hand_over(x.loop->index()) ? "gone" : "stayed");
    if (path == "/begun") {
      x.sink->begin(-1);
      x.sink->write(x.sink->hand_over(x.loop->index() ^ 1) ? "gone" : "stayed");
      return x.sink->finish();
    }
    if (path == "/bodied") {
      moves_late_ = true;
      return x.sink->want_body(1000);
    }
    if (path.starts_with("/block")) {
      return x.sink->send(x.arena.copy(std::string(path).append(std::string(15'000, 'b'))));
    }
    if (path == "/throw") throw std::runtime_error("thrown by the service");
    if (path == "/wait" || path == "/poll") {
      waiting_ = &x;
      x.fin_cancels = path == "/poll";
      log_.add("waiting");
      return;
    }
    if (path == "/release") {
      if (waiting_) waiting_->sink->send("released");
      waiting_ = nullptr;
      return x.sink->send("ok");
    }
    if (path == "/large") return x.sink->send(large_);
    if (path == "/none") {
      x.response.status = 204;
      return x.sink->send("");
    }
    if (path == "/split") {
      x.response.headers.push_back({"X-A", "b\r\nX-Evil: 1"});
      return x.sink->send("ok");
    }
    if (path == "/stream" || path == "/known") {
      x.sink->begin(path == "/known" ? 11 : -1);
      x.sink->write("hello ");
      x.sink->write("world");
      return x.sink->finish();
    }
    if (path == "/endless") {
      x.sink->begin(-1);
      return on_writable(x);
    }
    if (path == "/abort") {
      x.sink->begin(100);
      x.sink->write("half");
      return x.sink->abort();
    }
    if (path == "/upgrade" || path == "/paused") {
      return x.sink->upgrade({{"Upgrade", "echo"}}, std::make_unique<EchoTakeover>(log_, path == "/paused"));
    }
    if (path == "/body") return x.sink->want_body(1000);
    if (path == "/ip") return x.sink->send(x.client_ip.empty() ? "unix" : x.client_ip);
    const std::string_view text = x.arena.copy(std::string(x.request.method).append(" ").append(path));
    x.sink->send(text);
  }
  void on_body(Exchange& x) override {
    if (std::exchange(moves_late_, false)) {
      return x.sink->send(x.sink->hand_over(x.loop->index() ^ 1) ? "gone" : "stayed");
    }
    x.sink->send(x.arena.copy(std::string("got ").append(x.body)));
  }
  void on_body_too_large(Exchange& x) override {
    x.response.status = 413;
    x.sink->send("too large");
  }
  void on_writable(Exchange& x) override {
    log_.add("writable");
    while (x.sink->write(std::string(50'000, 'e'))) {
    }
  }
  void on_cancel(Exchange& x) override {
    log_.add(x.refused_with == 0 ? "cancelled" : "refused " + std::to_string(x.refused_with));
  }
  void on_end(Exchange& x) override {
    if (waiting_ == &x) waiting_ = nullptr;
    log_.add(std::string("ended ").append(x.request.raw_path));
  }
  std::string refusal(int status, std::string_view) override {
    return std::string("{\"status\":").append(std::to_string(status)).append("}");
  }

  static constexpr std::size_t large_size = 8 << 20;

 private:
  Log& log_;
  Exchange* waiting_ = nullptr;
  bool moves_late_ = false;  // What comes too late.
  std::string large_ = std::string(large_size, 'L');
};

inline std::uint64_t of(TurnedAway why, const NetStats& stats) {
  return stats.turned_away[static_cast<std::size_t>(why)];
}
inline std::uint64_t of(TimedOut what, const NetStats& stats) {
  return stats.timed_out[static_cast<std::size_t>(what)];
}
inline std::uint64_t refusals(int status, const NetStats& stats) {
  for (std::size_t i = 0; i < refusal_statuses.size(); ++i) {
    if (refusal_statuses[i] == status) return stats.refused[i];
  }
  return 0;
}
inline std::string get(const std::string& path) {
  return std::string("GET ").append(path).append(" HTTP/1.1\r\nHost: h\r\n\r\n");
}

class TestHost {
 public:
  explicit TestHost(unsigned workers = 1, std::function<void(Limits&)> change = {}, unsigned sockets = 1,
                    const std::string& address = "127.0.0.1:0", const TlsFiles& tls_files = {}) {
    Limits limits;
    if (change) change(limits);
    server = std::make_unique<Server>(clock, limits, workers,
                                      [this](Loop&) { return std::make_unique<TestService>(log); });
    auto listening = listen_on(address, sockets);
    EXPECT_TRUE(listening) << (listening ? "" : listening.error().message);
    listener = *listening;
    if (!tls_files.pairs.empty()) {
      listener.url.replace(0, 5, "https:");
      auto opened = TlsServer::open(tls_files, clock);
      EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
      tls = *std::move(opened);
      server->use_tls(*tls);
    }
    server->add(listener);
    server->on_exception([this](const char* what) { log.add(std::string("exception ").append(what)); });
    EXPECT_TRUE(server->start());
  }
  ~TestHost() {
    server->stop();
    for (const int fd : listener.fds) ::close(fd);
  }

  int port() const { return std::stoi(listener.url.substr(listener.url.rfind(':') + 1)); }

  /// Moves the clock and has every loop look at it.
  void advance(std::chrono::milliseconds by) {
    clock.advance(by);
    for (unsigned i = 0; i < server->workers(); ++i) on_loop(i, [] {});
  }

  /// Runs `work` on a worker and waits for it.
  void on_loop(unsigned index, std::function<void()> work) {
    struct Job : Post {
      std::function<void()> work;
      std::atomic<bool> done{false};
    } job;
    job.work = std::move(work);
    job.run = [](Post& post) {
      Job& self = static_cast<Job&>(post);
      self.work();
      self.done = true;
      self.done.notify_all();
    };
    server->loop(index).post(job);
    job.done.wait(false);
  }

  /// The counts once each worker has ended its turn: a client reads an answer, or an alert, before the
  /// turn that sent it is over.
  NetStats counted() {
    for (unsigned i = 0; i < server->workers(); ++i) on_loop(i, [] {});
    return server->stats();
  }

  /// Waits until so many connections are left, and what the others had is free: a connection is counted
  /// off before its place, and its turn, are over.
  void await_active(std::uint64_t left) {
    while (counted().active != left) {
    }
    counted();
  }

  FakeClock clock;
  Log log;
  Listener listener;
  std::unique_ptr<TlsServer> tls;
  std::unique_ptr<Server> server;
};

/// Keeps the first worker from doing anything, from construction to let_go.
class Hold {
 public:
  explicit Hold(TestHost& host)
      : thread_([this, &host] {
          host.on_loop(0, [this] {
            held_ = true;
            held_.notify_all();
            go_.wait(false);
          });
        }) {
    held_.wait(false);
  }
  void let_go() {
    go_ = true;
    go_.notify_all();
    thread_.join();
  }

 private:
  std::atomic<bool> held_{false}, go_{false};
  std::thread thread_;
};

/// Every call fails the test after 60 s rather than hang.
class Client {
 public:
  explicit Client(const TestHost& host, int receive_buffer = 0) : Client(host.port(), receive_buffer) {}
  explicit Client(int port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const timeval limit{60, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { ::close(fd_); }

  void send(std::string_view text) {
    EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  void end_sending() { ::shutdown(fd_, SHUT_WR); }
  void reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    ::close(std::exchange(fd_, -1));
  }

  /// Exactly `size` bytes, or fewer if the connection ends.
  std::string receive(std::size_t size) {
    while (got_.size() < size && more()) {
    }
    return take(size);
  }
  /// Up to and with `mark`; all there is if the connection ends before it.
  std::string receive_to(std::string_view mark) {
    for (;;) {
      const std::size_t at = got_.find(mark);
      if (at != got_.npos) return take(at + mark.size());
      if (!more()) return take(got_.size());
    }
  }
  std::string receive_all() {
    while (more()) {
    }
    return take(got_.size());
  }
  /// Head and body of one answer with Content-Length.
  std::string answer() {
    const std::string head = receive_to("\r\n\r\n");
    const std::size_t at = head.find("Content-Length: ");
    return head + (at == head.npos ? "" : receive(std::stoul(head.substr(at + 16))));
  }
  int fd() const { return fd_; }

 private:
  bool more() {
    char bytes[65536];
    const ssize_t n = ::recv(fd_, bytes, sizeof bytes, 0);
    EXPECT_FALSE(n < 0 && errno == EAGAIN) << "nothing came for 60 s";
    if (n > 0) got_.append(bytes, static_cast<std::size_t>(n));
    return n > 0;
  }
  std::string take(std::size_t size) {
    std::string out = got_.substr(0, size);
    got_.erase(0, out.size());
    return out;
  }

  int fd_;
  std::string got_;
};

}  // namespace mimus
