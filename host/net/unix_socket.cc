#include "host/net/unix_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mimus {
namespace {

using Call = int (*)(int, const sockaddr*, socklen_t);

int fail(int error) {
  errno = error;
  return -1;
}

/// A folder can be changed for a whole process only: for one that shares the socket and does nothing else.
int call_in(int folder, Call call, int socket, const sockaddr* name) {
  const pid_t child = ::fork();
  if (child < 0) return -1;
  if (child == 0) {
    ::_exit(::fchdir(folder) == 0 && call(socket, name, sizeof(sockaddr_un)) == 0 ? 0 : errno);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  if (!WIFEXITED(status)) return fail(EINTR);
  return WEXITSTATUS(status) == 0 ? 0 : fail(WEXITSTATUS(status));
}

int call_with(Call call, int socket, const std::string& path) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  constexpr std::size_t room = sizeof at.sun_path - 1;
  const auto* const name = reinterpret_cast<const sockaddr*>(&at);
  if (path.empty()) return fail(EINVAL);
  if (path.size() <= room) {
    std::memcpy(at.sun_path, path.data(), path.size());
    return call(socket, name, sizeof at);
  }
  const std::size_t last = path.rfind('/') + 1;  // 0: there is no folder
  if (last == 0 || path.size() - last > room) return fail(ENAMETOOLONG);
  std::memcpy(at.sun_path, path.data() + last, path.size() - last);
  const int folder = ::open(path.substr(0, last).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return -1;
  const int done = call_in(folder, call, socket, name);
  const int error = errno;
  ::close(folder);
  errno = error;
  return done;
}

}  // namespace

int bind_unix(int socket, const std::string& path) { return call_with(::bind, socket, path); }

int connect_unix(int socket, const std::string& path) { return call_with(::connect, socket, path); }

}  // namespace mimus
