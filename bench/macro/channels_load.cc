// channels_load PORT TARGET COUNT [NAMESPACE]: many WebSocket clients in one thread.
//
// Opens COUNT WebSockets at TARGET on 127.0.0.1:PORT; with a NAMESPACE each joins it as a Socket.IO
// client. It answers pings, prints one JSON line when all are open, and one for each line on stdin:
//   echo SECONDS FLIGHT TEXT   each keeps FLIGHT messages under way for that long: {"messages","seconds"}
//   post PORT TARGET BODY      until all have a message after that request: {"first","seconds"}
//   count SECONDS              messages that come in that time: {"messages","seconds"}
// It never waits for a message while it measures: to wake it would cost the server, as clients on
// other machines don't. An echo's clients ask all the time; a broadcast's sleep, and the kernel notes
// when each message came; those that count look every 10 ms.
// Ends at the end of stdin, or with 1 and a reason on stderr when a connection ends.
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <sstream>
#include <utility>

#include "bench/macro/websocket.h"

namespace {

using namespace load;

constexpr unsigned at_once = 100;  // Handshakes under way.
constexpr double quiet = 0.3;      // Seconds without a message: what follows a handshake has come.
constexpr double patience = 2;     // For that, where messages never end.

struct Client {
  enum class Phase { answer, hello, joining, open } phase = Phase::answer;
  int fd = -1;
  bool heard = false;       // Since the measurement began.
  std::string in{}, out{};  // What is not whole; what the socket did not take.
};

class Load {
 public:
  Load(int port, std::string target, std::size_t count, std::string name_space)
      : port_(port), target_(std::move(target)), count_(count), namespace_(std::move(name_space)) {}

  void open() {
    while (open_ < count_) {
      while (clients_.size() < count_ && clients_.size() - open_ < at_once) begin();
      poll(1);
    }
    settle();
    std::printf("{\"open\":%zu}\n", open_);
  }

  /// Until stdin ends.
  void serve() {
    watch(STDIN_FILENO, nullptr);
    while (!ended_) {
      poll(3600);
      for (std::size_t end = 0; (end = commands_.find('\n')) != commands_.npos;) {
        std::istringstream command(commands_.substr(0, end));
        commands_.erase(0, end + 1);
        run(command);
      }
    }
  }

 private:
  void watch(int fd, Client* client) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = client;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
  }

  void begin() {
    Client& client = clients_.emplace_back();
    client.fd = connected(port_);
    watch(client.fd, &client);
    send(client, "GET " + target_ +
                     " HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  }

  void send(Client& client, std::string_view bytes) {
    if (client.out.empty()) {
      const ssize_t n = ::send(client.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n < 0 && errno != EAGAIN) die("a connection was reset");
      bytes.remove_prefix(n > 0 ? static_cast<std::size_t>(n) : 0);
      if (bytes.empty()) return;
    }
    client.out += bytes;
    rewatch(client);
  }

  void flush(Client& client) {
    const std::string rest = std::exchange(client.out, {});
    send(client, rest);
    rewatch(client);
  }

  void rewatch(Client& client) {
    epoll_event event{};
    event.events = client.out.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT;
    event.data.ptr = &client;
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, client.fd, &event);
  }

  /// How many had something.
  int poll(double seconds) {
    std::array<epoll_event, 512> events;
    const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                               static_cast<int>(seconds * 1000));
    for (int i = 0; i < n; ++i) {
      auto* const client = static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (client == nullptr) {
        read_commands();
        continue;
      }
      if (events[static_cast<std::size_t>(i)].events & EPOLLOUT) flush(*client);
      read(*client);
    }
    return n;
  }

  /// Lets what comes lie for a while: nobody waits for it, and the server need not wake us.
  void look_after(int pause_ms) {
    pollfd commands{STDIN_FILENO, POLLIN, 0};
    ::poll(&commands, 1, pause_ms);
    while (poll(0) > 0) {
    }
  }

