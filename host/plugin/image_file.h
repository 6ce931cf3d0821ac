// A private, verified copy of a plugin file: the bytes that were judged are the bytes that are mapped.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/capabilities.h"
#include "host/plugin/manifest.h"
#include "host/plugin/trust.h"
#include "mimus/result.h"

namespace mimus {

struct ImageFile {
  std::string origin;  ///< What the operator named.
  std::string path;    ///< The private copy; absolute, and never used twice.
  std::string sha256;  ///< Hex, of the whole file.
  std::uint64_t bytes = 0;
  std::string build_id;  ///< Hex; "" for none.
  Manifest manifest;
  Signature signature;
  Capabilities granted;
  std::vector<std::string> warnings;  ///< As a Finding's texts.
};

/// The private copies of one host. Nobody else writes them: directory 0700, files 0500. Where
/// the directory may not be mapped executable (noexec), a copy is a sealed memfd whose
/// descriptor is held until it is forgotten. Thread-safe; calls block on the disk.
class ImageStore {
 public:
  enum class Place : std::uint8_t { automatic, memory };

  /// Copies go to <data_directory>/plugins/images, which is made where it is not there.
  /// `trust` outlives the store.
  /// Errors: unavailable - the directory cannot be made, or belongs to somebody else
  static Result<std::unique_ptr<ImageStore>> open(const std::string& data_directory, const Trust& trust,
                                                  Place place = Place::automatic);
  ~ImageStore();  ///< Files stay, for the cores of a crash; memfds are closed.
  ImageStore(const ImageStore&) = delete;
  ImageStore& operator=(const ImageStore&) = delete;

  /// Copies `file`, then looks at the copy alone: ELF, manifest, signature, policy.
  /// Errors: not_found   - there is no such file
  ///         unavailable - it cannot be read, it changed while it was copied (try again), the
  ///                       copy cannot be written, or there is no place from which code may be
  ///                       mapped
  ///         invalid     - it may not be loaded; the message names the file and joins all
  ///                       reasons, each with how to mend it. No copy is left
  Result<ImageFile> take(const std::string& file, bool signature_required = false);
  /// The same for bytes that came over the network, called `called` in messages.
  Result<ImageFile> take_bytes(std::string_view image, const std::string& called, bool signature_required);

  /// Removes a copy, if `path` is one. REQUIRES: its code is verifiedly unmapped, or was never
  /// mapped: the path of a memfd may come again, and the loader knows images by their paths.
  void forget(const std::string& path);
  /// Removes the copies of a former process, but those in `keep`. For the start.
  void sweep(const std::set<std::string>& keep);

 private:
  struct Copy;
  ImageStore(std::string directory, const Trust& trust, bool in_memory, std::string obstacle);
  Result<Copy> begin();
  Result<ImageFile> judge(Copy copy, const std::string& origin, bool signature_required);
  Result<std::string> settle(Copy& copy, const ImageFile& image);

  const std::string directory_;
  const Trust& trust_;
  const bool in_memory_;
  const std::string obstacle_;  // why nothing can be taken; "" if all is well
  std::mutex mutex_;
  std::uint64_t next_ = 1;               // guarded by mutex_
  std::map<std::string, int> memories_;  // descriptors by path; guarded by mutex_
};

}  // namespace mimus
