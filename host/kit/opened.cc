#include "host/kit/opened.h"

#include <dlfcn.h>

#include <utility>

#include "host/kit/child.h"
#include "host/kit/report.h"

namespace mimus::kit {

Status agree(const Manifest& manifest, const mimus_plugin& table) {
  const auto differs = [&](const char* what, const char* in_code, const std::string& in_manifest) {
    return invalid("says " + std::string(what) + " \"" + one_line(in_code == nullptr ? "" : in_code, 100) +
                   "\" in its code but \"" + one_line(in_manifest, 100) +
                   "\" in its manifest: make the two equal");
  };
  if (table.size < offsetof(mimus_plugin, unbind) + sizeof table.unbind)
    return invalid("has a table of " + std::to_string(table.size) +
                   " bytes: set .size to sizeof(mimus_plugin)");
  if (table.abi_major != MIMUS_ABI_MAJOR)
    return invalid("has plugin ABI " + std::to_string(table.abi_major) + "." +
                   std::to_string(table.abi_minor) + ", this host has " + std::to_string(MIMUS_ABI_MAJOR) +
                   "." + std::to_string(MIMUS_ABI_MINOR) + ": build it with this host's SDK");
  if (table.id == nullptr || manifest.id != table.id) return differs("id", table.id, manifest.id);
  if (table.version == nullptr || manifest.version != table.version)
    return differs("version", table.version, manifest.version);
  if (table.create == nullptr || table.destroy == nullptr || table.bind == nullptr || table.unbind == nullptr)
    return invalid("lacks create, destroy, bind or unbind: all four must be set in its table");
  return Done{};
}

Result<Opened> Opened::open(const std::string& file) {
  Opened out;
  report().step("the reading of its manifest");
  const auto text = read_manifest(file);
  if (!text) return invalid("has no manifest that can be read: " + text.error().message);
  auto manifest = parse_manifest(*text);
  if (!manifest) return invalid("has a manifest that is not valid: " + manifest.error().message);
  out.manifest_ = *std::move(manifest);
  report().step("the loading of its code");
  out.library_ = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (out.library_ == nullptr) {
    return invalid("does not load: " + one_line(::dlerror()) +
                   "; link all that it uses into it, and link it with -Wl,-z,defs to hear of it earlier");
  }
  const auto entry = reinterpret_cast<mimus_entry_fn>(::dlsym(out.library_, MIMUS_ENTRY_SYMBOL));
  if (entry == nullptr)
    return invalid("exports no " MIMUS_ENTRY_SYMBOL ": write MIMUS_EXPORT(entry) or MIMUS_PLUGIN(…) once");
  report().step(MIMUS_ENTRY_SYMBOL);
  out.table_ = [&]() noexcept { return entry(MIMUS_ABI_MAJOR, MIMUS_ABI_MINOR); }();
  if (out.table_ == nullptr) {
    return invalid("refuses plugin ABI " + std::to_string(MIMUS_ABI_MAJOR) + "." +
                   std::to_string(MIMUS_ABI_MINOR) + ", which is this host's: build it with this host's SDK");
  }
  if (const Status same = agree(out.manifest_, *out.table_); !same) return same.error();
  return out;
}

Opened::Opened(Opened&& other) noexcept
    : manifest_(std::move(other.manifest_)),
      library_(std::exchange(other.library_, nullptr)),
      table_(std::exchange(other.table_, nullptr)) {}

Opened& Opened::operator=(Opened&& other) noexcept {
  std::swap(manifest_, other.manifest_);
  std::swap(library_, other.library_);
  std::swap(table_, other.table_);
  return *this;
}

Opened::~Opened() { close(); }

void Opened::close() {
  if (library_ == nullptr) return;
  report().step("the unloading of its code");
  ::dlclose(std::exchange(library_, nullptr));
  table_ = nullptr;
}

}  // namespace mimus::kit
