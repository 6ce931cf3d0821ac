// What a plugin says of itself, read without running its code. See sdk/docs/manifest.md.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/capabilities.h"
#include "mimus/plugin.h"
#include "mimus/result.h"
#include "store/journal.h"

namespace mimus {

/// Outermost first: an observer encloses what answers.
enum class Phase : std::uint8_t { observe, edge, auth, traffic, cache, transform, content };
std::string_view name_of(Phase phase);

/// A field of definitions that belongs to a plugin.
struct FieldClaim {
  std::string name;
  std::string schema;  ///< JSON Schema, draft 7, as text.
};

struct OptionSpec {
  enum class Type : std::uint8_t { text, integer, flag } type = Type::text;
  std::string name;
  std::string help;
  std::vector<std::string> environment;  ///< Older names, lower in rank than MIMUS_<NAME>.
  std::string fallback;                  ///< JSON text of the default; "null" for none.
  std::optional<std::int64_t> minimum, maximum;
};

struct Manifest {
  std::string id, version, summary;
  unsigned abi_major = 0, abi_minor = 0;
  Phase phase = Phase::transform;
  std::vector<std::string> after, before;  ///< Ids inside the phase.
  bool fail_closed = true;
  std::array<std::vector<FieldClaim>, 3> fields;  ///< By mimus_level.
  std::array<std::vector<std::string>, 3> reads;  ///< Others' fields it is given too.
  std::string endpoint_schema;                    ///< Of plugins.{id}; "" where it takes none.
  std::vector<OptionSpec> options;
  std::vector<FieldSpec> journal;
  std::string admin_path;        ///< "" for none.
  std::string admin_operations;  ///< JSON array for the OpenAPI document; "" for none.
  std::vector<std::string> resets;
  Capabilities capabilities;  ///< What it asks for; none by default.
  bool unload_never = false;  ///< Its code stays mapped when it is replaced.
  std::string text;           ///< The whole of it.
};

/// Errors: invalid - not JSON, a key is unknown, missing or of the wrong type; the message
///                   names it
Result<Manifest> parse_manifest(std::string_view text);

/// The text in the manifest section of an ELF file, bounds checked: the file is untrusted.
/// Errors: not_found   - the file has no such section (it is no Mimus plugin)
///         invalid     - it is no 64-bit ELF object of this machine, or is cut short
///         unavailable - it cannot be read
Result<std::string> read_manifest(const std::string& file);

/// < 0, 0, > 0 as version a is lower, equal or higher: numbers between dots, compared in turn.
int compare_versions(std::string_view a, std::string_view b);

/// The order of a pipeline: by phase, inside a phase by after and before, else by id.
/// Returns indexes into `manifests`, outermost first.
/// Errors: conflict - two claim one id, field, option or admin path; or the constraints
///                    form a cycle, which the message prints
Result<std::vector<std::size_t>> solve_order(const std::vector<const Manifest*>& manifests);

}  // namespace mimus