  void read_commands() {
    std::array<char, 4096> bytes;
    const ssize_t n = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (n > 0) commands_.append(bytes.data(), static_cast<std::size_t>(n));
    ended_ = n == 0;
    if (ended_) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, STDIN_FILENO, nullptr);
  }

  void read(Client& client) {
    static std::array<char, 256 << 10> bytes;
    double at = 0;
    const ssize_t n = receive(client.fd, bytes.data(), bytes.size(), at);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) die("a connection ended: " + client.in);
    std::string_view input(bytes.data(), static_cast<std::size_t>(n));
    if (!client.in.empty()) input = client.in.append(input);
    const std::size_t before = input.size();
    std::size_t taken = 0, came = 0;
    while ((taken = take(client, input, came)) > 0) input.remove_prefix(taken);
    if (came > 0) heard(client, came, at);
    if (client.in.empty()) {
      client.in = input;
    } else {
      client.in.erase(0, before - input.size());
    }
    if (client.in.empty()) client.in.shrink_to_fit();
  }

  /// The bytes of what is whole at the front, 0 if nothing is; `came` counts messages.
  std::size_t take(Client& client, std::string_view input, std::size_t& came) {
    if (client.phase == Client::Phase::answer) {
      const std::size_t end = input.find("\r\n\r\n");
      if (end == input.npos) return 0;
      if (!input.starts_with("HTTP/1.1 101 ")) die("no upgrade: " + std::string(input.substr(0, end)));
      advance(client, namespace_.empty() ? Client::Phase::open : Client::Phase::hello);
      return end + 4;
    }
    const Frame found = first_frame(input);
    if (found.size > 0) frame(client, found.opcode, found.payload, came);
    return found.size;
  }

  void frame(Client& client, unsigned opcode, std::string_view payload, std::size_t& came) {
    if (opcode == 8) die("a connection was closed");
    if (opcode == 9) return send(client, framed(10, payload));
    if (opcode > 2) return;
    if (namespace_.empty()) {
      ++came;
    } else if (payload == "2") {
      send(client, framed(1, "3"));
    } else if (client.phase == Client::Phase::hello) {
      send(client, framed(1, "40" + namespace_ + ","));
      advance(client, Client::Phase::joining);
    } else if (client.phase == Client::Phase::joining) {
      if (!payload.starts_with("40")) die("not let in: " + std::string(payload));
      advance(client, Client::Phase::open);
    } else {
      ++came;
    }
  }

  void advance(Client& client, Client::Phase to) {
    client.phase = to;
    if (to == Client::Phase::open) ++open_;
    last_ = now();
  }

  void heard(Client& client, std::size_t messages, double at) {
    messages_ += messages;
    last_ = std::max(last_, at);
    if (!client.heard) {
      client.heard = true;
      ++heard_;
      first_ = std::min(first_, at);
    }
    if (message_.empty()) return;
    if (messages == 1) return send(client, message_);
    std::string all;
    for (std::size_t i = 0; i < messages; ++i) all += message_;
    send(client, all);
  }

  void settle() {
    for (const double until = now() + patience; now() - last_ < quiet && now() < until;) poll(quiet / 4);
  }

  void start() {
    for (Client& client : clients_) client.heard = false;
    heard_ = messages_ = 0;
    began_ = last_ = now();
    first_ = began_ + 3600;
  }

  void run(std::istringstream& command) {
    std::string what;
    command >> what;
    if (what == "echo") {
      double seconds = 0;
      unsigned flight = 0;
      std::string text;
      command >> seconds >> flight >> std::ws;
      std::getline(command, text);
      start();
      message_ = framed(1, text);
      std::string first;
      for (unsigned i = 0; i < flight; ++i) first += message_;
      for (Client& client : clients_) send(client, first);
      while (now() - began_ < seconds) poll(0);
      message_.clear();
      const double took = now() - began_;
      std::printf("{\"messages\":%zu,\"seconds\":%.6f}\n", messages_, took);
      last_ = now();
      settle();
    } else if (what == "post") {
      int port = 0;
      std::string target, body;
      command >> port >> target >> std::ws;
      std::getline(command, body);
      const int fd = connected(port);
      for (Client& client : clients_) stamp(client.fd, true);
      start();
      const std::string request = "POST " + target +
                                  " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                                  "Authorization: Bearer bench\r\nContent-Type: application/json\r\n"
                                  "Content-Length: " +
                                  std::to_string(body.size()) + "\r\n\r\n" + body;
      if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) die("cannot post");
      while (heard_ < count_) {
        look_after(200);
        if (now() - began_ > 30) die("not all were told");
      }
      std::printf("{\"first\":%.6f,\"seconds\":%.6f}\n", first_ - began_, last_ - began_);
      for (Client& client : clients_) stamp(client.fd, false);
      ::fcntl(fd, F_SETFL, 0);
      for (char answer[4096]; ::recv(fd, answer, sizeof answer, 0) > 0;) {
      }
      ::close(fd);
    } else if (what == "count") {
      double seconds = 0;
      command >> seconds;
      start();
      while (now() - began_ < seconds) look_after(10);
      std::printf("{\"messages\":%zu,\"seconds\":%.6f}\n", messages_, now() - began_);
    } else {
      die("what is " + what);
    }
    std::fflush(stdout);
  }

  const int port_;
  const std::string target_;
  const std::size_t count_;
  const std::string namespace_;
  const int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  std::deque<Client> clients_;
  std::size_t open_ = 0, heard_ = 0, messages_ = 0;
  double began_ = 0, first_ = 0, last_ = 0;
  std::string message_;  // Sent for each that comes, while it is not empty.
  std::string commands_;
  bool ended_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) die("PORT TARGET COUNT [NAMESPACE]");
  Load load(std::atoi(argv[1]), argv[2], std::strtoul(argv[3], nullptr, 10), argc > 4 ? argv[4] : "");
  load.open();
  std::fflush(stdout);
  load.serve();
  return 0;
}
