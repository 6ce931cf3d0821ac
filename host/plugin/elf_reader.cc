#include "host/plugin/elf_reader.h"

#include <algorithm>
#include <string>

#include "mimus/plugin.h"

namespace mimus {
namespace {

constexpr std::size_t max_manifest_bytes = 256u << 10;

#if defined(__x86_64__)
constexpr Elf64_Half own_machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half own_machine = EM_AARCH64;
#else
#error "name this machine's ELF number"
#endif

std::string machine_name(unsigned machine) {
  switch (machine) {
    case EM_386:
      return "x86 (32 bits)";
    case EM_ARM:
      return "ARM (32 bits)";
    case EM_X86_64:
      return "x86-64";
    case EM_AARCH64:
      return "AArch64";
    case EM_RISCV:
      return "RISC-V";
    case EM_PPC64:
      return "PowerPC (64 bits)";
    case EM_S390:
      return "s390";
    default:
      return "machine " + std::to_string(machine);
  }
}

Error cut(const char* what) {
  return invalid(std::string("is cut short: its ") + what + " lies beyond its end; copy or build it again");
}

Status check_head(std::string_view file, const Elf64_Ehdr& head) {
  const unsigned char* const ident = head.e_ident;
  if (ident[EI_CLASS] != ELFCLASS64)
    return invalid("is no 64-bit object; build it for " + machine_name(own_machine));
  if (ident[EI_DATA] != ELFDATA2LSB)
    return invalid("is a big-endian object; build it for " + machine_name(own_machine));
  if (file.size() < sizeof head) return cut("ELF header");
  if (head.e_machine != own_machine) {
    return invalid("is built for " + machine_name(head.e_machine) + ", this host runs on " +
                   machine_name(own_machine) + "; build it for that");
  }
  if (head.e_type == ET_REL) return invalid("is an object file; link it with -shared");
  if (head.e_type == ET_EXEC) return invalid("is a program; build it with -fPIC and link it with -shared");
  if (head.e_type != ET_DYN) return invalid("is no shared object; link it with -shared");
  if (head.e_phnum == 0) return invalid("has no program headers; it is no linked object");
  if (head.e_phnum == PN_XNUM || head.e_phentsize != sizeof(Elf64_Phdr) ||
      (head.e_shnum != 0 && head.e_shentsize != sizeof(Elf64_Shdr))) {
    return invalid("has headers of another size than ELF64's; link it again");
  }
  return Done{};
}

/// `count` entries of a table; false where it leaves the file.
template <class T>
bool table(std::string_view file, std::uint64_t offset, std::size_t count, std::vector<T>& out) {
  if (count == 0) return true;
  if (offset > file.size() || (file.size() - offset) / sizeof(T) < count) return false;
  out.resize(count);
  std::memcpy(out.data(), file.data() + offset, count * sizeof(T));
  return true;
}

bool inside(std::string_view file, std::uint64_t offset, std::uint64_t size) {
  return offset <= file.size() && size <= file.size() - offset;
}

}  // namespace

Result<ElfReader> ElfReader::open(std::string_view file) {
  ElfReader out;
  out.file = file;
  if (file.empty()) return invalid("is empty");
  if (file.size() < EI_NIDENT || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0)
    return invalid("is no ELF file; a plugin is a shared object (.so)");
  std::memcpy(&out.head, file.data(), std::min(file.size(), sizeof out.head));
  if (const Status good = check_head(file, out.head); !good) return good.error();
  if (!table(file, out.head.e_phoff, out.head.e_phnum, out.segments)) return cut("table of program headers");
  if (!table(file, out.head.e_shoff, out.head.e_shnum, out.sections)) return cut("table of sections");
  for (const Elf64_Phdr& one : out.segments) {
    if (one.p_type == PT_NULL || one.p_filesz == 0) continue;
    if (!inside(file, one.p_offset, one.p_filesz)) return cut("segment");
    if (one.p_type == PT_LOAD && (one.p_memsz < one.p_filesz || one.p_vaddr + one.p_memsz < one.p_vaddr))
      return invalid("has a segment that does not fit itself; link it again");
  }
  for (const Elf64_Shdr& one : out.sections) {
    if (one.sh_type == SHT_NULL || one.sh_type == SHT_NOBITS) continue;
    if (!inside(file, one.sh_offset, one.sh_size)) return cut("section");
  }
  return out;
}

std::string_view ElfReader::bytes_of(const Elf64_Shdr& section) const {
  return section.sh_type == SHT_NOBITS || section.sh_type == SHT_NULL
             ? std::string_view{}
             : file.substr(section.sh_offset, section.sh_size);
}

std::string_view ElfReader::bytes_of(const Elf64_Phdr& segment) const {
  return segment.p_filesz == 0 ? std::string_view{} : file.substr(segment.p_offset, segment.p_filesz);
}

std::string_view ElfReader::from_address(std::uint64_t address) const {
  for (const Elf64_Phdr& one : segments) {
    if (one.p_type != PT_LOAD || address < one.p_vaddr || address - one.p_vaddr >= one.p_filesz) continue;
    return bytes_of(one).substr(address - one.p_vaddr);
  }
  return {};
}

const Elf64_Shdr* ElfReader::section(std::string_view name) const {
  if (head.e_shstrndx >= sections.size()) return nullptr;
  const std::string_view names = bytes_of(sections[head.e_shstrndx]);
  for (const Elf64_Shdr& one : sections) {
    if (one.sh_name >= names.size()) continue;
    const std::string_view tail = names.substr(one.sh_name);
    if (tail.starts_with(name) && tail.size() > name.size() && tail[name.size()] == '\0') return &one;
  }
  return nullptr;
}

std::uint64_t ElfReader::end() const {
  std::uint64_t out =
      std::max<std::uint64_t>(sizeof head, head.e_phoff + segments.size() * sizeof(Elf64_Phdr));
  if (!sections.empty())
    out = std::max<std::uint64_t>(out, head.e_shoff + sections.size() * sizeof(Elf64_Shdr));
  for (const Elf64_Phdr& one : segments) {
    if (one.p_filesz != 0 && one.p_type != PT_NULL) out = std::max(out, one.p_offset + one.p_filesz);
  }
  for (const Elf64_Shdr& one : sections) {
    if (const std::string_view bytes = bytes_of(one); !bytes.empty())
      out = std::max(out, one.sh_offset + one.sh_size);
  }
  return out;
}

Result<std::string> manifest_in(const ElfReader& elf) {
  const Elf64_Shdr* const at = elf.section(MIMUS_MANIFEST_SECTION);
  if (at == nullptr) return Error{Code::not_found, "has no Mimus manifest: it is no plugin"};
  const std::string_view text = elf.bytes_of(*at);
  if (text.empty()) return invalid("has an empty manifest section; use MIMUS_MANIFEST or the CMake package");
  if (text.size() > max_manifest_bytes) {
    return invalid("has a manifest of " + std::to_string(text.size()) + " bytes; make it 256 KiB at most");
  }
  return std::string(text.substr(0, text.find('\0')));
}

}  // namespace mimus
