// The tables of an ELF file by bounds-checked offset and address. Inside host/plugin only.
#pragma once

#include <elf.h>

#include <cstring>
#include <string_view>
#include <vector>

#include "mimus/result.h"

namespace mimus {

/// A T at `offset`; false if the bytes end before it does.
template <class T>
bool take(std::string_view bytes, std::uint64_t offset, T& out) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof out) return false;
  std::memcpy(&out, bytes.data() + offset, sizeof out);
  return true;
}

/// Headers that were found inside the file. Borrows the file's bytes.
struct ElfReader {
  std::string_view file;
  Elf64_Ehdr head{};
  std::vector<Elf64_Phdr> segments;
  std::vector<Elf64_Shdr> sections;

  /// Errors: invalid - as inspect_elf
  static Result<ElfReader> open(std::string_view file);

  std::string_view bytes_of(const Elf64_Shdr& section) const;
  std::string_view bytes_of(const Elf64_Phdr& segment) const;
  /// From `address` to the end of what the file holds of its segment; empty if none holds it.
  std::string_view from_address(std::uint64_t address) const;
  /// The section of that name, or nullptr.
  const Elf64_Shdr* section(std::string_view name) const;
  /// Where the last table, segment or section ends.
  std::uint64_t end() const;
};

/// The manifest's text. Errors: not_found - no such section;  invalid - it is empty or too large
Result<std::string> manifest_in(const ElfReader& elf);

}  // namespace mimus
