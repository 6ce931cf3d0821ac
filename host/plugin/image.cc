#include "host/plugin/image.h"

#include <link.h>

#include <boost/dll/shared_library.hpp>
#include <string_view>

#include "host/plugin/plugin_host.h"

namespace mimus {
namespace {

namespace dll = boost::dll;

}  // namespace

std::string Image::name() const {
  return "plugin " + manifest().id + (source_.file.empty() ? " (linked in)" : " (" + source_.file + ")");
}

Image::~Image() {
  {
    const CrumbScope crumb(slot_, Hook::unload);
    library_.reset();
  }
  remove_image(slot_);
}

Result<std::shared_ptr<const Image>> Image::load(PluginSource source) {
  std::shared_ptr<Image> out(new Image(std::move(source)));
  if (const Status status = out->map(); !status) return status.error();
  return std::shared_ptr<const Image>(std::move(out));
}

Status Image::map() {
  const std::string& hash = source_.sha256;
  slot_ = add_image(manifest().id, manifest().version, hash.empty() ? image_hash(source_) : hash,
                    source_.builtin);
  const CrumbScope crumb(slot_, Hook::load);
  mimus_entry_fn entry = source_.entry;
  if (entry == nullptr) {
    boost::system::error_code failed;
    auto library = std::make_shared<dll::shared_library>();
    library->load(source_.file, failed, dll::load_mode::rtld_now | dll::load_mode::rtld_local);
    if (failed) return invalid(name() + " does not load: " + failed.message());
    if (!library->has(MIMUS_ENTRY_SYMBOL)) {
      return invalid(name() + " exports no " MIMUS_ENTRY_SYMBOL ": use the MIMUS_PLUGIN macro");
    }
    entry = &library->get<const mimus_plugin*(std::uint32_t, std::uint32_t)>(MIMUS_ENTRY_SYMBOL);
    library_ = std::move(library);
  }
  locate_image(slot_, reinterpret_cast<const void*>(entry));
  table_ = entry(MIMUS_ABI_MAJOR, MIMUS_ABI_MINOR);
  if (table_ == nullptr) return invalid(name() + " refuses this host's plugin ABI");
  if (table_->id == nullptr || manifest().id != table_->id || table_->version == nullptr ||
      manifest().version != table_->version) {
    return invalid(name() + " says another id or version in its code than in its manifest");
  }
  if (table_->create == nullptr || table_->destroy == nullptr || table_->bind == nullptr ||
      table_->unbind == nullptr) {
    return invalid(name() + " lacks create, destroy, bind or unbind");
  }
  return Done{};
}

bool Image::is_mapped(const std::string& file) {
  struct Search {
    const std::string& file;
    bool found;
  } search{file, false};
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* to) {
        auto& wanted = *static_cast<Search*>(to);
        wanted.found = wanted.found || (info->dlpi_name != nullptr && wanted.file == info->dlpi_name);
        return wanted.found ? 1 : 0;
      },
      &search);
  return search.found;
}

}  // namespace mimus
