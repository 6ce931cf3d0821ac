#include "host/plugin/elf.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "host/plugin/elf_reader.h"
#include "host/plugin/manifest.h"
#include "host/plugin/signature.h"
#include "mimus/plugin.h"

namespace mimus {
namespace {

// A file may claim millions of entries that are as long as itself: no more are looked at than these.
constexpr std::size_t most_listed = 100;
constexpr std::size_t most_looked_at = 1000;
constexpr std::size_t longest_name = 64u << 10;

constexpr std::size_t max_file_bytes = 256u << 20;

/// Where the dynamic section says that things are; 0 where it says nothing.
struct Dynamic {
  std::uint64_t strings = 0, strings_size = 0, symbols = 0, hash = 0, gnu_hash = 0, versions = 0, needs = 0,
                needs_count = 0;
};

/// Collects from one file. Every address and offset in it is a claim.
class Collector {
 public:
  explicit Collector(const ElfReader& elf) : elf_(elf) {}

  Result<ElfFacts> collect() {
    facts_.end = elf_.end();
    look_at_segments();
    if (!read_dynamic()) return invalid("has no readable dynamic section; link it with -shared");
    if (!take_names()) return invalid("has names that lie outside of its string table; link it again");
    look_at_symbols();
    look_at_versions();
    if (Result<std::string> text = manifest_in(elf_); text) {
      facts_.manifest = *std::move(text);
    } else if (text.error().code != Code::not_found) {
      facts_.manifest_fault = text.error().message;
    }
    return std::move(facts_);
  }

 private:
  void look_at_segments() {
    facts_.executable_stack = true;
    for (const Elf64_Phdr& one : elf_.segments) {
      const bool executable = (one.p_flags & PF_X) != 0;
      if (one.p_type == PT_GNU_STACK) facts_.executable_stack = executable;
      if (one.p_type == PT_INTERP) facts_.is_program = true;
      if (one.p_type == PT_LOAD && executable && (one.p_flags & PF_W) != 0) facts_.writable_code = true;
      if (one.p_type == PT_NOTE) look_at_notes(elf_.bytes_of(one), std::max<std::uint64_t>(one.p_align, 4));
    }
  }

  void look_at_notes(std::string_view notes, std::uint64_t align) {
    if (align > 8) return;
    const auto padded = [&](std::uint64_t size) { return (size + align - 1) / align * align; };
    Elf64_Nhdr note{};
    while (++notes_seen_ <= most_looked_at && take(notes, 0, note)) {
      const std::uint64_t text_at = sizeof note + padded(note.n_namesz);
      if (text_at > notes.size() || note.n_descsz > notes.size() - text_at) return;
      const bool is_id = note.n_type == NT_GNU_BUILD_ID &&
                         notes.substr(sizeof note, note.n_namesz) == std::string_view("GNU\0", 4);
      if (is_id && note.n_descsz <= 64) facts_.build_id = hex(notes.substr(text_at, note.n_descsz));
      const std::uint64_t next = text_at + padded(note.n_descsz);
      if (next > notes.size()) return;
      notes.remove_prefix(next);
    }
  }

  bool read_dynamic() {
    const auto at = std::find_if(elf_.segments.begin(), elf_.segments.end(),
                                 [](const Elf64_Phdr& one) { return one.p_type == PT_DYNAMIC; });
    if (at == elf_.segments.end()) return false;
    const std::string_view bytes = elf_.from_address(at->p_vaddr).substr(0, at->p_memsz);
    Elf64_Dyn entry{};
    for (std::uint64_t offset = 0; take(bytes, offset, entry); offset += sizeof entry) {
      if (entry.d_tag == DT_NULL) return true;
      read_entry(entry.d_tag, entry.d_un.d_val);
    }
    return false;
  }

  void read_entry(Elf64_Sxword tag, std::uint64_t value) {
    switch (tag) {
      case DT_STRTAB:
        dynamic_.strings = value;
        break;
      case DT_STRSZ:
        dynamic_.strings_size = value;
        break;
      case DT_SYMTAB:
        dynamic_.symbols = value;
        break;
      case DT_HASH:
        dynamic_.hash = value;
        break;
      case DT_GNU_HASH:
        dynamic_.gnu_hash = value;
        break;
      case DT_VERSYM:
        dynamic_.versions = value;
        break;
      case DT_VERNEED:
        dynamic_.needs = value;
        break;
      case DT_VERNEEDNUM:
        dynamic_.needs_count = value;
        break;
      case DT_NEEDED:
      case DT_RPATH:
      case DT_RUNPATH:
        if (named_.size() < most_looked_at) named_.emplace_back(tag, value);
        break;
      case DT_TEXTREL:
        facts_.text_relocations = true;
        break;
      case DT_FLAGS:
        if ((value & DF_TEXTREL) != 0) facts_.text_relocations = true;
        if ((value & DF_STATIC_TLS) != 0) facts_.static_tls = true;
        break;
      case DT_FLAGS_1:
        if ((value & DF_1_NODELETE) != 0) facts_.stays = true;
        if ((value & DF_1_NOOPEN) != 0) facts_.refuses_dlopen = true;
        if ((value & DF_1_PIE) != 0) facts_.is_program = true;
        break;
      default:
        break;
    }
  }

