#include "host/cli/options.h"

#include <algorithm>
#include <optional>

#include "host/cli/config_file.h"
#include "host/cli/flags.h"
#include "host/cli/settings.h"
#include "host/cli/units.h"
#include "mimus/json_text.h"

namespace mimus {
namespace {

const Flag config_flag{"config", "FILE",
                       "JSON file with any of these as keys; flags and environment come first", false};

std::string environment_name(const std::string& flag) {
  std::string out = "MIMUS_";
  for (const char c : flag) out += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return out;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (c == ',') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

/// What was said about one flag, and where.
struct Told {
  enum Rank { by_flag, by_environment, by_file };
  std::string where;
  std::vector<std::string> values;
  Rank rank;
};

/// The places where things are told, in order of rank.
struct Sources {
  ParsedFlags flags;
  const Surroundings& surroundings;
  ConfigFile file;
  std::string file_name;

  std::optional<Told> told(const Flag& flag, const std::vector<std::string>& older_names = {}) const {
    if (const auto at = flags.values.find(flag.name); at != flags.values.end())
      return Told{"--" + flag.name, at->second, Told::by_flag};
    std::vector<std::string> names{environment_name(flag.name)};
    names.insert(names.end(), older_names.begin(), older_names.end());
    for (const std::string& name : names) {
      const std::string text = surroundings.environment(name);
      if (text.empty()) continue;
      return Told{name, flag.repeatable ? split(text) : std::vector{text}, Told::by_environment};
    }
    return from_file(flag.name);
  }

  std::optional<Told> from_file(const std::string& key) const {
    const auto at = file.values.find(key);
    if (at == file.values.end()) return std::nullopt;
    return Told{"key \"" + key + "\" in " + file_name, at->second, Told::by_file};
  }
};

Result<Sources> sources_of(const std::vector<std::string>& arguments, const Surroundings& surroundings,
                           const std::vector<Flag>& flags, bool lenient) {
  auto parsed = parse_flags(arguments, flags, lenient);
  if (!parsed) return std::move(parsed).error();
  Sources out{*std::move(parsed), surroundings, {}, {}};
  if (!lenient && !out.flags.words.empty()) {
    return invalid("unexpected argument \"" + out.flags.words[0] + "\"; serve takes flags alone");
  }
  const auto told = out.told(config_flag);
  if (!told) return out;
  out.file_name = told->values[0];
  auto file = read_config_file(out.file_name);
  if (!file) return invalid(told->where + ": " + file.error().message);
  out.file = *std::move(file);
  return out;
}

/// Flags of the host and the plugins, as --help lists them.
std::vector<Flag> all_flags(const std::vector<const Manifest*>& plugins) {
  std::vector<Flag> out{config_flag};
  for (const Setting& setting : settings()) {
    if (!setting.file_only) out.push_back(setting.flag);
  }
  for (const Manifest* plugin : plugins) {
    for (const OptionSpec& option : plugin->options) {
      const char* const kind = option.type == OptionSpec::Type::integer ? "N"
                               : option.type == OptionSpec::Type::flag  ? "yes|no"
                                                                        : "TEXT";
      const std::string fallback = option.fallback == "null" ? "" : " (default " + option.fallback + ")";
      out.push_back({option.name, kind, option.help + fallback, false});
    }
  }
  return out;
}

/// Refuses keys of the file that nothing knows.
Status check_names(const Sources& sources, const std::vector<Flag>& flags) {
  std::vector<std::string> known;
  for (const Flag& flag : flags) {
    if (flag.name != config_flag.name) known.push_back(flag.name);
  }
  for (const Setting& setting : settings()) {
    if (setting.file_only) known.push_back(setting.flag.name);
  }
  for (const auto& [key, values] : sources.file.values) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return invalid("unknown key \"" + key + "\" in " + sources.file_name + did_you_mean(key, known));
    }
  }
  return Done{};
}

Error bad_value(const Told& told, const std::string& must) {
  return invalid(told.where + " \"" + told.values[0] + "\": " + must);
}

/// Errors: invalid - none or several where one is due
Status check_count(const Told& told, bool repeatable) {
  if (told.values.empty()) return invalid(told.where + " is empty; give a value or leave it out");
  if (told.values.size() > 1 && !repeatable) return invalid(told.where + " has several values; give one");
  return Done{};
}

/// A plugin's option as JSON text.
Result<std::string> option_value(const OptionSpec& option, const std::string& text) {
  switch (option.type) {
    case OptionSpec::Type::integer: {
      const std::int64_t minimum = option.minimum.value_or(INT64_MIN);
      const std::int64_t maximum = option.maximum.value_or(INT64_MAX);
      const auto number = parse_integer(text, minimum, maximum);
      if (number) return std::to_string(*number);
      return invalid("must be a whole number" + (option.minimum ? " from " + std::to_string(minimum) : "") +
                     (option.maximum ? " to " + std::to_string(maximum) : ""));
    }
    case OptionSpec::Type::flag: {
      const auto on = parse_yes_no(text);
      if (on) return std::string(*on ? "true" : "false");
      return invalid("must be yes or no");
    }
    case OptionSpec::Type::text:
      break;
  }
  return json::quoted(text);
}

Status take_options(ServeConfig& config, const Sources& sources,
                    const std::vector<const Manifest*>& plugins) {
  for (const Manifest* plugin : plugins) {
    for (const OptionSpec& option : plugin->options) {
      const auto told = sources.told({option.name, "", "", false}, option.environment);
      if (!told) continue;
      if (const Status one = check_count(*told, false); !one) return one;
      auto value = option_value(option, told->values[0]);
      if (!value) return bad_value(*told, value.error().message);
      config.plugin_options[option.name] = *std::move(value);
    }
  }
  std::vector<std::string> ids;
  for (const Manifest* plugin : plugins) ids.push_back(plugin->id);
  for (const auto& [id, value] : sources.file.plugins) {
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) {
      return invalid("unknown plugin \"" + id + "\" under \"plugins\" in " + sources.file_name +
                     did_you_mean(id, ids));
    }
  }
  config.plugin_config = sources.file.plugins;
  return Done{};
}

