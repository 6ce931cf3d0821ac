// The verbs of the command line. Each takes what follows it and returns the exit code.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/cli/options.h"
#include "mimus/result.h"

namespace mimus {

using Arguments = std::vector<std::string>;

/// `share` is the directory that "@share/" means in manifests.
int plugin_verb(const Arguments& arguments, const std::string& builtin_plugins, const std::string& share);
int new_verb(const Arguments& arguments);                              ///< Of `plugin`.
int check_verb(const Arguments& arguments, const std::string& share);  ///< Of `plugin`.
int sign_verb(const Arguments& arguments);                             ///< Of `plugin`.
int verify_verb(const Arguments& arguments);                           ///< Of `plugin`.
/// What children run that try out plugins; nothing if these arguments are not for them.
std::optional<int> trial_verb(const Arguments& arguments);
int token_verb(const Arguments& arguments, const Surroundings& surroundings);
int backup_verb(const Arguments& arguments, const Surroundings& surroundings);
int restore_verb(const Arguments& arguments, const Surroundings& surroundings);

/// One line on stderr; the exit code: 2 for what was typed wrong, else 1.
int fail(const Error& error);
int usage_fault(const std::string& what);  ///< Likewise; 2.

bool asks_for_help(const Arguments& arguments);
int show_help(const std::string& text);  ///< On stdout; 0.

}  // namespace mimus
