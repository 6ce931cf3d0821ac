// What is wrong with a plugin file, as reasons that say how to mend it. Runs none of its code.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/manifest.h"
#include "mimus/result.h"

namespace mimus {

struct Finding {
  enum class Level : std::uint8_t { note, warning, error } level = Level::error;
  std::string code;  ///< Stable, kebab-case: "rpath", "unique-symbols", …
  std::string
      text;  ///< What, why it matters, how to mend it. Not for a terminal as it is: it may quote the file.
};

/// What one look at an image found.
struct Inspection {
  std::vector<Finding> findings;     ///< All of them, errors first.
  std::optional<Manifest> manifest;  ///< Where there is one and it parses.
  std::string build_id;              ///< Hex; "" for none.
  std::uint64_t elf_bytes = 0;       ///< Where the object ends; 0 if its headers do not say.

  bool may_load() const;       ///< No finding is an error.
  std::string errors() const;  ///< Their texts, joined by "; ".
  std::vector<std::string> warnings() const;
};

/// Largest image, 64 MiB.
constexpr std::uint64_t max_image_bytes = 64u << 20;

/// Looks at the whole of a file, with or without a signature at its end (which is not judged).
Inspection inspect_image(std::string_view image);

/// Whether `id` may be a plugin's: letters, digits, ".", "-", "_", a letter or digit first, at most 128.
bool is_plugin_id(std::string_view id);
/// Whether `version` is up to four numbers between dots, then perhaps -PRERELEASE or +BUILD.
bool is_plugin_version(std::string_view version);

}  // namespace mimus
