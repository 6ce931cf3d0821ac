// Files that come, change and go, and the copies that are kept of what served well.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "host/plugin/manager_state.h"

namespace mimus {
namespace {

/// Whether both can be read and hold the same bytes.
bool same_bytes(const std::string& one, const std::string& other) {
  std::ifstream a(one, std::ios::binary), b(other, std::ios::binary);
  using Bytes = std::istreambuf_iterator<char>;
  return a && b && std::equal(Bytes(a), Bytes(), Bytes(b), Bytes());
}

}  // namespace

std::string PluginManager::State::kept_path(const std::string& id, bool previous) const {
  return setup.data + "/plugins/kept/" + id + (previous ? ".previous.so" : ".so");
}

std::string PluginManager::State::installed_directory() const { return setup.data + "/plugins/installed"; }

std::string PluginManager::State::installed_path(const std::string& id) const {
  return installed_directory() + "/" + id + ".so";
}

void PluginManager::State::notice(const DirectoryWatch::Change& change) {
  if (!change.removed) {
    (void)bring_file(change.path, false);  // told as an event
    return;
  }
  const auto known = ids.find(change.path);
  if (known == ids.end()) return;
  const std::string id = known->second;
  ids.erase(known);
  const auto at = slots.find(id);
  if (at == slots.end()) return;
  PluginSlot& slot = at->second;
  const std::string from = served_from(slot);
  if (slot.origin != change.path && from != change.path) return;
  const bool settled = slot.trial == nullptr && slot.former == nullptr;
  if (settled && slot.serving != nullptr && from != change.path && ids.contains(from)) {
    slot.origin = from;  // a newer file was refused
    return;
  }
  slot.origin.clear();
  if (slot.serving != nullptr && slot.serving->source().builtin && settled) return;  // the file was refused
  const bool disabled = decision_of(id).disabled;
  if (slot.serving == nullptr && !slot.builtin && slot.leaving.empty() &&
      decision_of(id) == PluginDecision{}) {
    slots.erase(at);  // it never served
    return;
  }
  const bool served = slot.serving != nullptr;
  const std::vector<PluginPtr> old = take_out(slot);
  slot.state = disabled ? "disabled" : "removed";
  if (served) event(slot, "removed", nullptr, change.path + " is gone");
  if (!bring_other(slot, disabled) && served) (void)republish();
  for (const PluginPtr& plugin : old) leave(slot, plugin);
}

std::string PluginManager::State::served_from(const PluginSlot& slot) const {
  if (slot.serving == nullptr || slot.serving->source().builtin) return "";
  const auto file = slot.files.find(slot.serving->source().file);
  if (file == slot.files.end()) return slot.origin;
  const std::string& from = file->second.origin;
  const bool kept = from == kept_path(slot.id, false) || from == kept_path(slot.id, true);
  return kept ? slot.origin : from;
}

bool PluginManager::State::bring_other(PluginSlot& slot, bool disabled) {
  std::vector<std::string> others;
  for (const auto& [path, id] : ids) {
    if (id == slot.id) others.push_back(path);
  }
  for (const std::string& path : others) {
    if (bring_file(path, true)) return slot.serving != nullptr;
  }
  return slot.builtin && !disabled && bring_builtin(slot, "restored");
}

Status PluginManager::State::precedence(const PluginSlot& slot, const ImageFile& file) const {
  const std::string from = served_from(slot);
  if (from.empty() || from == file.origin || slot.origin == file.origin || ::access(from.c_str(), F_OK) != 0)
    return Done{};
  const std::string installed = installed_path(slot.id);
  if (file.origin == installed) return Done{};
  const std::string& version = slot.serving->manifest().version;
  if (from != installed && compare_versions(file.manifest.version, version) > 0) return Done{};
  return refusal(file.origin + " is version " + file.manifest.version + " of " + slot.id + ", but " + from +
                 " holds version " + version + ": " +
                 (from == installed ? "DELETE /admin/plugins/" + slot.id + " first"
                                    : std::string("remove one of them, or raise the version")));
}

Status PluginManager::State::bring_file(const std::string& path, bool forced) {
  const bool installed = path.starts_with(installed_directory() + "/");
  auto file = setup.images->take(path, installed);
  if (!file) {
    // Whose it would be is known only if it was a plugin before: else it goes by its name.
    const auto known = ids.find(path);
    const std::string id =
        known != ids.end() ? known->second : std::filesystem::path(path).filename().string();
    PluginSlot& slot = slots[id];
    slot.id = id;
    if (known == ids.end()) {
      slot.origin = path;
      ids[path] = id;
    }
    refuse(slot, nullptr, file.error());
    return refusal(file.error().message);
  }
  const std::string id = file->manifest.id;
  if (const auto known = ids.find(path); known != ids.end() && known->second != id) {
    // Another plugin was in this file before, or nothing that could be read.
    if (const auto old = slots.find(known->second); old != slots.end() && old->second.serving == nullptr &&
                                                    !old->second.builtin && old->second.origin == path) {
      slots.erase(old);
    } else if (old != slots.end()) {
      notice({path, true});
    }
  }
  ids[path] = id;
  PluginSlot& slot = slots[id];
  slot.id = id;
  if (const Status first = precedence(slot, *file); !first) {
    refuse(slot, &*file, first.error());
    setup.images->forget(file->path);
    return first;
  }
  return bring(slot, *std::move(file), forced);
}

Status PluginManager::State::bring_kept(PluginSlot& slot, const std::string& kept) {
  auto file = setup.images->take(kept);
  if (!file) return refusal(file.error().message);
  if (slot.serving != nullptr && slot.serving->source().sha256 == file->sha256) {
    setup.images->forget(file->path);
    return Error{Code::not_found, "plugin " + slot.id + " has nothing to roll back to"};
  }
  const std::string origin = slot.origin;
  const Status brought = bring(slot, *std::move(file), true);
  slot.origin = origin;
  return brought;
}

void PluginManager::State::bring_last_good(PluginSlot& slot) {
  for (const bool previous : {false, true}) {
    const std::string kept = kept_path(slot.id, previous);
    if (::access(kept.c_str(), R_OK) != 0 || !bring_kept(slot, kept)) continue;
    if (slot.state == "probation") accept(slot);  // it was accepted once
    return;
  }
}

bool PluginManager::State::serves_last_good(const PluginSlot& slot) const {
  return same_bytes(slot.serving->source().file, kept_path(slot.id, false));
}

void PluginManager::State::keep(const PluginSlot& slot) {
  const PluginSource& source = slot.serving->source();
  if (source.builtin) return;
  const auto from = slot.files.find(source.file);
  const std::string good = kept_path(slot.id, false), previous = kept_path(slot.id, true);
  if (from == slot.files.end() || same_bytes(source.file, good)) return;
  std::error_code failed;
  if (from->second.origin == previous) {  // it was rolled back to
    std::filesystem::rename(previous, good, failed);
  } else {
    const std::string fresh = good + ".new";
    std::filesystem::remove(fresh, failed);
    std::filesystem::create_hard_link(source.file, fresh, failed);
    if (failed) {
      failed.clear();
      std::filesystem::copy_file(source.file, fresh, failed);
    }
    std::error_code none;  // the first version has no previous one
    if (!failed) std::filesystem::rename(good, previous, none);
    if (!failed) std::filesystem::rename(fresh, good, failed);
  }
  if (failed) setup.log(MIMUS_LOG_WARN, "cannot keep " + good + ": " + failed.message());
}

}  // namespace mimus
