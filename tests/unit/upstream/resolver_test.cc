// Names: from /etc/hosts, and from a small DNS server of the test's own.
#include "host/upstream/resolver.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <thread>
#include <utility>

#include "running_loop.h"

namespace mimus {
namespace {

/// Answers A queries with the address it was made with, all others with nothing.
class NameServer {
 public:
  /// On 127.0.0.`host`; `port` 0 is a free one.
  NameServer(std::uint8_t last_byte, std::uint8_t host, std::uint16_t port = 0) : last_byte_(last_byte) {
    fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    address_.sin_family = AF_INET;
    address_.sin_port = htons(port);
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + host);
    socklen_t size = sizeof address_;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address_), size), 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address_), &size);
    thread_ = std::thread([this] { serve(); });
  }
  ~NameServer() {
    const int out = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ::sendto(out, "", 1, 0, reinterpret_cast<sockaddr*>(&address_), sizeof address_);  // Too short: the end.
    thread_.join();
    ::close(out);
    ::close(fd_);
  }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  std::uint16_t port() const { return ntohs(address_.sin_port); }

 private:
  void serve() {
    char query[512];
    sockaddr_in from{};
    socklen_t size = sizeof from;
    for (ssize_t n;
         (n = ::recvfrom(fd_, query, sizeof query, 0, reinterpret_cast<sockaddr*>(&from), &size)) >= 12;) {
      std::string answer(query, static_cast<std::size_t>(n));
      std::size_t end = 12;
      while (end < answer.size() && answer[end] != 0) end += 1 + static_cast<unsigned char>(answer[end]);
      end += 5;  // The root label, type and class.
      if (end > answer.size()) continue;
      const bool is_a = answer[end - 3] == 1;
      answer.resize(end);
      answer[2] = '\x81';
      answer[3] = '\x80';
      answer[7] = is_a ? 1 : 0;
      answer[9] = answer[11] = 0;
      const char record[] = {'\xc0', 12, 0, 1, 0,  1, 0, 0,
                             0,      60, 0, 4, 10, 0, 0, static_cast<char>(last_byte_)};
      if (is_a) answer.append(record, sizeof record);
      ::sendto(fd_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }

  const std::uint8_t last_byte_;
  int fd_ = -1;
  sockaddr_in address_{};
  std::thread thread_;
};

std::string scratch() {
  char name[] = "/tmp/mimus-resolver-XXXXXX";
  return ::mkdtemp(name);
}

/// A resolver on a running loop, whose answers become text.
class ResolverTest : public testing::Test {
 protected:
  ResolverTest() : directory_(scratch()), file_(directory_ + "/resolv.conf") {
    collect_.test = this;
    collect_.run = [](Post& post) { static_cast<Collect&>(post).test->collect(); };
  }
  ~ResolverTest() override {
    running_.on_loop([this] { resolver_.reset(); });
    running_.on_loop([] {});  // A turn later nothing is deferred any more.
    ::unlink(file_.c_str());
    ::rmdir(directory_.c_str());
  }

  const std::string& file() const { return file_; }

  void make_resolver(std::uint16_t port) {
    running_.on_loop([this, port] {
      resolver_ = std::make_unique<Resolver>(
          running_.loop, [this] { on_answers(); }, Resolver::Servers{file_, port});
    });
  }

  /// Replaces the file, as resolvconf does.
  void configure(const std::string& text) {
    const std::string made = file_ + ".new";
    std::ofstream(made) << text;
    ASSERT_EQ(::rename(made.c_str(), file_.c_str()), 0);
  }

  /// The addresses of each name, or why there are none.
  std::vector<std::string> look_up(const std::vector<std::string>& names) {
    std::promise<void> all;
    running_.on_loop([&] {
      answers_.assign(names.size(), "");
      left_ = names.size();
      all_ = &all;
      for (std::size_t i = 0; i < names.size(); ++i) resolver_->look_up(i, names[i]);
    });
    EXPECT_TRUE(comes(all.get_future()));
    return answers_;
  }

 private:
  struct Collect : Post {
    ResolverTest* test = nullptr;
    bool queued = false;
  };

  void on_answers() {
    if (!std::exchange(collect_.queued, true)) running_.loop.defer(collect_);
  }

  void collect() {
    collect_.queued = false;
    if (!resolver_) return;
    for (const Resolver::Answer& answer : resolver_->take()) {
      for (const Address& address : answer.addresses) answers_[answer.id] += address.text() + " ";
      if (answer.addresses.empty()) answers_[answer.id] = answer.why;
      if (--left_ == 0) all_->set_value();
    }
  }

  const std::string directory_, file_;
  RunningLoop running_;
  std::unique_ptr<Resolver> resolver_;
  Collect collect_;
  std::vector<std::string> answers_;
  std::size_t left_ = 0;
  std::promise<void>* all_ = nullptr;
};

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(ResolverTest, KnowsLocalhostWithoutAServer) {
  NameServer server(7, 1);
  configure("nameserver 127.0.0.1\n");
  make_resolver(server.port());
  EXPECT_THAT(
      look_up({"localhost", "LocalHost.", "api.localhost", "localhost.example", "a.notlocalhost"}),
      ElementsAre(HasSubstr("127.0.0.1 "), HasSubstr("127.0.0.1 "), "127.0.0.1 ", "10.0.0.7 ", "10.0.0.7 "));
}

TEST_F(ResolverTest, AsksTheServerOfItsFile) {
  NameServer server(7, 1);
  configure("nameserver 127.0.0.1\n");
  make_resolver(server.port());
  EXPECT_THAT(look_up({"a.example", "b.example", "a.example"}),
              ElementsAre("10.0.0.7 ", "10.0.0.7 ", "10.0.0.7 "));
}

TEST_F(ResolverTest, ReadsItsFileAgainWhenItHasChanged) {
  NameServer old(7, 1), fresh(8, 2, old.port());
  configure("nameserver 127.0.0.1\n");
  make_resolver(old.port());
  EXPECT_THAT(look_up({"a.example"}), ElementsAre("10.0.0.7 "));
  configure("nameserver 127.0.0.2\n");
  EXPECT_THAT(look_up({"a.example"}), ElementsAre("10.0.0.8 "));
}

TEST_F(ResolverTest, SaysWhyThereIsNoAddress) {
  configure("");
  make_resolver(53);
  EXPECT_THAT(look_up({"a..example"}), ElementsAre(HasSubstr("no address for \"a..example\": ")));
}

TEST_F(ResolverTest, CanBeDestroyedWithQueriesUnderWay) {
  const int silent = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(silent, reinterpret_cast<sockaddr*>(&address), size), 0);
  ::getsockname(silent, reinterpret_cast<sockaddr*>(&address), &size);
  configure("nameserver 127.0.0.1\n");
  RunningLoop running;
  bool told = false;
  running.on_loop([&] {
    Resolver resolver(
        running.loop, [&] { told = true; }, Resolver::Servers{file(), ntohs(address.sin_port)});
    resolver.look_up(1, "a.example");
    resolver.look_up(2, "b.example");
  });
  EXPECT_FALSE(told);
  ::close(silent);
}

}  // namespace
}  // namespace mimus
