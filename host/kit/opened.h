// One plugin file, loaded into a child process, and its table.
#pragma once

#include <string>

#include "host/plugin/manifest.h"
#include "mimus/plugin.h"
#include "mimus/result.h"

namespace mimus::kit {

/// A mapped image. Movable; unmaps it when destroyed.
class Opened {
 public:
  /// Reads the manifest, maps the code (RTLD_NOW, RTLD_LOCAL), takes the table and compares the two;
  /// every step of it is told to report().
  /// Errors: invalid - what differs, and how to mend it; without a subject
  static Result<Opened> open(const std::string& file);
  Opened(Opened&& other) noexcept;
  Opened& operator=(Opened&& other) noexcept;
  ~Opened();

  const Manifest& manifest() const { return manifest_; }
  const mimus_plugin& table() const { return *table_; }
  void* library() const { return library_; }
  /// Unmaps it now, as far as it lets itself be.
  void close();

 private:
  Opened() = default;
  Manifest manifest_;
  void* library_ = nullptr;
  const mimus_plugin* table_ = nullptr;
};

/// What is wrong with a table, compared with its manifest and this host; as Opened::open.
Status agree(const Manifest& manifest, const mimus_plugin& table);

}  // namespace mimus::kit
