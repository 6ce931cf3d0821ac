// A long path goes through /proc/self/fd/N, N being its folder.
#include "host/net/unix_name.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace mimus {

Result<UnixName> UnixName::of(const std::string& path) {
  UnixName out;
  out.at_.sun_family = AF_UNIX;
  constexpr std::size_t room = sizeof out.at_.sun_path - 1;
  std::string name = path;
  if (name.size() > room) {
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == path.npos ? "." : path.substr(0, slash + 1);
    out.folder_ = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (out.folder_ < 0) return Error{Code::not_found, folder + ": " + std::strerror(errno)};
    name = "/proc/self/fd/" + std::to_string(out.folder_) + "/" + path.substr(slash + 1);
  }
  if (name.empty() || name.size() > room) {
    return invalid("\"" + path + "\" is no path of a Unix socket: it is empty, or its last part too long");
  }
  std::memcpy(out.at_.sun_path, name.data(), name.size());
  return out;
}

UnixName::UnixName(UnixName&& other) noexcept : at_(other.at_), folder_(std::exchange(other.folder_, -1)) {}

UnixName::~UnixName() {
  if (folder_ >= 0) ::close(folder_);
}

}  // namespace mimus
