// The files of new projects, which the build puts into the program (embed.cmake).
#pragma once

#include <span>
#include <string_view>

namespace mimus::kit {

struct TemplateFile {
  /// Its group ("common", "native", "c", "cpp", "rust"; "sdk" is what the SDK consists of), then
  /// its path in a project: "cpp/plugin.cc".
  std::string_view name;
  std::string_view text;  ///< With @NAME@ and the like, but for the group "sdk".
};

/// All of them, for ever. [any]
std::span<const TemplateFile> template_files();

}  // namespace mimus::kit
