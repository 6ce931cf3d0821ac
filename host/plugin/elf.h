// What the headers of a shared object say, read without running it. Pure; the bytes are untrusted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mimus/result.h"

namespace mimus {

/// What the dynamic loader would act on, and the manifest. Taken from the program headers and
/// the dynamic section, as the loader does; only the manifest is found by its section.
struct ElfFacts {
  std::uint64_t end = 0;                 ///< Where the object ends in the file; what follows is appended.
  bool is_program = false;               ///< Has an interpreter or DF_1_PIE: made to be run.
  bool exports_entry = false;            ///< MIMUS_ENTRY_SYMBOL is a defined, visible function.
  bool executable_stack = false;         ///< Asked for, or not ruled out (no PT_GNU_STACK).
  bool text_relocations = false;         ///< DT_TEXTREL or DF_TEXTREL.
  bool writable_code = false;            ///< A segment is writable and executable.
  bool stays = false;                    ///< DF_1_NODELETE.
  bool refuses_dlopen = false;           ///< DF_1_NOOPEN.
  bool static_tls = false;               ///< DF_STATIC_TLS.
  std::vector<std::string> needed;       ///< Libraries, in order.
  std::optional<std::string> rpath;      ///< DT_RPATH or DT_RUNPATH, the last that is there.
  std::vector<std::string> unique;       ///< Defined STB_GNU_UNIQUE symbols; the first 100.
  std::vector<std::string> unversioned;  ///< Undefined, not weak, of no library's version; the first 100.
  std::vector<std::string> versions;     ///< Wanted of libraries, as "libc.so.6 GLIBC_2.34"; the first 100.
  std::string build_id;                  ///< Hex; "" for none.
  std::optional<std::string> manifest;   ///< The text in MIMUS_MANIFEST_SECTION up to a NUL.
  std::string manifest_fault;            ///< Why there is none although there is the section.
};

/// Errors: invalid - no ELF file, another class, byte order or machine than this program's, no
///                   shared object, or headers that point outside the file: the message says which
Result<ElfFacts> inspect_elf(std::string_view file);

}  // namespace mimus
