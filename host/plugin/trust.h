// Whose plugins are loaded, and what they may use: keys, policy, the operator's denials.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/capabilities.h"
#include "host/plugin/manifest.h"
#include "mimus/result.h"

namespace mimus {

/// From the least to the most strict. `off` looks at no signature; `warn` refuses one that
/// does not hold, and says where there is none or its key is unknown; `require` wants a good one.
enum class PluginPolicy : std::uint8_t { off, warn, require };
std::string_view name_of(PluginPolicy policy);

struct Signature {
  /// bad: does not hold, or the file was changed or cut after signing. out_of_scope: holds,
  /// but its key may not sign for this id.
  enum class State : std::uint8_t { none, good, unknown_key, out_of_scope, bad } state = State::none;
  std::string key;  ///< Its name in the trust directory, else the id in the block, else "".
};
std::string_view name_of(Signature::State state);

struct TrustOptions {
  PluginPolicy policy = PluginPolicy::warn;
  std::string directory;  ///< Of NAME.pem and NAME.json; "" for no keys.
  /// Capabilities that the operator denies, by plugin id.
  std::map<std::string, std::vector<std::string>> denied;
};

/// What was decided about one image.
struct Verdict {
  Signature signature;
  std::string refusal;  ///< As a Finding's text: why it may not load; "" if it may.
  std::vector<std::string> warnings;
  Capabilities granted;  ///< Declared, within the key's ceiling, and not denied.
};

/// Thread-safe. Outlives every ImageStore that asks it.
class Trust {
 public:
  /// Reads the keys of `options.directory`: each NAME.pem is an Ed25519 public key; NAME.json
  /// beside it limits it: {"ids":["com.example.","com.other.plugin"], "capabilities":["kv"]}.
  /// An id that ends in "." stands for all that begin with it.
  /// Errors: invalid     - a key or its limits do not parse, or two files hold one key
  ///         unavailable - the directory or a file in it cannot be read
  static Result<std::unique_ptr<Trust>> open(TrustOptions options);
  ~Trust();

  /// About a whole file. `signature_required`: as under `require`, whatever the policy.
  Verdict verify(std::string_view file, const Manifest& manifest, bool signature_required = false) const;
  /// For what needs no signature (built-in plugins): declared, and not denied.
  Capabilities grant(const Manifest& manifest) const;

  PluginPolicy policy() const;
  /// Errors: conflict - `policy` is less strict than the present one; nothing was changed
  Status tighten(PluginPolicy policy);
  /// Takes over a configuration that was read again: keys and denials, and the policy where it
  /// is stricter. Images loaded already are not judged again.
  /// Errors: conflict - the policy would be loosened; keys and denials were taken over
  ///         else as open; nothing was changed
  Status reread(TrustOptions options);

 private:
  struct Key;
  explicit Trust(TrustOptions options);
  static Result<std::vector<Key>> read_keys(const std::string& directory);

  mutable std::mutex mutex_;
  TrustOptions options_;   // guarded by mutex_
  std::vector<Key> keys_;  // guarded by mutex_
};

}  // namespace mimus
