#include "host/plugin/watch.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace mimus {
namespace {

namespace fs = std::filesystem;
using std::chrono::microseconds;

constexpr std::size_t most_files = 4096;
constexpr int patience = 50;  // times the quiet that a writer who says nothing is waited for
constexpr int search = 10;    // times the quiet between looks for a directory that went
constexpr std::uint32_t wanted = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM |
                                 IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

bool is_plugin_name(std::string_view name) {
  return name.size() > 3 && name[0] != '.' && name.ends_with(".so");
}

}  // namespace

/// What a path is at one look.
struct DirectoryWatch::Stamp {
  bool there = false;
  dev_t device = 0;
  ino_t file = 0;
  off_t size = 0;
  time_t seconds = 0;
  long nanoseconds = 0;
  bool operator==(const Stamp&) const = default;

  static Stamp of(const std::string& path) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
    return {true, info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
  }
};

struct DirectoryWatch::Entry {
  Stamp told;                 // what take() said last; not there at first
  std::optional<Stamp> seen;  // at the last look; nothing: to be looked at
  microseconds since{};       // when it was first seen so
  microseconds due{};         // of the next look
  bool pending = false;
  bool writing = false;  // somebody has it open, as far as events say
};

struct DirectoryWatch::Directory {
  std::string path;
  int watch = -1;  // -1: it went
  microseconds due{};
};

DirectoryWatch::DirectoryWatch(const Clock& clock, std::chrono::milliseconds quiet, int fd)
    : clock_(clock), quiet_(quiet), fd_(fd) {}

DirectoryWatch::~DirectoryWatch() { ::close(fd_); }

Result<std::unique_ptr<DirectoryWatch>> DirectoryWatch::open(const std::vector<std::string>& directories,
                                                             const Clock& clock,
                                                             std::chrono::milliseconds quiet) {
  const int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) return Error{Code::unavailable, std::string("inotify: ") + std::strerror(errno)};
  std::unique_ptr<DirectoryWatch> out(new DirectoryWatch(clock, quiet, fd));
  for (const std::string& path : directories) {
    Directory directory{path};
    if (!out->watch(directory)) {
      const Code code = errno == ENOENT || errno == ENOTDIR ? Code::not_found : Code::unavailable;
      return Error{code, "plugin directory " + path + ": " + std::strerror(errno)};
    }
    const bool twice = std::any_of(out->directories_.begin(), out->directories_.end(),
                                   [&](const Directory& one) { return one.watch == directory.watch; });
    if (!twice) out->directories_.push_back(std::move(directory));
  }
  return out;
}

bool DirectoryWatch::watch(Directory& directory) {
  directory.watch = inotify_add_watch(fd_, directory.path.c_str(), wanted);
  return directory.watch >= 0;
}

void DirectoryWatch::lose(Directory& directory) {
  inotify_rm_watch(fd_, directory.watch);
  directory.watch = -1;
  directory.due = clock_.now() + quiet_ * search;
  scan_ = true;
}

DirectoryWatch::Entry* DirectoryWatch::touch(const std::string& path) {
  if (entries_.size() >= most_files && !entries_.contains(path)) return nullptr;
  Entry& entry = entries_[path];
  entry.pending = true;
  entry.due = clock_.now();
  return &entry;
}

void DirectoryWatch::read_events() {
  alignas(inotify_event) char buffer[16 << 10];
  for (ssize_t size = 0; (size = ::read(fd_, buffer, sizeof buffer)) > 0;) {
    for (ssize_t at = 0; at < size;) {
      inotify_event event{};
      std::memcpy(&event, buffer + at, sizeof event);
      const std::string name = event.len == 0 ? "" : buffer + at + sizeof event;
      at += static_cast<ssize_t>(sizeof event + event.len);
      const auto directory = std::find_if(directories_.begin(), directories_.end(),
                                          [wd = event.wd](const Directory& one) { return one.watch == wd; });
      if (event.wd == -1) scan_ = true;  // events were lost
      if (event.wd == -1 || directory == directories_.end()) continue;
      if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) != 0) {
        lose(*directory);
      } else if (!is_plugin_name(name)) {
        // Links may lead through it: directories are filled in one step by exchanging one.
        if ((event.mask & (IN_MOVED_TO | IN_DELETE)) != 0) scan_ = true;
      } else if (Entry* const entry = touch((fs::path(directory->path) / name).string())) {
        entry->seen.reset();
        if ((event.mask & (IN_CREATE | IN_MODIFY)) != 0) entry->writing = true;
        if ((event.mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0) entry->writing = false;
      }
    }
  }
}

void DirectoryWatch::scan() {
  scan_ = false;
  for (auto& [path, entry] : entries_) touch(path);
  for (const Directory& directory : directories_) {
    if (directory.watch < 0) continue;
    std::error_code failed;
    fs::directory_iterator at(directory.path, failed);
    for (; !failed && at != fs::directory_iterator(); at.increment(failed)) {
      if (is_plugin_name(at->path().filename().string())) touch(at->path().string());
    }
  }
}

/// Looks at what is pending; true where it is as it was a while ago.
bool DirectoryWatch::settled(const std::string& path, Entry& entry) const {
  const microseconds now = clock_.now();
  if (now < entry.due) return false;
  const Stamp stamp = Stamp::of(path);
  if (entry.seen != stamp) {
    entry.seen = stamp;
    entry.since = now;
  }
  // A link is made at once, and nobody has it open.
  std::error_code failed;
  if (entry.writing && (fs::is_symlink(path, failed) || fs::hard_link_count(path, failed) > 1))
    entry.writing = false;
  entry.due = now + quiet_;
  return now - entry.since >= quiet_ * (entry.writing && stamp.there ? patience : 1);
}

std::vector<DirectoryWatch::Change> DirectoryWatch::take() {
  read_events();
  for (Directory& directory : directories_) {
    if (directory.watch >= 0 || clock_.now() < directory.due) continue;
    if (watch(directory)) scan_ = true;
    directory.due = clock_.now() + quiet_ * search;
  }
  if (scan_) scan();
  std::vector<Change> out;
  for (auto at = entries_.begin(); at != entries_.end();) {
    auto& [path, entry] = *at;
    const bool look = entry.pending && (settled(path, entry) || first_);
    if (look) {
      const bool changed = entry.told != *entry.seen;
      if (changed) out.push_back({path, !entry.seen->there});
      entry.told = *entry.seen;
      entry.pending = false;
      entry.writing = false;
    }
    at = look && !entry.told.there ? entries_.erase(at) : std::next(at);
  }
  first_ = false;
  return out;
}

std::optional<std::chrono::milliseconds> DirectoryWatch::next() const {
  std::optional<microseconds> due;
  const auto earliest = [&](microseconds time) { due = due ? std::min(*due, time) : time; };
  if (scan_) earliest(clock_.now());
  for (const auto& [path, entry] : entries_) {
    if (entry.pending) earliest(entry.due);
  }
  for (const Directory& directory : directories_) {
    if (directory.watch < 0) earliest(directory.due);
  }
  if (!due) return std::nullopt;
  return std::chrono::ceil<std::chrono::milliseconds>(std::max(*due - clock_.now(), microseconds(0)));
}

}  // namespace mimus
