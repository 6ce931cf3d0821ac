// What `serve` can be told, and how each text becomes a value of the config. Names no source.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/cli/config.h"
#include "host/cli/flags.h"

namespace mimus {

/// One thing to be told: by flag, environment and file, or by the file alone.
struct Setting {
  Flag flag;
  bool file_only = false;
  /// Takes over `values` (never empty; one unless repeatable). An error's message says what
  /// the value must be.
  Status (*apply)(ServeConfig& config, const Setting& self, const std::vector<std::string>& values);
};

/// Those of the host; plugins bring theirs by manifest.
const std::vector<Setting>& settings();

}  // namespace mimus
