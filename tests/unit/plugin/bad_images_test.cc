// Each kind of bad plugin file, and what its author or operator is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "host/plugin/elf.h"
#include "host/plugin/image_file.h"
#include "host/plugin/inspect.h"
#include "tests/unit/plugin/elf_patch.h"
#include "tests/unit/plugin/sample_image.h"

namespace mimus {
namespace {

using Level = Finding::Level;
using ::testing::HasSubstr;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

/// An entry of the dynamic section that was not there; one spare is left as its end.
void add_dynamic(ElfPatch& elf, Elf64_Sxword tag, std::uint64_t value) {
  elf.dynamic(DT_NULL, [&](Elf64_Dyn& one) {
    one.d_tag = tag;
    one.d_un.d_val = value;
  });
}

void set_flags(ElfPatch& elf, std::uint64_t flags) {
  elf.dynamic(DT_FLAGS, [&](Elf64_Dyn& one) { one.d_un.d_val |= flags; });
}
void set_flags_1(ElfPatch& elf, std::uint64_t flags) {
  elf.dynamic(DT_FLAGS_1, [&](Elf64_Dyn& one) { one.d_un.d_val |= flags; });
}

struct Row {
  const char* name;
  std::function<void(ElfPatch&)> spoil;
  Level level;
  const char* code;
  const char* text;
};

std::vector<Row> rows() {
  const auto head = [](auto change) { return [=](ElfPatch& elf) { elf.head(change); }; };
  const auto json = [](const char* from, const char* to) {
    return [=](ElfPatch& elf) { elf.in_manifest(from, to); };
  };
  std::vector<Row> out{
      // What it is.
      {"empty", [](ElfPatch& e) { e.cut(0); }, Level::error, "elf", "is empty"},
      {"a text", [](ElfPatch& e) { e = ElfPatch("#!/bin/sh\necho a plugin\n"); }, Level::error, "elf",
       "is no ELF file"},
      {"32 bits", head([](auto& h) { h.e_ident[EI_CLASS] = ELFCLASS32; }), Level::error, "elf",
       "is no 64-bit object"},
      {"big-endian", head([](auto& h) { h.e_ident[EI_DATA] = ELFDATA2MSB; }), Level::error, "elf",
       "is a big-endian object"},
      {"AArch64", head([](auto& h) { h.e_machine = EM_AARCH64; }), Level::error, "elf",
       "is built for AArch64, this host runs on x86-64; build it for that"},
      {"a machine without a name", head([](auto& h) { h.e_machine = 4711; }), Level::error, "elf",
       "is built for machine 4711"},
      {"an object file", head([](auto& h) { h.e_type = ET_REL; }), Level::error, "elf",
       "is an object file; link it with -shared"},
      {"a program", head([](auto& h) { h.e_type = ET_EXEC; }), Level::error, "elf",
       "is a program; build it with -fPIC"},
      {"a core", head([](auto& h) { h.e_type = ET_CORE; }), Level::error, "elf", "is no shared object"},
      {"a position-independent program", [](ElfPatch& e) { set_flags_1(e, DF_1_PIE); }, Level::error,
       "program", "is a program (PIE)"},
      {"a program with an interpreter",
       [](ElfPatch& e) { e.segment(PT_GNU_RELRO, [](auto& p) { p.p_type = PT_INTERP; }); }, Level::error,
       "program", "is a program (PIE)"},
      {"too large", [](ElfPatch& e) { e.append(std::string(64u << 20, '\0')); }, Level::error, "size",
       "64 MiB is the most"},
      // Cut short, or headers that lead outside.
      {"cut in its identification", [](ElfPatch& e) { e.cut(9); }, Level::error, "elf", "is no ELF file"},
      {"cut in its header", [](ElfPatch& e) { e.cut(40); }, Level::error, "elf",
       "its ELF header lies beyond its end"},
      {"cut behind its header", [](ElfPatch& e) { e.cut(64); }, Level::error, "elf",
       "its table of program headers lies beyond its end"},
      {"cut in its program headers", [](ElfPatch& e) { e.cut(64 + 100); }, Level::error, "elf",
       "its table of program headers"},
      {"cut in its table of sections", [](ElfPatch& e) { e.cut(e.head().e_shoff + 70); }, Level::error, "elf",
       "its table of sections lies beyond its end"},
      {"cut by one byte", [](ElfPatch& e) { e.cut(e.bytes().size() - 1); }, Level::error, "elf",
       "is cut short: its table of sections"},
      {"cut, and its sections stripped",
       [](ElfPatch& e) {
         e.head([](auto& h) { h.e_shnum = 0; });
         e.cut(e.bytes().size() / 2);
       },
       Level::error, "elf", "its segment lies beyond its end"},
      {"program headers beyond its end", head([](auto& h) { h.e_phoff = UINT64_MAX - 8; }), Level::error,
       "elf", "its table of program headers"},
      {"program headers of another size", head([](auto& h) { h.e_phentsize = 55; }), Level::error, "elf",
       "headers of another size"},
      {"no program headers", head([](auto& h) { h.e_phnum = 0; }), Level::error, "elf",
       "has no program headers"},
      {"as many program headers as can be", head([](auto& h) { h.e_phnum = PN_XNUM; }), Level::error, "elf",
       "headers of another size"},
      {"sections beyond its end", head([](auto& h) { h.e_shoff = UINT64_MAX - 8; }), Level::error, "elf",
       "its table of sections"},
      {"sections of another size", head([](auto& h) { h.e_shentsize = 63; }), Level::error, "elf",
       "headers of another size"},
      {"a segment beyond its end",
       [](ElfPatch& e) { e.segment(PT_LOAD, [](auto& p) { p.p_offset = UINT64_MAX - 1; }); }, Level::error,
       "elf", "its segment lies beyond its end"},
      {"a segment longer than it",
       [](ElfPatch& e) { e.segment(PT_LOAD, [](auto& p) { p.p_filesz = UINT64_MAX; }); }, Level::error, "elf",
       "its segment lies beyond its end"},
      {"a segment that has no room for itself",
       [](ElfPatch& e) { e.segment(PT_LOAD, [](auto& p) { p.p_memsz = p.p_filesz - 1; }); }, Level::error,
       "elf", "does not fit itself"},
      {"a segment around the end of memory",
       [](ElfPatch& e) { e.segment(PT_LOAD, [](auto& p) { p.p_vaddr = UINT64_MAX - 1; }); }, Level::error,
       "elf", "does not fit itself"},
      {"a section beyond its end",
       [](ElfPatch& e) { e.section(".rodata", [](auto& s) { s.sh_offset = UINT64_MAX - 1; }); }, Level::error,
       "elf", "its section lies beyond its end"},
      {"no dynamic section", [](ElfPatch& e) { e.segment(PT_DYNAMIC, [](auto& p) { p.p_type = PT_NULL; }); },
       Level::error, "elf", "no readable dynamic section"},
      {"a dynamic section nowhere",
       [](ElfPatch& e) { e.segment(PT_DYNAMIC, [](auto& p) { p.p_vaddr = 1ull << 60; }); }, Level::error,
       "elf", "no readable dynamic section"},
      {"a dynamic section without end",
       [](ElfPatch& e) { e.segment(PT_DYNAMIC, [](auto& p) { p.p_memsz = 32; }); }, Level::error, "elf",
       "no readable dynamic section"},
      {"a library named nowhere",
       [](ElfPatch& e) { e.dynamic(DT_NEEDED, [](auto& d) { d.d_un.d_val = UINT64_MAX; }); }, Level::error,
       "elf", "names that lie outside"},
      {"no string table",
       [](ElfPatch& e) { e.dynamic(DT_STRTAB, [](auto& d) { d.d_un.d_val = UINT64_MAX; }); }, Level::error,
       "elf", "names that lie outside"},
      // What the loader would refuse, or should not do.
      {"no entry", [](ElfPatch& e) { e.overwrite(MIMUS_ENTRY_SYMBOL, "mimus_plugin_exit"); }, Level::error,
       "no-entry", "exports no function " MIMUS_ENTRY_SYMBOL ": use MIMUS_PLUGIN"},
      {"an entry that is elsewhere",
       [](ElfPatch& e) { e.entry([](auto& s, auto) { s.st_shndx = SHN_UNDEF; }); }, Level::error, "no-entry",
       "exports no function"},
      {"an entry that is hidden",
       [](ElfPatch& e) { e.entry([](auto& s, auto) { s.st_other = STV_HIDDEN; }); }, Level::error, "no-entry",
       "keep the symbol global"},
      {"an entry that is local",
       [](ElfPatch& e) { e.entry([](auto& s, auto) { s.st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC); }); },
       Level::error, "no-entry", "exports no function"},
      {"an entry that is data",
       [](ElfPatch& e) { e.entry([](auto& s, auto) { s.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT); }); },
       Level::error, "no-entry", "exports no function"},
      {"no symbol table",
       [](ElfPatch& e) { e.dynamic(DT_SYMTAB, [](auto& d) { d.d_un.d_val = UINT64_MAX; }); }, Level::error,
       "no-entry", "exports no function"},
      {"RPATH", [](ElfPatch& e) { add_dynamic(e, DT_RPATH, e.name("libc.so")); }, Level::error, "rpath",
       "has the library path \"libc.so.6\" (RPATH or RUNPATH)"},
      {"RUNPATH", [](ElfPatch& e) { add_dynamic(e, DT_RUNPATH, e.name("libc.so")); }, Level::error, "rpath",
       "link without -rpath"},
      {"a library by its path", [](ElfPatch& e) { e.overwrite("libstdc++.so.6", "../lib/own.so"); },
       Level::error, "needs-path", "needs the library ../lib/own.so by its path"},
      {"an executable stack",
       [](ElfPatch& e) { e.segment(PT_GNU_STACK, [](auto& p) { p.p_flags |= PF_X; }); }, Level::error,
       "executable-stack", "-z noexecstack"},
      {"no word on the stack",
       [](ElfPatch& e) { e.segment(PT_GNU_STACK, [](auto& p) { p.p_type = PT_NULL; }); }, Level::error,
       "executable-stack", ".note.GNU-stack"},
      {"relocations in its code", [](ElfPatch& e) { add_dynamic(e, DT_TEXTREL, 0); }, Level::error,
       "text-relocations", "compile with -fPIC"},
      {"relocations in its code by a flag", [](ElfPatch& e) { set_flags(e, DF_TEXTREL); }, Level::error,
       "text-relocations", "compile with -fPIC"},
      {"writable code",
       [](ElfPatch& e) {
         e.segment(
             PT_LOAD, [](auto& p) { p.p_flags |= PF_W; }, PF_X);
       },
       Level::error, "writable-code", "writable and executable"},
      {"linked against being loaded", [](ElfPatch& e) { set_flags_1(e, DF_1_NOOPEN); }, Level::error,
       "no-dlopen", "-z nodlopen"},
      {"a newer glibc", [](ElfPatch& e) { e.overwrite("GLIBC_2.2.5", "GLIBC_2.99"); }, Level::error, "glibc",
       "needs glibc 2.99, this machine has 2."},
      // The manifest.
      {"no manifest", [](ElfPatch& e) { e.overwrite(MIMUS_MANIFEST_SECTION, ".another_section"); },
       Level::error, "no-manifest", "has no Mimus manifest: it is no plugin"},
      {"no names of sections", head([](auto& h) { h.e_shstrndx = 0xFFF0; }), Level::error, "no-manifest",
       "has no Mimus manifest"},
      {"stripped of its sections", head([](auto& h) {
         h.e_shnum = 0;
         h.e_shoff = 0;
       }),
       Level::error, "no-manifest", "has no Mimus manifest"},
      {"an empty manifest",
       [](ElfPatch& e) { e.section(MIMUS_MANIFEST_SECTION, [](auto& s) { s.sh_size = 0; }); }, Level::error,
       "manifest", "empty manifest section"},
      {"a manifest without bytes",
       [](ElfPatch& e) { e.section(MIMUS_MANIFEST_SECTION, [](auto& s) { s.sh_type = SHT_NOBITS; }); },
       Level::error, "manifest", "empty manifest section"},
      {"a manifest that is too large",
       [](ElfPatch& e) {
         const std::size_t end = e.bytes().size();
         e.append(std::string(300'000, ' '));
         e.section(MIMUS_MANIFEST_SECTION, [=](auto& s) {
           s.sh_offset = end;
           s.sh_size = 300'000;
         });
       },
       Level::error, "manifest", "a manifest of 300000 bytes; make it 256 KiB at most"},
      {"a manifest that is no JSON", [](ElfPatch& e) { e.manifest("id: test.sample"); }, Level::error,
       "manifest", "has a bad manifest: the manifest does not parse"},
      {"a manifest that is cut", [](ElfPatch& e) { e.manifest(e.manifest().substr(0, 100)); }, Level::error,
       "manifest", "does not parse"},
      {"a manifest of zeros", [](ElfPatch& e) { e.manifest(""); }, Level::error, "manifest",
       "does not parse"},
      {"a manifest with an unknown key", json("\"summary\"", "\"sumary\""), Level::error, "manifest",
       "sumary"},
      {"an id that is a path", json("test.sample", "../../evil"), Level::error, "manifest-id",
       "calls itself \"../../evil\": an id is letters"},
      {"an id that begins with a dot", json("test.sample", ".sample"), Level::error, "manifest-id",
       "an id is letters"},
      {"an id with a space", json("test.sample", "a sample"), Level::error, "manifest-id",
       "an id is letters"},
      {"a version that is none", json("1.2.0", "newer"), Level::error, "manifest-version",
       "has the version \"newer\": write numbers"},
      {"a version with a hole", json("1.2.0", "1..0"), Level::error, "manifest-version",
       "write numbers between dots"},
      {"another major ABI", json("\"major\": ", "\"major\": 4"), Level::error, "abi",
       "rebuild it with this host's SDK"},
      {"a newer minor ABI", json("\"minor\": ", "\"minor\": 4"), Level::error, "abi", "or upgrade the host"},
      // What may be, but should be known.
      {"unique symbols",
       [](ElfPatch& e) {
         e.entry([](auto& s, auto) { s.st_info = ELF64_ST_INFO(STB_GNU_UNIQUE, STT_OBJECT); });
       },
       Level::warning, "unique-symbols", "(" MIMUS_ENTRY_SYMBOL "): it will stay mapped after unload"},
      {"linked to stay", [](ElfPatch& e) { set_flags_1(e, DF_1_NODELETE); }, Level::warning, "nodelete",
       "it will stay mapped after unload"},
      {"static thread-local storage", [](ElfPatch& e) { set_flags(e, DF_STATIC_TLS); }, Level::warning,
       "static-tls", "may not load where others do too"},
      {"libssl", [](ElfPatch& e) { e.overwrite("libstdc++.so.6", "libssl.so.3"); }, Level::warning, "openssl",
       "links libssl.so.3, which is never unmapped"},
      {"the C++ runtime", [](ElfPatch&) {}, Level::warning, "edge",
       "will not load on the edge build, which has libc and libm only: it needs lib"},
      {"bytes behind its end", [](ElfPatch& e) { e.append("more"); }, Level::note, "appended",
       "has 4 bytes behind its end that are no signature"},
  };
  if (!sanitized) {
    // The sanitizers' runtime has no versions: then nobody can tell.
    out.push_back({"a symbol that nothing gives",
                   [](ElfPatch& e) {
                     e.symbol(
                         [](const Elf64_Sym& s, std::string_view) {
                           return s.st_shndx == SHN_UNDEF && ELF64_ST_BIND(s.st_info) == STB_GLOBAL;
                         },
                         [&](Elf64_Sym& s, std::size_t version) {
                           s.st_name = static_cast<Elf64_Word>(e.name("dc++.so.6"));
                           e.put<std::uint16_t>(version, VER_NDX_GLOBAL);
                         });
                   },
                   Level::error, "missing-symbols",
                   "uses symbols that nothing gives (dc++.so.6): link what defines them"});
  }
  return out;
}

TEST(BadImages, AreManyKinds) { EXPECT_GE(rows().size(), 70U); }

TEST(BadImages, AreRefusedOrToldWithTheirReason) {
  const Scratch data;
  const auto trust = *Trust::open({PluginPolicy::off, "", {}});
  const auto store = *ImageStore::open(data.path(), *trust);
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.name);
    ElfPatch elf(sample_image());
    row.spoil(elf);
    const Inspection inspection = inspect_image(elf.bytes());
    const auto found = std::find_if(inspection.findings.begin(), inspection.findings.end(),
                                    [&](const Finding& one) { return one.code == row.code; });
    if (found == inspection.findings.end()) {
      ADD_FAILURE() << "not found, but " << inspection.errors();
      continue;
    }
    EXPECT_EQ(found->level, row.level);
    EXPECT_THAT(found->text, HasSubstr(row.text));
    EXPECT_EQ(inspection.may_load(), inspection.errors().empty());
    EXPECT_TRUE(std::is_sorted(inspection.findings.begin(), inspection.findings.end(),
                               [](const Finding& a, const Finding& b) { return a.level > b.level; }));
    const auto image = store->take_bytes(elf.bytes(), "upload", false);
    if (row.level != Level::error) continue;
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().code, Code::invalid);
    EXPECT_TRUE(image.error().message.starts_with("upload "));
    if (std::string_view(row.code) != "size") {
      EXPECT_THAT(image.error().message, HasSubstr(row.text));
    }
  }
  EXPECT_TRUE(std::filesystem::is_empty(data.path() + "/plugins/images") == false)
      << "those with warnings were taken";
}

