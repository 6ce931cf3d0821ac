// listen_on: addresses, addresses in use, Unix sockets.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "host/net/server.h"
#include "host/net/unix_socket.h"
#include "tests/unit/net/test_host.h"

namespace mimus {
namespace {

void close_all(const Listener& listener) {
  for (const int fd : listener.fds) ::close(fd);
}

/// What a host at this address answers to who asks for his own, until it closes.
template <class Address>
std::string asked_for_ip(const Address& to) {
  const auto* const address = reinterpret_cast<const sockaddr*>(&to);
  const int fd = ::socket(address->sa_family, SOCK_STREAM, 0);
  EXPECT_EQ(::connect(fd, address, sizeof to), 0);
  const std::string request = "GET /ip HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  EXPECT_EQ(::write(fd, request.data(), request.size()), static_cast<ssize_t>(request.size()));
  std::string answer;
  char bytes[4096];
  for (ssize_t n; (n = ::read(fd, bytes, sizeof bytes)) > 0;)
    answer.append(bytes, static_cast<std::size_t>(n));
  ::close(fd);
  return answer;
}

TEST(ListenOn, SaysWhatItBoundOrWhyNot) {
  const struct {
    const char* address;
    const char* url;  // What it begins with; "" is refused as invalid.
  } cases[] = {
      {"127.0.0.1:0", "http://127.0.0.1:"},
      {"localhost:0", "http://127.0.0.1:"},
      {"[::1]:0", "http://[::1]:"},
      {"127.0.0.1", ""},
      {"127.0.0.1:", ""},
      {"127.0.0.1:x", ""},
      {"127.0.0.1:65536", ""},
      {"127.0.0.1:-1", ""},
      {"example.com:80", ""},
      {"::1:80", ""},
      {"[::1:80", ""},
      {"", ""},
      {"unix:", ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.address);
    const auto got = listen_on(c.address, 1);
    if (*c.url == '\0') {
      ASSERT_FALSE(got);
      EXPECT_EQ(got.error().code, Code::invalid);
    } else {
      ASSERT_TRUE(got) << got.error().message;
      EXPECT_TRUE(got->url.starts_with(c.url)) << got->url;
      EXPECT_FALSE(got->url.ends_with(":0"));
      close_all(*got);
    }
  }
}

TEST(ListenOn, AnAddressInUseIsAConflictThatNamesIt) {
  const auto first = listen_on("127.0.0.1:0", 3);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->fds.size(), 3u);
  const std::string address = first->url.substr(7);
  const auto second = listen_on(address, 3);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::conflict);
  EXPECT_NE(second.error().message.find(address), std::string::npos);
  close_all(*first);
  const auto third = listen_on(address, 1);
  ASSERT_TRUE(third);
  close_all(*third);
}

TEST(ListenOn, TheFirstSocketSharesItsClientsWithTheOthers) {
  const auto listener = listen_on("127.0.0.1:0", 4);
  ASSERT_TRUE(listener);
  const int port = std::stoi(listener->url.substr(listener->url.rfind(':') + 1));
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(std::make_unique<Client>(port));
  int all = 0;
  for (const int fd : listener->fds) {
    int of_one = 0;
    for (int client; (client = ::accept(fd, nullptr, nullptr)) >= 0; ++of_one) ::close(client);
    EXPECT_GT(of_one, 0);
    all += of_one;
  }
  EXPECT_EQ(all, 200);
  close_all(*listener);
}

class UnixListener : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(directory_), nullptr); }
  void TearDown() override {
    ::unlink(path().c_str());
    ::rmdir(directory_);
  }
  std::string path() const { return std::string(directory_) + "/socket"; }
  char directory_[32] = "/tmp/mimus-net-XXXXXX";
};

TEST_F(UnixListener, IsForItsOwnerAndReplacesAStaleOne) {
  const auto first = listen_on("unix:" + path(), 4);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->fds.size(), 1u);
  EXPECT_EQ(first->url, "unix:" + path());
  struct stat file {};
  ASSERT_EQ(::stat(path().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  const auto second = listen_on("unix:" + path(), 1);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::conflict);
  close_all(*first);
  const auto third = listen_on("unix:" + path(), 1);
  ASSERT_TRUE(third) << third.error().message;
  close_all(*third);
}

TEST_F(UnixListener, MayHaveALongPath) {
  std::vector<std::string> folders = {directory_};
  for (int i = 0; i < 3; ++i) folders.push_back(folders.back() + "/" + std::string(60, 'x'));
  for (std::size_t i = 1; i < folders.size(); ++i) ASSERT_EQ(::mkdir(folders[i].c_str(), 0700), 0);
  const std::string path = folders.back() + "/socket";
  for (int round = 0; round < 2; ++round) {  // the second time it is stale
    const auto listener = listen_on("unix:" + path, 1);
    ASSERT_TRUE(listener) << listener.error().message;
    EXPECT_EQ(listener->url, "unix:" + path);
    struct stat file {};
    EXPECT_EQ(::stat(path.c_str(), &file), 0);
    const int client = ::socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_EQ(connect_unix(client, path), 0);
    ::close(client);
    close_all(*listener);
  }
  ::unlink(path.c_str());
  for (std::size_t i = folders.size(); --i > 0;) ::rmdir(folders[i].c_str());
  struct Wrong {
    std::string path;
    int error;
  };
  for (const Wrong& wrong : {Wrong{"", EINVAL}, Wrong{std::string(120, 'x'), ENAMETOOLONG},
                             Wrong{"/tmp/" + std::string(120, 'x'), ENAMETOOLONG},
                             Wrong{"/absent/" + std::string(60, 'x') + "/" + std::string(60, 'x'), ENOENT},
                             Wrong{"/" + std::string(120, '/') + "absent", ENOENT}}) {
    const int client = ::socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_EQ(connect_unix(client, wrong.path), -1) << wrong.path;
    EXPECT_EQ(errno, wrong.error) << wrong.path;
    ::close(client);
  }
}

TEST_F(UnixListener, DoesNotReplaceAFileThatIsNoSocket) {
  FILE* const file = std::fopen(path().c_str(), "w");
  std::fclose(file);
  const auto got = listen_on("unix:" + path(), 1);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Code::conflict);
}

TEST_F(UnixListener, ServesRequests) {
  TestHost host(2, {}, 2, "unix:" + path());
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::strncpy(to.sun_path, path().c_str(), sizeof to.sun_path - 1);
  const std::string answer = asked_for_ip(to);
  EXPECT_TRUE(answer.ends_with("\r\n\r\nunix")) << answer;
}

TEST(ListenOn, ServesIpv6) {
  TestHost host(1, {}, 1, "[::1]:0");
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(static_cast<std::uint16_t>(host.port()));
  to.sin6_addr = in6addr_loopback;
  const std::string answer = asked_for_ip(to);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n::1")) << answer;
}

}  // namespace
}  // namespace mimus