  bool name_at(std::uint64_t offset, std::string_view& out) const {
    if (offset >= strings_.size()) return false;
    const std::string_view tail = strings_.substr(offset, longest_name);
    const std::size_t end = tail.find('\0');
    out = tail.substr(0, end);
    return end != tail.npos;
  }

  void list(std::vector<std::string>& names, std::uint64_t offset) const {
    std::string_view name;
    if (names.size() < most_listed) names.emplace_back(name_at(offset, name) ? name : "(no name)");
  }

  bool take_names() {
    strings_ = elf_.from_address(dynamic_.strings).substr(0, dynamic_.strings_size);
    for (const auto& [tag, offset] : named_) {
      std::string_view name;
      if (!name_at(offset, name)) return false;
      if (tag == DT_NEEDED) {
        list(facts_.needed, offset);
      } else {
        facts_.rpath = name;
      }
    }
    return true;
  }

  /// How many symbols there are: no table says it outright.
  std::uint64_t count_symbols() const {
    std::uint32_t word = 0;
    if (const std::string_view hash = elf_.from_address(dynamic_.hash);
        dynamic_.hash != 0 && take(hash, 4, word))
      return word;
    const std::string_view hash = elf_.from_address(dynamic_.gnu_hash);
    std::uint32_t head[4];  // buckets, the first hashed symbol, words of the Bloom filter, its shift
    if (dynamic_.gnu_hash == 0 || !take(hash, 0, head)) return 0;
    const std::uint64_t buckets = sizeof head + std::uint64_t{head[2]} * 8;
    std::uint64_t last = 0;
    for (std::uint64_t i = 0; i < head[0] && take(hash, buckets + i * 4, word); ++i)
      last = std::max<std::uint64_t>(last, word);
    if (last < head[1]) return head[1];
    const std::uint64_t chains = buckets + std::uint64_t{head[0]} * 4;
    while (take(hash, chains + (last - head[1]) * 4, word) && (word & 1) == 0) ++last;
    return last + 1;
  }

  void look_at_symbols() {
    const std::string_view symbols = elf_.from_address(dynamic_.symbols);
    const std::string_view versions =
        dynamic_.versions == 0 ? std::string_view{} : elf_.from_address(dynamic_.versions);
    const std::uint64_t count = count_symbols();
    Elf64_Sym symbol{};
    for (std::uint64_t i = 1; i < count && take(symbols, i * sizeof symbol, symbol); ++i) {
      const unsigned binding = ELF64_ST_BIND(symbol.st_info);
      if (symbol.st_shndx == SHN_UNDEF) {
        std::uint16_t version = 0;
        (void)take(versions, i * 2, version);
        if (binding == STB_GLOBAL && (version & 0x7FFF) <= VER_NDX_GLOBAL)
          list(facts_.unversioned, symbol.st_name);
        continue;
      }
      if (binding == STB_GNU_UNIQUE) list(facts_.unique, symbol.st_name);
      const unsigned visibility = ELF64_ST_VISIBILITY(symbol.st_other);
      const std::string_view name = symbol.st_name < strings_.size() ? strings_.substr(symbol.st_name) : "";
      if (name.starts_with(std::string_view(MIMUS_ENTRY_SYMBOL, sizeof MIMUS_ENTRY_SYMBOL)) &&
          ELF64_ST_TYPE(symbol.st_info) == STT_FUNC && (binding == STB_GLOBAL || binding == STB_WEAK) &&
          (visibility == STV_DEFAULT || visibility == STV_PROTECTED)) {
        facts_.exports_entry = true;
      }
    }
  }

  void look_at_versions() {
    if (dynamic_.needs == 0) return;
    std::string_view needs = elf_.from_address(dynamic_.needs);
    std::size_t looked_at = 0;
    Elf64_Verneed need{};
    for (std::uint64_t i = 0;
         i < dynamic_.needs_count && ++looked_at <= most_looked_at && take(needs, 0, need); ++i) {
      std::string_view library;
      Elf64_Vernaux version{};
      std::uint64_t offset = need.vn_aux;
      for (unsigned j = 0; j < need.vn_cnt && take(needs, offset, version); ++j, offset += version.vna_next) {
        std::string_view name;
        if (++looked_at > most_looked_at || facts_.versions.size() == most_listed) return;
        if (name_at(need.vn_file, library) && name_at(version.vna_name, name))
          facts_.versions.push_back(std::string(library) + " " + std::string(name));
      }
      if (need.vn_next == 0 || need.vn_next > needs.size()) return;
      needs.remove_prefix(need.vn_next);
    }
  }

  const ElfReader& elf_;
  ElfFacts facts_;
  Dynamic dynamic_;
  std::vector<std::pair<Elf64_Sxword, std::uint64_t>> named_;  // tags and offsets of names
  std::string_view strings_;
  std::size_t notes_seen_ = 0;
};

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
  const Result<ElfReader> elf = ElfReader::open({static_cast<const char*>(bytes), size});
  Result<std::string> text = elf ? manifest_in(*elf) : Result<std::string>(elf.error());
  munmap(bytes, size);
  if (!text) return Error{text.error().code, file + " " + text.error().message};
  return text;
}

Result<ElfFacts> inspect_elf(std::string_view file) {
  const Result<ElfReader> elf = ElfReader::open(file);
  if (!elf) return elf.error();
  return Collector(*elf).collect();
}

}  // namespace mimus
