#include "host/plugin/durable_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "store/data_directory.h"

namespace mimus {
namespace {

Error refused(const std::string& path) {
  return {Code::unavailable, "cannot write " + path + ": " + std::strerror(errno)};
}

Status write_synced(const std::string& path, std::string_view text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return refused(path);
  bool good = true;
  while (good && !text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    good = n > 0;
    if (good) text.remove_prefix(static_cast<std::size_t>(n));
  }
  good = good && ::fsync(fd) == 0;
  Status out = Done{};
  if (!good) out = refused(path);
  ::close(fd);
  return out;
}

}  // namespace

Status replace_file(const std::string& path, std::string_view text) {
  const std::string directory = path.substr(0, path.rfind('/'));
  if (Status made = make_directory(directory); !made) return made;
  const std::string fresh = path + ".new";
  if (Status written = write_synced(fresh, text); !written) return written;
  if (::rename(fresh.c_str(), path.c_str()) != 0) return refused(path);
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    (void)::fsync(fd);
    ::close(fd);
  }
  return Done{};
}

}  // namespace mimus