TEST(BadImages, AllReasonsAreToldAtOnce) {
  ElfPatch elf(sample_image());
  elf.segment(PT_GNU_STACK, [](auto& p) { p.p_flags |= PF_X; });
  add_dynamic(elf, DT_RUNPATH, elf.name("libc.so"));
  elf.overwrite(MIMUS_ENTRY_SYMBOL, "mimus_plugin_exit");
  elf.in_manifest("1.2.0", "new");
  const std::string errors = inspect_image(elf.bytes()).errors();
  for (const char* reason : {"exports no function", "; has the library path", "; wants an executable stack",
                             "; has the version \"new\""}) {
    EXPECT_THAT(errors, HasSubstr(reason));
  }
}

TEST(GoodImages, AreDescribed) {
  const auto facts = inspect_elf(sample_image());
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->end, sample_image().size());
  EXPECT_TRUE(facts->exports_entry);
  EXPECT_FALSE(facts->executable_stack || facts->text_relocations || facts->writable_code || facts->stays ||
               facts->refuses_dlopen || facts->is_program);
  EXPECT_EQ(facts->rpath, std::nullopt);
  EXPECT_THAT(facts->needed, testing::Contains("libc.so.6"));
  EXPECT_THAT(facts->unique, testing::IsEmpty()) << "-fno-gnu-unique";
  EXPECT_THAT(facts->versions, testing::Contains(testing::StartsWith("libc.so.6 GLIBC_2.")));
  EXPECT_EQ(facts->build_id.size(), 40U);
  EXPECT_TRUE(facts->manifest);
  EXPECT_TRUE(inspect_image(sample_image()).may_load()) << inspect_image(sample_image()).errors();
  if (!sanitized) {
    EXPECT_THAT(facts->unversioned, testing::IsEmpty());
  }
}

