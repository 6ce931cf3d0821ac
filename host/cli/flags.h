// The command line as flags and words, and how they are shown by --help.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mimus/result.h"

namespace mimus {

/// One flag with a value: --name VALUE or --name=VALUE. A switch has no value name: alone it
/// means --name=yes.
struct Flag {
  std::string name;        ///< Without "--".
  std::string value_name;  ///< As --help shows it: "ADDR:PORT"; "" for a switch.
  std::string help;
  bool repeatable = false;
};

struct ParsedFlags {
  std::map<std::string, std::vector<std::string>> values;  ///< By flag, in the order given.
  std::vector<std::string> words;                          ///< What is no flag.

  /// The value of a flag, or `otherwise`.
  std::string value(const std::string& flag, std::string otherwise = "") const;
};

/// Unknown flags are taken for words where `lenient`: to look at some flags before all are known.
/// Errors: invalid - a flag is unknown (near ones are named), given twice, or has no value
Result<ParsedFlags> parse_flags(const std::vector<std::string>& arguments, const std::vector<Flag>& flags,
                                bool lenient = false);

/// The text of --help. `usage` follows "Usage: mimus ".
std::string help_text(const std::string& usage, const std::string& about, const std::vector<Flag>& flags);

/// Of `known`, up to two that `name` may have been meant to be, as " (did you mean a or b?)"; "" if none.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& known,
                         std::string_view prefix = "");

}  // namespace mimus