/// What was said about "--X", of "--no-X".
std::optional<Told> opposite_of(const Flag& flag, const Sources& sources) {
  if (!flag.name.starts_with("no-")) return std::nullopt;
  return sources.told({flag.name.substr(3), "", "", false});
}

Status take_settings(ServeConfig& config, const Sources& sources) {
  for (const Setting& setting : settings()) {
    const auto told = setting.file_only ? sources.from_file(setting.flag.name) : sources.told(setting.flag);
    if (!told) continue;
    if (told->values.empty() && setting.flag.repeatable && setting.file_only) continue;
    if (const Status one = check_count(*told, setting.flag.repeatable); !one) return one;
    if (const auto opposite = opposite_of(setting.flag, sources); opposite && opposite->rank < told->rank)
      continue;
    if (const Status taken = setting.apply(config, setting, told->values); !taken) {
      return bad_value(*told, taken.error().message);
    }
  }
  return Done{};
}

Status check_pairs(const TlsFiles& tls) {
  for (const TlsFiles::Pair& pair : tls.pairs) {
    if (pair.certificate.empty())
      return invalid("tls-key " + pair.key + " has no certificate; give as many --tls-cert as --tls-key");
    if (pair.key.empty())
      return invalid("tls-cert " + pair.certificate + " has no key; give as many --tls-key as --tls-cert");
  }
  if (tls.pairs.empty() && !tls.client_ca.empty())
    return invalid("tls-client-ca " + tls.client_ca + " needs TLS; give --tls-cert and --tls-key too");
  return Done{};
}

