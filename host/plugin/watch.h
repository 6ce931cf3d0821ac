// Directories of plugins, watched: what appeared, changed or went, once it has settled.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mimus/clock.h"
#include "mimus/result.h"

namespace mimus {

/// Tells of files whose names end in ".so" and do not begin with "."; not of what is below
/// sub-directories. `mv` and `cp` are both safe: a file counts once its size and times were the
/// same at two looks `quiet` apart. Of one thread.
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
      std::vector<std::string> directories, const Clock& clock,
      std::chrono::milliseconds quiet = std::chrono::milliseconds(100));
  ~DirectoryWatch();
  DirectoryWatch(const DirectoryWatch&) = delete;
  DirectoryWatch& operator=(const DirectoryWatch&) = delete;

  /// Readable when there may be news. Owned by the watch.
  int fd() const { return fd_; }
  /// What has settled by now, by path; each state is told once. All that is there counts as
  /// new at first. Never blocks on anything but the directories.
  std::vector<Change> take();
  /// How long from now until take() may tell more without fd() being readable; nothing if only
  /// fd() can bring news.
  std::optional<std::chrono::milliseconds> next() const;

 private:
  struct State;
  DirectoryWatch(std::unique_ptr<State> state, int fd);
  std::unique_ptr<State> state_;
  int fd_;
};

}  // namespace mimus
