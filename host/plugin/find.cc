// Finds plugins: linked into the program, beside it, and in the operator's directories.

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <memory>

#include "host/plugin/crash_page.h"
#include "host/plugin/plugin_host.h"

// The section that MIMUS_EXPORT fills; empty when nothing is linked in.
extern "C" {
extern const mimus_registration* const __start_mimus_registry[] __attribute__((weak));
extern const mimus_registration* const __stop_mimus_registry[] __attribute__((weak));
}

namespace mimus {
namespace {

namespace fs = std::filesystem;

Status add(std::vector<PluginSource>& found, PluginSource source) {
  const std::string& where = source.file.empty() ? "the program" : source.file;
  const Manifest& m = source.manifest;
  if (m.abi_major != MIMUS_ABI_MAJOR || m.abi_minor > MIMUS_ABI_MINOR) {
    return invalid(where + " needs plugin ABI " + std::to_string(m.abi_major) + "." +
                   std::to_string(m.abi_minor) + ", this host has " + std::to_string(MIMUS_ABI_MAJOR) + "." +
                   std::to_string(MIMUS_ABI_MINOR) +
                   ": rebuild it with this host's SDK, or upgrade the host");
  }
  const auto same = std::find_if(found.begin(), found.end(),
                                 [&](const PluginSource& other) { return other.manifest.id == m.id; });
  if (same == found.end()) {
    found.push_back(std::move(source));
    return Done{};
  }
  const bool newer = !source.builtin && compare_versions(m.version, same->manifest.version) > 0;
  if ((!same->builtin || source.builtin) && !newer) {
    return Error{Code::conflict, where + " has the id " + m.id + ", which " +
                                     (same->file.empty() ? "the program" : same->file) + " has already"};
  }
  if (compare_versions(m.version, same->manifest.version) < 0) {
    return invalid(where + " is version " + m.version + " of " + m.id + ", lower than the built-in " +
                   same->manifest.version);
  }
  *same = std::move(source);
  return Done{};
}

Status add_linked(std::vector<PluginSource>& found) {
  for (const auto* at = __start_mimus_registry; at != __stop_mimus_registry; ++at) {
    Result<Manifest> manifest = parse_manifest({(*at)->manifest.p, (*at)->manifest.n});
    if (!manifest) return invalid("a linked-in plugin: " + manifest.error().message);
    PluginSource source{std::move(*manifest), "", true, (*at)->entry};
    if (const Status status = add(found, std::move(source)); !status) return status;
  }
  return Done{};
}

Status add_file(std::vector<PluginSource>& found, const std::string& file, bool builtin) {
  Result<std::string> text = read_manifest(file);
  if (!text) return text.error();
  Result<Manifest> manifest = parse_manifest(*text);
  if (!manifest) return invalid(file + ": " + manifest.error().message);
  const bool linked_already =
      builtin && std::any_of(found.begin(), found.end(), [&](const PluginSource& other) {
        return other.file.empty() && other.manifest.id == manifest->id;
      });
  if (linked_already) return Done{};
  std::vector<PluginSource> more = found;
  if (const Status status = add(more, PluginSource{std::move(*manifest), file, builtin, nullptr}); !status)
    return status;
  std::vector<const Manifest*> manifests;
  for (const PluginSource& source : more) manifests.push_back(&source.manifest);
  if (const auto order = solve_order(manifests); !order && !builtin) return order.error();
  found = std::move(more);
  return Done{};
}

Status add_directory(std::vector<PluginSource>& found, const std::string& directory, bool builtin,
                     std::vector<Error>* skipped) {
  std::error_code failed;
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(directory, failed)) {
    if (entry.path().extension() == ".so") files.push_back(fs::absolute(entry.path()).string());
  }
  if (failed && builtin) return Done{};  // a program with everything linked in has no such folder
  if (failed) return Error{Code::not_found, "plugin directory " + directory + ": " + failed.message()};
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) {
    const Status added = add_file(found, file, builtin);
    if (added) continue;
    if (builtin || skipped == nullptr) return added;
    skipped->push_back(added.error());
  }
  return Done{};
}

}  // namespace

std::string image_hash(const PluginSource& source) {
  if (source.builtin) return built_in_hash(source.manifest.id, source.manifest.version);
  std::ifstream file(source.file, std::ios::binary);
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  if (!file || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) return {};
  std::array<char, 64 << 10> part;
  while (file.read(part.data(), part.size()), file.gcount() > 0) {
    EVP_DigestUpdate(context.get(), part.data(), static_cast<std::size_t>(file.gcount()));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    out += "0123456789abcdef"[digest[i] >> 4];
    out += "0123456789abcdef"[digest[i] & 15];
  }
  return out;
}

Result<std::vector<PluginSource>> find_plugins(const std::string& builtin_directory,
                                               const std::vector<std::string>& directories,
                                               std::vector<Error>* skipped) {
  std::vector<PluginSource> found;
  if (const Status status = add_linked(found); !status) return status.error();
  if (const Status status = add_directory(found, builtin_directory, true, nullptr); !status)
    return status.error();
  for (const std::string& directory : directories) {
    if (const Status status = add_directory(found, directory, false, skipped); !status) return status.error();
  }
  std::vector<const Manifest*> manifests;
  for (const PluginSource& source : found) manifests.push_back(&source.manifest);
  if (const auto order = solve_order(manifests); !order) return order.error();
  return found;
}

}  // namespace mimus
