// A data directory as files: made, locked against a second host, copied.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "mimus/result.h"

namespace mimus {

/// Holds the lock of a directory until it is destroyed or the process ends.
class DirectoryLock {
 public:
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;
  ~DirectoryLock();

  /// Makes the directory (0700) and its parents where they are missing, then locks it.
  /// Errors: conflict - still another process's after `wait`;  unavailable - the disk refused
  static Result<std::unique_ptr<DirectoryLock>> take(const std::string& directory,
                                                     std::chrono::milliseconds wait);

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

/// Where in a data directory the database is.
std::string database_path(const std::string& directory);

/// Makes a directory (0700) and its parents where they are missing. Errors: unavailable
Status make_directory(const std::string& directory);

bool exists(const std::string& path);
bool is_empty_directory(const std::string& path);

/// Copies the regular files of one directory into another, new one, and syncs them.
/// Errors: unavailable
Status copy_files(const std::string& from, const std::string& to);

}  // namespace mimus
