// Directories of plugins, watched: what appeared, changed or went, once it has settled.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mimus/clock.h"
#include "mimus/result.h"

namespace mimus {

/// Tells of files whose names end in ".so" and do not begin with ".", 4,096 of them at most;
/// not of what is below sub-directories. `mv` and `cp` are both safe: a state counts once two
/// looks `quiet` apart found it the same, and while a writer has the file open (as far as was
/// seen) only after fifty times that. Of one thread.
class DirectoryWatch {
 public:
  struct Change {
    std::string path;  ///< Below the directory as it was named.
    bool removed = false;
    bool operator==(const Change&) const = default;
  };

  /// Errors: not_found   - one is no directory
  ///         unavailable - inotify gives no watch (fs.inotify.max_user_watches)
  static Result<std::unique_ptr<DirectoryWatch>> open(
      const std::vector<std::string>& directories, const Clock& clock,
      std::chrono::milliseconds quiet = std::chrono::milliseconds(100));
  ~DirectoryWatch();
  DirectoryWatch(const DirectoryWatch&) = delete;
  DirectoryWatch& operator=(const DirectoryWatch&) = delete;

  /// Readable when there may be news. Owned by the watch.
  int fd() const { return fd_; }
  /// What has settled by now, by path; each state is told once. The first call tells all that is
  /// there, settled or not: what changes after that is told again. A directory that went has lost
  /// its files; it is looked for again and again. Never waits for more than the directories.
  std::vector<Change> take();
  /// How long from now until take() may tell more without fd() being readable; nothing if only
  /// fd() can bring news.
  std::optional<std::chrono::milliseconds> next() const;

 private:
  struct Stamp;
  struct Entry;
  struct Directory;
  DirectoryWatch(const Clock& clock, std::chrono::milliseconds quiet, int fd);
  bool watch(Directory& directory);
  void read_events();
  void lose(Directory& directory);
  Entry* touch(const std::string& path);
  void scan();
  bool settled(const std::string& path, Entry& entry) const;

  const Clock& clock_;
  const std::chrono::microseconds quiet_;
  const int fd_;
  std::vector<Directory> directories_;
  std::map<std::string, Entry> entries_;  // by path
  bool scan_ = true;                      // something happened that no event names in full
  bool first_ = true;
};

}  // namespace mimus
