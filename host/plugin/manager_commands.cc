// What operators may ask for, on the plugins thread.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "host/plugin/durable_file.h"
#include "host/plugin/manager_state.h"

namespace mimus {
namespace {

/// What is wrong with a value for an option, "" if nothing.
std::string unfit(const OptionSpec& option, const nlohmann::json& value) {
  if (value.is_null()) return "";
  switch (option.type) {
    case OptionSpec::Type::text:
      return value.is_string() ? "" : "must be a string";
    case OptionSpec::Type::flag:
      return value.is_boolean() ? "" : "must be true or false";
    case OptionSpec::Type::integer:
      break;
  }
  if (!value.is_number_integer()) return "must be a whole number";
  const auto number = value.get<std::int64_t>();
  if (option.minimum && number < *option.minimum)
    return "must be at least " + std::to_string(*option.minimum);
  if (option.maximum && number > *option.maximum) return "must be at most " + std::to_string(*option.maximum);
  return "";
}

}  // namespace

Result<PluginSlot*> PluginManager::State::slot_of(const std::string& id) {
  const auto at = slots.find(id);
  if (at == slots.end()) return Error{Code::not_found, "there is no plugin " + id.substr(0, 100)};
  return &at->second;
}

Status PluginManager::State::reload(PluginSlot& slot) {
  if (decision_of(slot.id).disabled)
    return Error{Code::conflict, "plugin " + slot.id + " is disabled; POST …/enable first"};
  if (!slot.origin.empty()) return bring_file(slot.origin, true);
  return bring_builtin(slot, "reloaded");
}

Status PluginManager::State::disable(PluginSlot& slot) {
  PluginDecisions next = setup.decisions;
  next[slot.id].disabled = true;
  if (Status kept = write_decisions(setup.data, next); !kept) return kept;
  setup.decisions = std::move(next);
  const std::vector<PluginPtr> old = take_out(slot);
  slot.state = "disabled";
  event(slot, "disabled", nullptr, "by an operator");
  const Status published = republish();
  for (const PluginPtr& plugin : old) leave(slot, plugin);
  return published;
}

Status PluginManager::State::enable(PluginSlot& slot) {
  PluginDecisions next = setup.decisions;
  next[slot.id].disabled = false;
  if (Status kept = write_decisions(setup.data, next); !kept) return kept;
  setup.decisions = std::move(next);
  std::vector<std::string> pardoned;
  for (const Charge& charge : setup.quarantine.charges()) {
    if (charge.id == slot.id) pardoned.push_back(charge.hash);
  }
  for (const std::string& hash : pardoned) setup.quarantine.pardon(hash);
  if (!pardoned.empty()) {
    if (Status kept = write_quarantine(setup.data, setup.quarantine); !kept) return kept;
    event(slot, "pardoned", nullptr, "by an operator");
  }
  const bool was_safe = std::exchange(setup.supervision.safe_mode, false);
  if (CrashPage* const page = crash_page()) page->safe_mode = false;
  if (slot.serving != nullptr && pardoned.empty() && !was_safe) return Done{};
  if (!slot.origin.empty()) return bring_file(slot.origin, slot.serving == nullptr);
  return slot.serving != nullptr ? Status(Done{}) : bring_builtin(slot, "enabled");
}

Status PluginManager::State::rollback(PluginSlot& slot) {
  if (slot.trial != nullptr) {
    end_canary(slot, "rolled-back", "by an operator");
    return Done{};
  }
  if (slot.state == "probation" && slot.former != nullptr) {
    give_up(slot, "rolled-back", "by an operator");
    return Done{};
  }
  const Error nothing{Code::not_found, "plugin " + slot.id + " has nothing to roll back to"};
  if (slot.serving == nullptr || slot.serving->source().builtin) return nothing;
  const PluginPtr now = slot.serving;
  slot.canary_percent = 0;
  const std::string previous = kept_path(slot.id, serves_last_good(slot));
  const Status back = ::access(previous.c_str(), R_OK) == 0 ? bring_kept(slot, previous)
                      : slot.builtin                        ? bring_builtin(slot, "restored")
                                                            : Status(nothing);
  if (!back) return back;
  if (slot.state == "probation") accept(slot);  // an operator's word ends it
  event(slot, "rolled-back", now, "by an operator");
  return quarantine(now, "rolled back", "an operator");
}

Status PluginManager::State::configure(PluginSlot& slot, const std::string& json) {
  if (slot.serving == nullptr)
    return Error{Code::conflict, "plugin " + slot.id + " does not serve: it is " + slot.state};
  if (slot.trial != nullptr)
    return Error{Code::conflict,
                 "plugin " + slot.id + " has a canary; end it first: PUT …/canary {\"percent\":0}"};
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  if (!parsed.is_object()) return invalid("must be a JSON object of options", "");
  const std::vector<OptionSpec>& known = slot.serving->manifest().options;
  for (const auto& given : parsed.items()) {
    const std::string& name = given.key();
    const auto option =
        std::find_if(known.begin(), known.end(), [&](const OptionSpec& one) { return one.name == name; });
    if (option == known.end()) return invalid("plugin " + slot.id + " has no such option", "/" + name);
    if (const std::string wrong = unfit(*option, given.value()); !wrong.empty())
      return invalid(wrong, "/" + name);
  }
  PluginDecisions next = setup.decisions;
  next[slot.id].config = parsed.empty() ? "" : parsed.dump();
  if (slot.state != "probation") slot.former_config = decision_of(slot.id).config;
  std::swap(setup.decisions, next);
  Status done = serve_again(slot);
  if (done) done = write_decisions(setup.data, setup.decisions);
  if (!done) std::swap(setup.decisions, next);
  return done;
}

Status PluginManager::State::serve_again(PluginSlot& slot) {
  const auto began = setup.clock->now();
  const PluginSource& source = slot.serving->source();
  const auto refused = [&](const Error& error) -> Status {
    const auto file = slot.files.find(source.file);
    refuse(slot, file == slot.files.end() ? nullptr : &file->second, error);
    return error;
  };
  if (setup.probe && !source.builtin) {
    if (const Status tried = setup.probe(source.file, options_json(slot, source.manifest)); !tried)
      return refused(invalid("plugin " + slot.id + " " + tried.error().message));
  }
  auto made = setup.plugins->make(slot.serving->image, options_of(slot));
  if (!made) return refused(made.error());
  return serve(slot, *made, began);
}

Status PluginManager::State::install(const std::string& id, std::string_view image) {
  auto file = setup.images->take_bytes(image, id, true);
  if (!file) return refusal(file.error().message);
  if (file->manifest.id != id) {
    setup.images->forget(file->path);
    return refusal("the image is of plugin " + file->manifest.id + ", not of " + id);
  }
  const std::string path = installed_path(id);
  file->origin = path;
  PluginSlot& slot = slots[id];
  slot.id = id;
  const std::string origin = slot.origin;
  if (Status brought = bring(slot, *std::move(file), true); !brought) {
    slot.origin = origin;  // nothing was installed
    return brought;
  }
  ids[path] = id;
  return replace_file(path, image);
}

Status PluginManager::State::remove(PluginSlot& slot) {
  if (slot.origin.empty() && slot.builtin)
    return Error{Code::conflict, "plugin " + slot.id + " is built in; POST …/disable switches it off"};
  if (slot.origin.empty()) return Error{Code::not_found, "plugin " + slot.id + " is removed already"};
  if (slot.origin != installed_path(slot.id))
    return Error{Code::conflict, "plugin " + slot.id + " comes from " + slot.origin + "; remove that file"};
  std::error_code failed;
  std::filesystem::remove(slot.origin, failed);
  if (failed) return Error{Code::unavailable, "cannot remove " + slot.origin + ": " + failed.message()};
  notice({slot.origin, true});
  return Done{};
}

Status PluginManager::State::canary(PluginSlot& slot, std::uint32_t percent) {
  if (percent > 100) return invalid("must be from 0 to 100", "/percent");
  if (const Status only = no_other_canary(slot); !only) return only;
  if (slot.trial != nullptr && percent == 0) {
    end_canary(slot, "canary-ended", "by an operator");
    return Done{};
  }
  if (slot.trial != nullptr && percent == 100) {
    promote(slot);
    return Done{};
  }
  const std::uint32_t former_percent = std::exchange(slot.canary_percent, percent);
  const bool split = slot.trial == nullptr && slot.state == "probation" && slot.former != nullptr &&
                     percent > 0 && percent < 100;
  if (split) slot.trial = std::exchange(slot.serving, std::exchange(slot.former, nullptr));
  if (slot.trial == nullptr) return Done{};  // the next image is one
  if (const Status published = republish(); !published) {
    slot.canary_percent = former_percent;
    if (split) slot.former = std::exchange(slot.serving, std::exchange(slot.trial, nullptr));
    return published;
  }
  if (split) {
    slot.state = "canary";
    event(slot, "canary", slot.trial, std::to_string(percent) + " % of the requests");
  }
  start_watch(slot);
  return Done{};
}

}  // namespace mimus
