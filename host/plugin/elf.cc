// Reads the manifest section of a shared object without loading it.

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "host/plugin/manifest.h"

namespace mimus {
namespace {

constexpr std::size_t max_file_bytes = 256u << 20;
constexpr std::size_t max_manifest_bytes = 256u << 10;

/// A T at `offset`; false if the file ends before it does.
template <class T>
bool take(std::string_view file, std::uint64_t offset, T& out) {
  if (offset > file.size() || file.size() - offset < sizeof out) return false;
  std::memcpy(&out, file.data() + offset, sizeof out);
  return true;
}

Result<std::string> section(std::string_view file, const std::string& name) {
  const Error cut = invalid(name + " is cut short or no ELF file of this kind of machine");
  Elf64_Ehdr head{};
  if (!take(file, 0, head) || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
      head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_ident[EI_DATA] != ELFDATA2LSB || head.e_type != ET_DYN ||
      head.e_machine != EM_X86_64 || head.e_shentsize != sizeof(Elf64_Shdr)) {
    return cut;
  }
  const auto header = [&](std::uint64_t index, Elf64_Shdr& out) {
    return index < head.e_shnum && take(file, head.e_shoff + index * sizeof(Elf64_Shdr), out);
  };
  const auto bytes = [&](const Elf64_Shdr& at) -> std::string_view {
    if (at.sh_offset > file.size() || at.sh_size > file.size() - at.sh_offset) return {};
    return file.substr(at.sh_offset, at.sh_size);
  };
  Elf64_Shdr names_header{};
  if (!header(head.e_shstrndx, names_header)) return cut;
  const std::string_view names = bytes(names_header);
  for (std::uint64_t i = 0; i < head.e_shnum; ++i) {
    Elf64_Shdr at{};
    if (!header(i, at)) return cut;
    if (at.sh_name >= names.size()) continue;
    const std::string_view tail = names.substr(at.sh_name);
    if (tail.substr(0, tail.find('\0')) != MIMUS_MANIFEST_SECTION) continue;
    std::string_view text = bytes(at);
    if (text.empty() || text.size() > max_manifest_bytes) return cut;
    return std::string(text.substr(0, text.find('\0')));
  }
  return Error{Code::not_found, name + " has no Mimus manifest: it is no plugin"};
}

}  // namespace

Result<std::string> read_manifest(const std::string& file) {
  // Mapped, not read: of a file of megabytes only a few pages are looked at.
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info {};
  if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    const std::string why = fd < 0 ? std::strerror(errno) : "it is no plain file";
    if (fd >= 0) close(fd);
    return Error{Code::unavailable, file + " cannot be read: " + why};
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  void* const bytes =
      size == 0 || size > max_file_bytes ? MAP_FAILED : mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (bytes == MAP_FAILED) return invalid(file + " is empty or larger than 256 MiB");
  Result<std::string> found = section({static_cast<const char*>(bytes), size}, file);
  munmap(bytes, size);
  return found;
}

}  // namespace mimus
