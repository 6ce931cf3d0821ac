// Files that the edge build carries in the program; any other build carries none.
#pragma once

#include <span>
#include <string_view>

namespace mimus {

struct EmbeddedFile {
  std::string_view name;   ///< "country.mmdb", "licences.txt"
  std::string_view bytes;  ///< Part of the program: it lasts, and nobody writes it.
};

/// All of them. [any thread]
std::span<const EmbeddedFile> embedded_files();

}  // namespace mimus
