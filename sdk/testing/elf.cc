// Reads a plugin's manifest out of its ELF file without running it.
#include <elf.h>

#include <cstring>
#include <fstream>
#include <sstream>

#include "mimus/testing/fake_host.h"

namespace mimus::testing {
namespace {

/// The T at an offset of the file's bytes; nothing beyond their end.
template <class T>
bool at(const std::string& bytes, std::uint64_t offset, T& out) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return false;
  std::memcpy(&out, bytes.data() + offset, sizeof(T));
  return true;
}

}  // namespace

std::string manifest_of(const std::string& file) {
  std::stringstream in;
  in << std::ifstream(file, std::ios::binary).rdbuf();  // whole: letter by letter takes sanitizers a second
  const std::string bytes = in.str();
  Elf64_Ehdr head{};
  if (!at(bytes, 0, head) || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0) return {};
  const auto section = [&](unsigned index, Elf64_Shdr& out) {
    return at(bytes, head.e_shoff + std::uint64_t{index} * head.e_shentsize, out);
  };
  Elf64_Shdr names{};
  if (!section(head.e_shstrndx, names)) return {};
  for (unsigned i = 0; i < head.e_shnum; ++i) {
    Elf64_Shdr s{};
    if (!section(i, s)) return {};
    const std::uint64_t name_at = names.sh_offset + s.sh_name;
    if (name_at >= bytes.size() || s.sh_offset > bytes.size() || s.sh_size > bytes.size() - s.sh_offset)
      continue;
    if (std::strcmp(bytes.c_str() + name_at, MIMUS_MANIFEST_SECTION) != 0) continue;
    return std::string(bytes.substr(s.sh_offset, s.sh_size).c_str());  // without the NUL at its end
  }
  return {};
}

}  // namespace mimus::testing