/// What --production means, and that nothing told says otherwise.
Status take_production(ServeConfig& config, const Sources& sources) {
  config.trust.denied = sources.file.denied;
  if (!config.production) return Done{};
  const auto policy = sources.told({"plugin-policy", "", "", false});
  if (policy && config.trust.policy != PluginPolicy::require)
    return bad_value(*policy, "must be require under --production, or left out");
  const auto allowed = sources.told({"proxy-allow-private", "", "", false});
  if (allowed && config.proxy_allow_private)
    return bad_value(*allowed, "must be no under --production, or left out");
  config.trust.policy = PluginPolicy::require;
  config.proxy_allow_private = false;
  return Done{};
}

Status take_token(ServeConfig& config, const Surroundings& surroundings) {
  config.admin_token = surroundings.environment("MIMUS_ADMIN_TOKEN");
  const bool plain = std::all_of(config.admin_token.begin(), config.admin_token.end(),
                                 [](char c) { return c > ' ' && c < 0x7F; });
  if (!plain) return invalid("MIMUS_ADMIN_TOKEN must be printable ASCII without spaces");
  return Done{};
}

}  // namespace

Result<std::vector<std::string>> told_plugin_directories(const std::vector<std::string>& arguments,
                                                         const Surroundings& surroundings) {
  const Flag directories{"plugins", "DIR", "", true};
  const auto sources = sources_of(arguments, surroundings, {config_flag, directories}, true);
  if (!sources) return sources.error();
  const auto told = sources->told(directories);
  return told ? told->values : std::vector<std::string>{};
}

Result<ServeConfig> parse_serve(const std::vector<std::string>& arguments, const Surroundings& surroundings,
                                const std::vector<const Manifest*>& plugins) {
  const std::vector<Flag> flags = all_flags(plugins);
  const auto sources = sources_of(arguments, surroundings, flags, false);
  if (!sources) return sources.error();
  if (Status known = check_names(*sources, flags); !known) return std::move(known).error();
  ServeConfig config;
  if (Status taken = take_settings(config, *sources); !taken) return std::move(taken).error();
  if (Status taken = take_options(config, *sources, plugins); !taken) return std::move(taken).error();
  if (Status taken = take_token(config, surroundings); !taken) return std::move(taken).error();
  if (Status paired = check_pairs(config.tls); !paired) return std::move(paired).error();
  if (config.workers == 0) config.workers = std::clamp(surroundings.cpus, 1u, 256u);
  if (Status taken = take_production(config, *sources); !taken) return std::move(taken).error();
  if (!config.production && !sources->told({"proxy-allow-private", "", "", false})) {
    config.proxy_allow_private = std::all_of(config.listen.begin(), config.listen.end(),
                                             [](const std::string& address) { return is_loopback(address); });
  }
  config.file = sources->file;
  return config;
}

std::vector<std::string> changed_for_restart(const ServeConfig& started, const ServeConfig& now) {
  std::vector<std::string> out;
  const auto compare = [&out](const auto& one, const auto& other, const std::string& prefix, bool both) {
    for (const auto& [key, value] : one) {
      const auto at = other.find(key);
      if (key.starts_with("tls-") || key == "trust" || key == "plugin-policy" ||
          (at != other.end() && (!both || at->second == value)))
        continue;
      out.push_back(prefix + key);
    }
  };
  compare(started.file.values, now.file.values, "", true);
  compare(now.file.values, started.file.values, "", false);
  compare(started.file.plugins, now.file.plugins, "plugins.", true);
  compare(now.file.plugins, started.file.plugins, "plugins.", false);
  std::sort(out.begin(), out.end());
  return out;
}

std::string serve_help(const std::vector<const Manifest*>& plugins) {
  return help_text("serve [flags]",
                   "Serves in the foreground until SIGTERM or SIGINT. Each flag may also be an environment\n"
                   "variable (--data is MIMUS_DATA; commas between the values of one that may be repeated)\n"
                   "or a key of the config file (an array for one that may be repeated).",
                   all_flags(plugins));
}

}  // namespace mimus
