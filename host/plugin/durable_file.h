// Small files that are there whole or as they were before.
#pragma once

#include <string>
#include <string_view>

#include "mimus/result.h"

namespace mimus {

/// Puts `text` in the place of the file `path`, whose directory is made if it is not there; in
/// one step, synced with its directory. 0600. Errors: unavailable - the disk refused
Status replace_file(const std::string& path, std::string_view text);

}  // namespace mimus
