#include "host/plugin/trust.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "host/plugin/signature.h"

namespace mimus {

struct Trust::Key {
  std::string name;  ///< Of the file, without .pem.
  SigningKey key;
  std::optional<std::vector<std::string>> ids;
  std::optional<std::vector<std::string>> capabilities;

  bool may_sign(const std::string& id) const {
    return !ids || std::any_of(ids->begin(), ids->end(), [&](const std::string& one) {
      return one == id || (one.ends_with('.') && id.starts_with(one));
    });
  }
};

namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_file_bytes = 64u << 10;
constexpr std::size_t max_keys = 1000;

Result<std::string> read_small(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(max_file_bytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || (in.fail() && !in.eof()))
    return Error{Code::unavailable, path.string() + " cannot be read: " + std::strerror(errno)};
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > max_file_bytes) return invalid(path.string() + " is larger than 64 KiB: it is no key");
  return text;
}

/// The limits of a key, or why they are none.
Status take_limits(const std::string& text, const std::string& name,
                   std::optional<std::vector<std::string>>& ids,
                   std::optional<std::vector<std::string>>& capabilities) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return invalid(name + " must hold a JSON object");
  for (const auto& [key, value] : json.items()) {
    const bool texts = value.is_array() && std::all_of(value.begin(), value.end(), [](const auto& one) {
                         return one.is_string() && !one.template get_ref<const std::string&>().empty();
                       });
    if (key != "ids" && key != "capabilities")
      return invalid("unknown key \"" + key + "\" in " + name + "; it may hold ids and capabilities");
    if (!texts) return invalid("\"" + key + "\" in " + name + " must be an array of strings");
    (key == "ids" ? ids : capabilities) = value.get<std::vector<std::string>>();
  }
  for (const std::string& one : capabilities.value_or(std::vector<std::string>{})) {
    if (!is_capability(one))
      return invalid("unknown capability \"" + one + "\" in " + name +
                     "; there are kv, fetch, forward, journal and channel");
  }
  return Done{};
}

std::string list(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

constexpr const char* sign_it = "sign it with mimus plugin sign";

}  // namespace

std::string_view name_of(PluginPolicy policy) {
  constexpr std::string_view names[] = {"off", "warn", "require"};
  return names[static_cast<std::size_t>(policy)];
}

std::string_view name_of(Signature::State state) {
  constexpr std::string_view names[] = {"none", "good", "unknown-key", "out-of-scope", "bad"};
  return names[static_cast<std::size_t>(state)];
}

Trust::Trust(TrustOptions options) : options_(std::move(options)) {}
Trust::~Trust() = default;

Result<std::vector<Trust::Key>> Trust::read_keys(const std::string& directory) {
  std::vector<Key> out;
  if (directory.empty()) return out;
  std::error_code failed;
  std::vector<fs::path> files;
  fs::directory_iterator at(directory, failed);
  for (; !failed && at != fs::directory_iterator(); at.increment(failed)) {
    if (at->path().extension() == ".pem" && files.size() < max_keys) files.push_back(at->path());
  }
  if (failed) return Error{Code::unavailable, "trust directory " + directory + ": " + failed.message()};
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    const auto pem = read_small(file);
    if (!pem) return pem.error();
    auto key = SigningKey::public_from(*pem, file.string());
    if (!key) return key.error();
    const auto twin =
        std::find_if(out.begin(), out.end(), [&](const Key& one) { return one.key.id() == key->id(); });
    if (twin != out.end())
      return invalid(file.string() + " holds the same key as " + twin->name +
                     ".pem: its limits would be doubtful");
    Key one{file.stem().string(), *std::move(key), {}, {}};
    fs::path limits = file;
    limits.replace_extension(".json");
    if (fs::exists(limits, failed)) {
      const auto text = read_small(limits);
      if (!text) return text.error();
      if (Status taken = take_limits(*text, limits.string(), one.ids, one.capabilities); !taken)
        return std::move(taken).error();
    }
    out.push_back(std::move(one));
  }
  return out;
}

