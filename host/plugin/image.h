// The code of one plugin in this process: mapped from a file, or linked in.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "host/plugin/capabilities.h"
#include "host/plugin/crash_page.h"
#include "host/plugin/manifest.h"
#include "mimus/plugin.h"
#include "mimus/result.h"

namespace mimus {

/// Where a plugin came from.
struct PluginSource {
  Manifest manifest;
  std::string file;                          ///< What is mapped; "" when linked in.
  bool builtin = false;                      ///< From lib/mimus/plugins or linked in.
  mimus_entry_fn entry = nullptr;            ///< When linked in.
  std::optional<Capabilities> granted = {};  ///< Nothing: all that the manifest asks for.
  std::string sha256 = {};                   ///< Of the file, in hex; "" where nobody needed it.
};

/// Immutable. Shared by the instances that run it; the code is unmapped with the last of
/// them, so nothing that is handed to other rooms may share it.
class Image {
 public:
  /// Maps the code (RTLD_NOW, RTLD_LOCAL, an absolute path) and takes the plugin's table.
  /// Its static constructors run here. [ctl, with no lock held]
  /// Errors: invalid - it does not load, has no entry, refuses this ABI, or its table is not
  ///                   what its manifest says; the message names plugin and file
  static Result<std::shared_ptr<const Image>> load(PluginSource source);
  ~Image();  ///< [ctl]
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  const PluginSource& source() const { return source_; }
  const Manifest& manifest() const { return source_.manifest; }
  const mimus_plugin& table() const { return *table_; }
  ImageSlot slot() const { return slot_; }  ///< In the crash page.
  /// "plugin ID (FILE)", for messages.
  std::string name() const;

  /// Whether an object of that file name is mapped now: what dlclose returns proves nothing.
  static bool is_mapped(const std::string& file);

 private:
  explicit Image(PluginSource source) : source_(std::move(source)) {}
  Status map();

  PluginSource source_;
  std::shared_ptr<void> library_;  ///< Keeps the code mapped; null when linked in.
  const mimus_plugin* table_ = nullptr;
  ImageSlot slot_ = no_image;
};

}  // namespace mimus
