// Checks of the file itself: its headers, its manifest, what it exports, and that it loads.
#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "host/kit/checks.h"
#include "host/kit/child.h"
#include "host/plugin/inspect.h"
#include "host/plugin/signature.h"

namespace mimus::kit {
namespace {

constexpr std::chrono::milliseconds slowest_load{50};

std::string bytes_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// The pointer under a tag of the loaded image's dynamic section, or null.
template <class T>
const T* dynamic(const link_map& map, ElfW(Sxword) tag) {
  for (const ElfW(Dyn)* d = map.l_ld; d->d_tag != DT_NULL; ++d) {
    if (d->d_tag == tag) return reinterpret_cast<const T*>(d->d_un.d_ptr);
  }
  return nullptr;
}

/// The names of the symbols that a loaded image offers to others: those in its GNU hash table, by
/// which the loader finds them.
std::vector<std::string> exports_of(void* library) {
  std::vector<std::string> out;
  link_map* map = nullptr;
  if (::dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) return out;
  const auto* const hash = dynamic<std::uint32_t>(*map, DT_GNU_HASH);
  const auto* const symbols = dynamic<ElfW(Sym)>(*map, DT_SYMTAB);
  const auto* const names = dynamic<char>(*map, DT_STRTAB);
  if (hash == nullptr || symbols == nullptr || names == nullptr) return out;
  const std::uint32_t buckets = hash[0], first = hash[1], words = hash[2];
  const std::uint32_t* const bucket = hash + 4 + words * (sizeof(ElfW(Addr)) / sizeof(std::uint32_t));
  const std::uint32_t* const chain = bucket + buckets;
  for (std::uint32_t b = 0; b < buckets; ++b) {
    for (std::uint32_t i = bucket[b]; i >= first; ++i) {
      if (symbols[i].st_shndx != SHN_UNDEF) out.emplace_back(names + symbols[i].st_name);
      if ((chain[i - first] & 1) != 0) break;
    }
  }
  return out;
}

/// Why a text is no schema that can be applied; "" if it is one.
std::string schema_fault(const std::string& text) {
  const auto schema = nlohmann::ordered_json::parse(text, nullptr, false);
  if (schema.is_discarded()) return "is no JSON";
  if (!schema.is_object() && !schema.is_boolean()) return "is neither an object nor true or false";
  return {};
}

}  // namespace

void check_elf(Case& t) {
  const Inspection found = inspect_image(bytes_of(t.file));
  for (const Finding& one : found.findings) {
    const std::string text = one.text + " (" + one.code + ")";
    if (one.level == Finding::Level::error) {
      t.error(text);
    } else if (one.level == Finding::Level::warning) {
      t.warning(text);
    } else {
      t.info(text);
    }
  }
}

void check_manifest(Case& t) {
  const auto text = read_manifest(t.file);
  if (!text) return t.error(text.error().message);
  const auto manifest = parse_manifest(*text);
  if (!manifest)
    return t.error("its manifest is not valid: " + manifest.error().message + "; see sdk/docs/manifest.md");
  if (manifest->summary.empty()) t.warning("its summary is empty: say in one sentence what it does");
  constexpr const char* levels[] = {"api", "endpoint", "channel"};
  for (std::size_t level = 0; level < manifest->fields.size(); ++level) {
    for (const FieldClaim& claim : manifest->fields[level]) {
      if (const std::string fault = schema_fault(claim.schema); !fault.empty())
        t.error(std::string("the schema of ") + levels[level] + " field " + claim.name + " " + fault);
    }
  }
  if (!manifest->endpoint_schema.empty()) {
    if (const std::string fault = schema_fault(manifest->endpoint_schema); !fault.empty())
      t.error("its endpoint_schema " + fault);
  }
  if (manifest->unload_never)
    t.info("says that it is never unloaded: each swap keeps its old code mapped until the host restarts");
}

void check_signature(Case& t) {
  const std::string file = bytes_of(t.file);
  const auto block = signature_of(file);
  if (!block && has_cut_signature(file))
    return t.error(
        "has a signature that is cut short: copy it again, or sign it again with mimus plugin sign");
  if (!block)
    return t.info("is not signed: hosts with --plugin-policy require refuse it; see mimus plugin sign");
  if (block->hash != sha256(unsigned_part(file)))
    return t.error("was changed after it was signed: sign it again with mimus plugin sign");
  t.info("is signed with key " + block->key_id);
}

void check_exports(Case& t) {
  const auto plugin = t.open();
  if (!plugin) return;
  std::vector<std::string> others;
  for (const std::string& name : exports_of(plugin->library())) {
    if (name != MIMUS_ENTRY_SYMBOL) others.push_back(name);
  }
  if (others.empty()) return;
  std::sort(others.begin(), others.end());
  std::string some;
  for (std::size_t i = 0; i < std::min<std::size_t>(others.size(), 5); ++i)
    some += (i == 0 ? "" : ", ") + others[i];
  t.warning(
      "exports " + std::to_string(others.size()) + " symbols beside " MIMUS_ENTRY_SYMBOL + " (" + some +
      "): build with -fvisibility=hidden and link with the SDK's exports.map, so that no other library's "
      "symbols are taken for them");
}

void check_tls(Case& t) {
  const std::string file = bytes_of(t.file);
  // The symbol's name stands in the string table if it is imported; a plugin has no other use for it.
  for (const std::string_view name : {"__cxa_thread_atexit_impl", "__cxa_thread_atexit"}) {
    if (file.find(std::string(1, '\0') + std::string(name) + std::string(1, '\0')) == file.npos) continue;
    return t.warning(
        "has thread_local variables with destructors: it stays mapped after a swap as long as a thread that "
        "touched them lives, and workers live as long as the host; keep an array by worker_index instead");
  }
}

void check_load(Case& t) {
  // Without the time in which others had the CPUs.
  const auto started = t.clock.now() - starved();
  const auto plugin = t.open();
  const auto took = t.clock.now() - starved() - started;
  if (!plugin) return;
  const std::string text = "took " + std::to_string(took.count()) + " µs to load";
  if (took > slowest_load) {
    t.warning(text + ": do less in static constructors, and in create or activate instead");
  } else {
    t.info(text);
  }
}

void check_table(Case& t) {
  const auto plugin = t.open();  // which compares
  if (!plugin) return;
  const mimus_plugin& table = plugin->table();
  const Manifest& manifest = plugin->manifest();
  if (table.abi_minor < manifest.abi_minor)
    t.error("was compiled with ABI minor " + std::to_string(table.abi_minor) + " but its manifest wants " +
            std::to_string(manifest.abi_minor) + ": lower \"abi\" in the manifest");
  if (table.on_request == nullptr && table.on_response == nullptr && table.get_extension == nullptr)
    t.warning("has neither request hooks nor extensions: it can do nothing");
  if (table.on_response_body != nullptr && table.on_response == nullptr)
    t.error("has on_response_body without on_response, which alone can ask for it");
  if (table.on_request_body != nullptr && table.on_request == nullptr)
    t.error("has on_request_body without on_request, which alone can ask for it");
  report().step(MIMUS_ENTRY_SYMBOL " asked for another major");
  const auto entry = reinterpret_cast<mimus_entry_fn>(::dlsym(plugin->library(), MIMUS_ENTRY_SYMBOL));
  if (entry(MIMUS_ABI_MAJOR + 1, 0) != nullptr)
    t.warning("gives a host of ABI major " + std::to_string(MIMUS_ABI_MAJOR + 1) +
              " a table: return NULL for another major than the one it was compiled with");
  report().step(MIMUS_ENTRY_SYMBOL " asked for a later minor");
  if (entry(MIMUS_ABI_MAJOR, MIMUS_ABI_MINOR + 1000) == nullptr)
    t.error(
        "refuses a host of a later minor version, which offers all that it needs: compare the major alone");
}

}  // namespace mimus::kit