TEST(BadImages, WithSpoiledBytesAreJudgedInBoundedTime) {
  std::mt19937 random(7);
  const std::string& good = sample_image();
  std::size_t refused = 0;
  for (int round = 0; round < 600; ++round) {
    std::string bytes = good;
    const Elf64_Ehdr head = ElfPatch(good).head();
    // The head and program headers, the tables behind them, the table of sections, anywhere.
    const std::size_t spans[][2] = {
        {0, 64 + 56 * 12}, {64 + 56 * 9, 4096}, {head.e_shoff, good.size() - head.e_shoff}, {0, good.size()}};
    const auto& [from, size] = spans[round % 4];
    for (int i = 0; i < 8; ++i)
      bytes[from + random() % size] = static_cast<char>(random() % 3 == 0 ? 0xFF : random());
    refused += inspect_image(bytes).may_load() ? 0 : 1;
  }
  EXPECT_GT(refused, 100U);
}

TEST(PluginNames, AreKeptToWhatFilesAndPathsTake) {
  for (const char* id : {"x", "com.example.plugin", "a-b_c.9", "9"}) EXPECT_TRUE(is_plugin_id(id)) << id;
  for (const char* id : {"", ".", "-a", "a b", "a/b", "a\nb", "\xC3\xA4"})
    EXPECT_FALSE(is_plugin_id(id)) << id;
  EXPECT_FALSE(is_plugin_id(std::string(129, 'a')));
  for (const char* version : {"1", "1.2", "1.2.3", "1.2.3.4", "10.20.30", "1.0.0-rc.1", "1.0.0+b5"})
    EXPECT_TRUE(is_plugin_version(version)) << version;
  for (const char* version : {"", "1.", ".1", "1..2", "1.2.3.4.5", "v1", "1.x", "1.0-", "1 0", "1.0-a b"})
    EXPECT_FALSE(is_plugin_version(version)) << version;
}

}  // namespace
}  // namespace mimus
