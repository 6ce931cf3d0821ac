#include "host/plugin/inspect.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>

#include <algorithm>
#include <charconv>

#include "host/plugin/elf.h"
#include "host/plugin/signature.h"

namespace mimus {
namespace {

using Level = Finding::Level;

/// Libraries that are there wherever the one-file build of Mimus runs.
constexpr std::string_view everywhere[] = {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2",
                                           "ld-linux-aarch64.so.1"};
/// Libraries all of whose symbols carry versions: what they give is known when the plugin is linked.
constexpr std::string_view versioned[] = {
    "libc.so.6",  "libm.so.6",  "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libpthread.so.0",
    "libdl.so.2", "librt.so.1", "libstdc++.so.6",       "libgcc_s.so.1"};

template <std::size_t n>
bool among(const std::string_view (&names)[n], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

std::string few(const std::vector<std::string>& names) {
  constexpr std::size_t most = 3;
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i)
    out += (i == 0 ? "" : ", ") + names[i].substr(0, 200);
  return names.size() > most ? out + " and " + std::to_string(names.size() - most) + " more" : out;
}

/// Whether the dynamic loader would find `name` for a plugin of this process.
bool given_here(const std::string& name) { return dlsym(RTLD_DEFAULT, name.c_str()) != nullptr; }

/// The number after "GLIBC_2.", or 0.
unsigned glibc_minor(std::string_view version) {
  constexpr std::string_view prefix = "GLIBC_2.";
  unsigned out = 0;
  if (version.starts_with(prefix))
    (void)std::from_chars(version.data() + prefix.size(), version.data() + version.size(), out);
  return out;
}

class Judge {
 public:
  explicit Judge(std::vector<Finding>& findings) : findings_(findings) {}

  void loading(const ElfFacts& facts) {
    if (facts.is_program) error("program", "is a program (PIE): link it with -shared");
    if (!facts.exports_entry) {
      error("no-entry", std::string("exports no function " MIMUS_ENTRY_SYMBOL
                                    ": use MIMUS_PLUGIN, and keep the symbol global in the version script"));
    }
    if (facts.refuses_dlopen) error("no-dlopen", "was linked with -z nodlopen: link it without");
    if (facts.rpath) {
      error("rpath",
            "has the library path \"" + facts.rpath->substr(0, 200) +
                "\" (RPATH or RUNPATH), so that others may choose its libraries: link without -rpath");
    }
    for (const std::string& library : facts.needed) {
      if (library.find('/') == library.npos) continue;
      error("needs-path", "needs the library " + library.substr(0, 200) +
                              " by its path: give the library a SONAME, or link it statically");
    }
    if (facts.executable_stack) {
      error("executable-stack",
            "wants an executable stack: link with -z noexecstack, and end assembly sources with "
            ".section .note.GNU-stack");
    }
    if (facts.text_relocations) error("text-relocations", "has relocations in its code: compile with -fPIC");
    if (facts.writable_code)
      error("writable-code", "has a segment that is writable and executable: link it without -N");
    symbols(facts);
  }

  void unloading(const ElfFacts& facts) {
    if (!facts.unique.empty()) {
      warn("unique-symbols",
           "defines unique symbols (" + few(facts.unique) +
               "): it will stay mapped after unload and share statics with its other versions; build "
               "with -fno-gnu-unique");
    }
    if (facts.stays) warn("nodelete", "was linked with -z nodelete: it will stay mapped after unload");
    if (facts.static_tls)
      warn("static-tls",
           "uses static thread-local storage: it may not load where others do too; compile with -fPIC");
  }

  void libraries(const ElfFacts& facts) {
    std::vector<std::string> beyond;
    for (const std::string& library : facts.needed) {
      if (!among(everywhere, library)) beyond.push_back(library);
      if (library.starts_with("libssl.") || library.starts_with("libcrypto.")) {
        warn("openssl", "links " + library.substr(0, 200) +
                            ", which is never unmapped and may clash with the host's: use mimus.hash/1 and "
                            "mimus.fetch/1");
      }
    }
    if (!beyond.empty()) {
      warn("edge", "will not load on the edge build, which has libc and libm only: it needs " + few(beyond) +
                       "; link them statically (Mimus::sdk does)");
    }
  }

