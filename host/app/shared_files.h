// Where the files are that plugins name "@share/NAME".
#pragma once

#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/app/embedded.h"
#include "mimus/result.h"

namespace mimus {

/// Files of the installation's directory, or, where there is none, those that the program
/// carries. Libraries want paths, so a carried file is put into sealed memory that /proc names;
/// where /proc is not mounted, below the data directory. Thread-safe.
class SharedFiles {
 public:
  /// `directory` is "" where the program carries the files. `carried` and what it names must outlive this.
  SharedFiles(std::string directory, std::string data,
              std::span<const EmbeddedFile> carried = embedded_files(), std::string proc = "/proc");
  ~SharedFiles();
  SharedFiles(const SharedFiles&) = delete;
  SharedFiles& operator=(const SharedFiles&) = delete;

  /// A path under which this process and its children can open and map the file while this lives.
  /// Made once, then remembered. A file of the directory need not exist.
  /// Errors: not_found   - the program carries no such file
  ///         unavailable - neither memory nor the disk would take it
  Result<std::string> path(std::string_view name);

 private:
  struct Offered {
    std::string_view name;
    std::string path;
    int fd;  ///< Of the memory; -1 for a file on disk.
  };

  Result<Offered> in_memory(const EmbeddedFile& file) const;
  Result<Offered> on_disk(const EmbeddedFile& file) const;

  const std::string directory_;
  const std::string data_;
  const std::span<const EmbeddedFile> carried_;
  const std::string proc_;
  std::mutex mutex_;
  std::vector<Offered> offered_;  // guarded by mutex_
};

}  // namespace mimus
