// The policy of strikes, and the file.
#include "host/plugin/quarantine.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "host/plugin/durable_file.h"

namespace mimus {
namespace {

std::string path_in(const std::string& data) { return data + "/plugins/quarantine.json"; }

Error refused(const std::string& path) { return {Code::unavailable, path + ": " + std::strerror(errno)}; }

/// A whole file, synced. Errors: unavailable
}  // namespace

void Quarantine::make_room() {
  if (charges_.size() < max_charges) return;
  const auto spare = std::find_if(charges_.begin(), charges_.end(),
                                  [](const Charge& charge) { return !charge.quarantined; });
  charges_.erase(spare != charges_.end() ? spare : charges_.begin());
}

bool Quarantine::strike(const Blame& blame, std::int64_t wall_us) {
  if (blame.image == no_image) return false;
  if (find(blame.hash) == nullptr) add({blame.id, blame.version, blame.hash, {}, {}, false, {}});
  Charge& charge = *std::find_if(charges_.begin(), charges_.end(),
                                 [&](const Charge& known) { return known.hash == blame.hash; });
  charge.reason = blame.reason;
  std::erase_if(charge.strikes, [&](std::int64_t at) { return at <= wall_us - strike_window_us; });
  charge.strikes.push_back(wall_us);
  const bool at_once = blame.on_probation || (blame.certain && !blame.builtin);
  if (charge.quarantined || (!at_once && charge.strikes.size() < max_strikes)) return false;
  charge.quarantined = true;
  charge.by = "supervisor";
  return true;
}

void Quarantine::add(Charge charge) {
  pardon(charge.hash);
  make_room();
  charges_.push_back(std::move(charge));
}

bool Quarantine::pardon(std::string_view hash) {
  return std::erase_if(charges_, [&](const Charge& charge) { return charge.hash == hash; }) != 0;
}

const Charge* Quarantine::find(std::string_view hash) const {
  for (const Charge& charge : charges_) {
    if (charge.hash == hash) return &charge;
  }
  return nullptr;
}

bool Quarantine::refuses(std::string_view hash) const {
  const Charge* const charge = find(hash);
  return charge != nullptr && charge->quarantined;
}

std::string Quarantine::json() const {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const Charge& charge : charges_) {
    out.push_back({{"id", charge.id},
                   {"version", charge.version},
                   {"sha256", charge.hash},
                   {"reason", charge.reason},
                   {"strikes", charge.strikes.size()},
                   {"times", charge.strikes},
                   {"quarantined", charge.quarantined},
                   {"by", charge.by}});
  }
  return out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Result<Quarantine> Quarantine::parse(std::string_view text) {
  Quarantine out;
  try {
    for (const auto& entry : nlohmann::json::parse(text)) {
      Charge charge;
      entry.at("id").get_to(charge.id);
      entry.at("version").get_to(charge.version);
      entry.at("sha256").get_to(charge.hash);
      entry.at("reason").get_to(charge.reason);
      entry.at("times").get_to(charge.strikes);
      entry.at("quarantined").get_to(charge.quarantined);
      entry.at("by").get_to(charge.by);
      out.charges_.push_back(std::move(charge));
    }
  } catch (const nlohmann::json::exception& error) {
    return invalid(error.what());
  }
  return out;
}

Result<Quarantine> read_quarantine(const std::string& data) {
  const std::string path = path_in(data);
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    if (errno == ENOENT) return Quarantine();
    return refused(path);
  }
  const std::string text(std::istreambuf_iterator<char>(file), {});
  auto out = Quarantine::parse(text);
  if (!out) return invalid(path + ": " + out.error().message + "; mend it, or delete it to pardon all");
  return out;
}

Status write_quarantine(const std::string& data, const Quarantine& quarantine) {
  return replace_file(path_in(data), quarantine.json());
}

}  // namespace mimus
