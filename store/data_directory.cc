#include "store/data_directory.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace mimus {
namespace {

namespace fs = std::filesystem;

constexpr int retry_ms = 10;

Error refused(const std::string& what, int reason) {
  return {Code::unavailable, what + ": " + std::generic_category().message(reason)};
}

std::string holder(int fd) {
  char text[32];
  const ssize_t size = pread(fd, text, sizeof text, 0);
  std::string_view pid(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  pid = pid.substr(0, pid.find('\n'));
  return pid.empty() ? "" : " (pid " + std::string(pid) + ")";
}

Status sync_path(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return refused("open " + path, errno);
  const int result = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  if (result != 0) return refused("sync " + path, result);
  return Done{};
}

}  // namespace

DirectoryLock::~DirectoryLock() { close(fd_); }

Result<std::unique_ptr<DirectoryLock>> DirectoryLock::take(const std::string& directory,
                                                           std::chrono::milliseconds wait) {
  if (Status made = make_directory(directory); !made) return made.error();
  const std::string path = directory + "/lock";
  // Close-on-exec, or a child would hold the lock beyond our end.
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return refused("open " + path, errno);
  std::unique_ptr<DirectoryLock> lock(new DirectoryLock(fd));
  for (auto left = wait.count();; left -= retry_ms) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) break;
    if (errno != EWOULDBLOCK && errno != EINTR) return refused("lock " + path, errno);
    if (left <= 0) {
      return Error{Code::conflict,
                   "data directory " + directory + " is in use by another Mimus" + holder(fd)};
    }
    poll(nullptr, 0, retry_ms);
  }
  // The pid is for the message alone: a full disk that cannot take it is no reason to stay out.
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(fd, 0) == 0) [[maybe_unused]]
    const ssize_t written = pwrite(fd, pid.data(), pid.size(), 0);
  return lock;
}

std::string database_path(const std::string& directory) { return directory + "/db"; }

Status make_directory(const std::string& directory) {
  std::error_code failed;
  if (const fs::path parent = fs::path(directory).parent_path(); !parent.empty()) {
    fs::create_directories(parent, failed);
    if (failed) return refused("make " + parent.string(), failed.value());
  }
  if (mkdir(directory.c_str(), 0700) != 0 && (errno != EEXIST || !fs::is_directory(directory, failed))) {
    return refused("make " + directory, errno == EEXIST ? ENOTDIR : errno);
  }
  return Done{};
}

bool exists(const std::string& path) {
  struct stat found;
  return lstat(path.c_str(), &found) == 0;
}

bool is_empty_directory(const std::string& path) {
  std::error_code failed;
  return fs::is_directory(path, failed) && fs::is_empty(path, failed) && !failed;
}

Status copy_files(const std::string& from, const std::string& to) {
  if (Status made = make_directory(to); !made) return made;
  std::error_code failed;
  for (fs::directory_iterator at(from, failed), end; !failed && at != end; at.increment(failed)) {
    if (!at->is_regular_file(failed)) continue;
    const std::string target = to + "/" + at->path().filename().string();
    fs::copy_file(at->path(), target, failed);
    if (failed) break;
    if (Status synced = sync_path(target); !synced) return synced;
  }
  if (failed) return refused("copy " + from + " to " + to, failed.value());
  return sync_path(to);
}

}  // namespace mimus
