// `mimus plugin new`: writes a project that builds a plugin, from the templates in the program.
#pragma once

#include <string>

#include "mimus/result.h"

namespace mimus::kit {

struct NewProject {
  std::string name;            ///< Of the project, its target, NAME.so and the header X-NAME.
  std::string id = {};         ///< Of the plugin; "" is com.example.NAME.
  std::string language = {};   ///< "c", "cpp" or "rust"; "" is "cpp".
  std::string directory = {};  ///< Where it goes, and where nothing is yet; "" is NAME here.
  bool with_sdk = true;        ///< Writes the SDK into its folder sdk/ (C and C++).
};

/// Writes the project; the directory it went to. After an error nothing is left of it. Blocks.
/// Errors: invalid - a name, id or language that cannot be; conflict - the directory is there
/// already; unavailable - the disk refuses
Result<std::string> write_project(NewProject project);

}  // namespace mimus::kit