  void manifest(const ElfFacts& facts, std::optional<Manifest>& out) {
    if (!facts.manifest_fault.empty()) return error("manifest", facts.manifest_fault);
    if (!facts.manifest) return error("no-manifest", "has no Mimus manifest: it is no plugin");
    Result<Manifest> parsed = parse_manifest(*facts.manifest);
    if (!parsed) return error("manifest", "has a bad manifest: " + parsed.error().message);
    const Manifest& m = *parsed;
    if (!is_plugin_id(m.id)) {
      error("manifest-id",
            "calls itself \"" + m.id.substr(0, 200) +
                "\": an id is letters, digits, \".\", \"-\" and \"_\", 128 at most, as com.example.plugin");
    }
    if (!is_plugin_version(m.version)) {
      error("manifest-version",
            "has the version \"" + m.version.substr(0, 200) + "\": write numbers between dots, as 1.2.0");
    }
    if (m.abi_major != MIMUS_ABI_MAJOR || m.abi_minor > MIMUS_ABI_MINOR) {
      error("abi", "needs plugin ABI " + std::to_string(m.abi_major) + "." + std::to_string(m.abi_minor) +
                       ", this host has " + std::to_string(MIMUS_ABI_MAJOR) + "." +
                       std::to_string(MIMUS_ABI_MINOR) +
                       ": rebuild it with this host's SDK, or upgrade the host");
    }
    out = *std::move(parsed);
  }

  void add(Level level, const char* code, std::string text) {
    findings_.push_back({level, code, std::move(text)});
  }
  void error(const char* code, std::string text) { add(Level::error, code, std::move(text)); }
  void warn(const char* code, std::string text) { add(Level::warning, code, std::move(text)); }

 private:
  /// What dlopen would not find. A library without versions may give anything: no word then.
  void symbols(const ElfFacts& facts) {
    const bool known = std::all_of(facts.needed.begin(), facts.needed.end(),
                                   [](const std::string& library) { return among(versioned, library); });
    std::vector<std::string> missing;
    for (const std::string& name : facts.unversioned) {
      if (known && !given_here(name)) missing.push_back(name);
    }
    if (!missing.empty()) {
      error("missing-symbols", "uses symbols that nothing gives (" + few(missing) +
                                   "): link what defines them; -Wl,-z,defs tells when linking");
    }
    const unsigned here = glibc_minor(std::string("GLIBC_") + gnu_get_libc_version());
    unsigned wanted = 0;
    for (const std::string& version : facts.versions) {
      const std::size_t space = version.find(' ');
      wanted = std::max(wanted, glibc_minor(std::string_view(version).substr(space + 1)));
    }
    if (wanted > here) {
      error("glibc", "needs glibc 2." + std::to_string(wanted) + ", this machine has " +
                         gnu_get_libc_version() +
                         ": build it on a system that is no newer than those it shall run on");
    }
  }

  std::vector<Finding>& findings_;
};

}  // namespace

bool Inspection::may_load() const {
  return std::none_of(findings.begin(), findings.end(),
                      [](const Finding& one) { return one.level == Level::error; });
}

std::string Inspection::errors() const {
  std::string out;
  for (const Finding& one : findings) {
    if (one.level == Level::error) out += (out.empty() ? "" : "; ") + one.text;
  }
  return out;
}

std::vector<std::string> Inspection::warnings() const {
  std::vector<std::string> out;
  for (const Finding& one : findings) {
    if (one.level == Level::warning) out.push_back(one.text);
  }
  return out;
}

Inspection inspect_image(std::string_view image) {
  Inspection out;
  Judge judge(out.findings);
  if (image.size() > max_image_bytes) {
    judge.error("size", "has " + std::to_string(image.size()) + " bytes: 64 MiB is the most; strip it");
    return out;
  }
  const std::string_view elf = unsigned_part(image);
  const Result<ElfFacts> facts = inspect_elf(elf);
  if (!facts) {
    judge.error("elf", facts.error().message);
    return out;
  }
  out.build_id = facts->build_id;
  out.elf_bytes = facts->end;
  judge.loading(*facts);
  judge.manifest(*facts, out.manifest);
  judge.unloading(*facts);
  judge.libraries(*facts);
  if (facts->end < elf.size()) {
    judge.add(
        Level::note, "appended",
        "has " + std::to_string(elf.size() - facts->end) + " bytes behind its end that are no signature");
  }
  std::stable_sort(out.findings.begin(), out.findings.end(),
                   [](const Finding& a, const Finding& b) { return a.level > b.level; });
  return out;
}

bool is_plugin_id(std::string_view id) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !id.empty() && id.size() <= 128 && plain(id[0]) && std::all_of(id.begin(), id.end(), [&](char c) {
    return plain(c) || c == '.' || c == '-' || c == '_';
  });
}

bool is_plugin_version(std::string_view version) {
  const std::size_t core = std::min(version.find_first_of("-+"), version.size());
  unsigned numbers = 0;
  bool digits = false;
  for (const char c : version.substr(0, core)) {
    if (c == '.' && !digits) return false;
    if (c != '.' && (c < '0' || c > '9')) return false;
    if (c != '.' && !digits) ++numbers;
    digits = c != '.';
  }
  const std::string_view rest = version.substr(core);
  return digits && numbers <= 4 && version.size() <= 64 && rest.size() != 1 &&
         std::all_of(rest.begin(), rest.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                  c == '-' || c == '+';
         });
}

}  // namespace mimus