Result<std::unique_ptr<Trust>> Trust::open(TrustOptions options) {
  auto keys = read_keys(options.directory);
  if (!keys) return keys.error();
  std::unique_ptr<Trust> out(new Trust(std::move(options)));
  out->keys_ = *std::move(keys);
  return out;
}

Verdict Trust::verify(std::string_view file, const Manifest& manifest, bool signature_required) const {
  using State = Signature::State;
  const std::lock_guard lock(mutex_);
  Verdict out;
  std::string doubt;  // why the signature is not good, and how to mend that
  const Key* signer = nullptr;
  const auto block = signature_of(file);
  if (!block && has_cut_signature(file)) {
    out.signature.state = State::bad;
    doubt = "has a signature that is cut short: copy it again";
  } else if (!block) {
    doubt = std::string("is not signed: ") + sign_it;
  } else {
    const auto at = std::find_if(keys_.begin(), keys_.end(),
                                 [&](const Key& one) { return one.key.id() == block->key_id; });
    signer = at == keys_.end() ? nullptr : &*at;
    out.signature.key = signer == nullptr ? block->key_id : signer->name;
    if (sha256(unsigned_part(file)) != block->hash) {
      out.signature.state = State::bad;
      doubt = "was changed after it was signed (key " + out.signature.key +
              "): take the original, or sign it again";
    } else if (signer == nullptr) {
      out.signature.state = State::unknown_key;
      doubt = "is signed with the key " + block->key_id + ", which " +
              (options_.directory.empty() ? "is not known, for there is no --trust directory: name one"
                                          : "is not in " + options_.directory + ": put its public key there");
    } else if (!holds(*block, signer->key)) {
      out.signature.state = State::bad;
      doubt = "has a signature that is not of the key " + signer->name + ", as it says: " + sign_it;
    } else if (!signer->may_sign(manifest.id)) {
      out.signature.state = State::out_of_scope;
      doubt = "is signed by the key " + signer->name + ", which may not sign " + manifest.id +
              ": see \"ids\" in " + signer->name + ".json";
    } else {
      out.signature.state = State::good;
    }
  }
  const bool strict = signature_required || options_.policy == PluginPolicy::require;
  const bool refuse = strict ? out.signature.state != State::good
                             : options_.policy == PluginPolicy::warn && out.signature.state == State::bad;
  if (refuse) {
    out.refusal = doubt;
  } else if (!doubt.empty() && options_.policy != PluginPolicy::off) {
    out.warnings.push_back(doubt);
  }
  out.granted = manifest.capabilities;
  if (out.signature.state == State::good && signer->capabilities) {
    out.granted = within(out.granted, *signer->capabilities);
    if (const auto beyond = names_of(without(manifest.capabilities, *signer->capabilities)); !beyond.empty())
      out.warnings.push_back("is granted no " + list(beyond) + " by its key " + signer->name);
  }
  if (const auto denied = options_.denied.find(manifest.id); denied != options_.denied.end())
    out.granted = without(out.granted, denied->second);
  return out;
}

Capabilities Trust::grant(const Manifest& manifest) const {
  const std::lock_guard lock(mutex_);
  const auto denied = options_.denied.find(manifest.id);
  return denied == options_.denied.end() ? manifest.capabilities
                                         : without(manifest.capabilities, denied->second);
}

PluginPolicy Trust::policy() const {
  const std::lock_guard lock(mutex_);
  return options_.policy;
}

Status Trust::tighten(PluginPolicy policy) {
  const std::lock_guard lock(mutex_);
  if (policy < options_.policy) {
    return Error{Code::conflict, "the plugin policy is " + std::string(name_of(options_.policy)) +
                                     " and is not loosened to " + std::string(name_of(policy)) +
                                     " while running; restart for that"};
  }
  options_.policy = policy;
  return Done{};
}

Status Trust::reread(TrustOptions options) {
  auto keys = read_keys(options.directory);
  if (!keys) return keys.error();
  {
    const std::lock_guard lock(mutex_);
    keys_ = *std::move(keys);
    options_.directory = std::move(options.directory);
    options_.denied = std::move(options.denied);
  }
  return tighten(options.policy);
}

}  // namespace mimus
