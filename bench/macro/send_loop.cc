// send_loop PORT THREADS: what a broadcast costs at least, for it does nothing but send().
//
// Lets in every WebSocket client of channels_load, and sends one frame, made once, to all of them
// when it gets a POST, a part of them from each thread. It reads nothing else and notices nobody
// who leaves.
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/macro/websocket.h"

namespace {

using namespace load;

constexpr std::string_view welcome =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";

void put(int fd, std::string_view bytes) { (void)!::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

/// Threads that stay, as what they used would be forgotten with them.
class Broadcast {
 public:
  Broadcast(const std::vector<int>& clients, std::size_t threads) : clients_(clients), threads_(threads) {
    frame_[0] = static_cast<char>(0x81);
    frame_[1] = static_cast<char>(frame_.size() - 2);
    for (std::size_t i = 0; i < threads; ++i) std::thread([this, i] { serve(i); }).detach();
  }

  void run() {
    left_ = threads_;
    ++round_;
    round_.notify_all();
    for (std::size_t left = left_; left != 0; left = left_) left_.wait(left);
  }

 private:
  [[noreturn]] void serve(std::size_t index) {
    for (std::size_t round = 0;; ++round) {
      round_.wait(round);
      for (std::size_t i = index; i < clients_.size(); i += threads_) put(clients_[i], frame_);
      --left_;
      left_.notify_all();
    }
  }

  const std::vector<int>& clients_;
  const std::size_t threads_;
  std::string frame_ = R"(xx{"event":"tick","data":{"id":17,"text":"an event of a usual size"}})";
  std::atomic<std::size_t> round_{0}, left_{0};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) die("PORT THREADS");
  const int listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in at = local(std::atoi(argv[1]));
  if (::bind(listening, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
      ::listen(listening, 1024) != 0) {
    die("cannot listen");
  }
  std::vector<int> clients;
  Broadcast broadcast(clients, std::strtoul(argv[2], nullptr, 10));
  for (;;) {
    const int fd = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) die("cannot accept");
    std::string request;
    for (char bytes[4096]; request.find("\r\n\r\n") == request.npos;) {
      const ssize_t n = ::recv(fd, bytes, sizeof bytes, 0);
      if (n <= 0) break;
      request.append(bytes, static_cast<std::size_t>(n));
    }
    if (request.find("Upgrade: websocket") != request.npos) {
      put(fd, welcome);
      clients.push_back(fd);
      continue;
    }
    if (request.starts_with("POST ")) broadcast.run();
    put(fd, answer);
    ::shutdown(fd, SHUT_WR);
    for (char bytes[4096]; ::recv(fd, bytes, sizeof bytes, 0) > 0;) {
    }
    ::close(fd);
  }
}
