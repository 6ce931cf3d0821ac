// `mimus plugin list|inspect`: what plugins say of themselves, without running them.
#include <cstdio>

#include "host/cli/flags.h"
#include "host/cli/log.h"
#include "host/cli/verbs.h"
#include "host/plugin/plugin_host.h"

namespace mimus {
namespace {

/// Texts of a file that is not trusted, for a terminal.
void row(const char* name, const std::string& value) {
  if (!value.empty()) std::printf("%-12s %s\n", name, log_line(value).c_str());
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + text;
  return out;
}

std::string phase_and_order(const Manifest& manifest) {
  std::string out(name_of(manifest.phase));
  if (!manifest.after.empty()) out += ", after " + joined(manifest.after);
  if (!manifest.before.empty()) out += ", before " + joined(manifest.before);
  return out;
}

int list(const std::string& builtin_plugins, const std::vector<std::string>& directories) {
  std::vector<Error> skipped;
  const auto plugins = find_plugins(builtin_plugins, directories, &skipped);
  if (!plugins) return fail({Code::unavailable, plugins.error().message});
  for (const PluginSource& plugin : *plugins) {
    const Manifest& m = plugin.manifest;
    std::printf("%-20s %-8s %-10s %s\n", log_line(m.id).c_str(), log_line(m.version).c_str(),
                name_of(m.phase).data(), plugin.file.empty() ? "(linked in)" : log_line(plugin.file).c_str());
  }
  for (const Error& error : skipped) (void)fail({Code::unavailable, error.message});
  return skipped.empty() ? 0 : 1;
}

int inspect(const std::string& file) {
  const auto text = read_manifest(file);
  if (!text) return fail({Code::unavailable, text.error().message});
  const auto manifest = parse_manifest(*text);
  if (!manifest) return fail({Code::unavailable, file + ": " + manifest.error().message});
  const Manifest& m = *manifest;
  row("id", m.id);
  row("version", m.version);
  row("summary", m.summary);
  row("abi", std::to_string(m.abi_major) + "." + std::to_string(m.abi_minor));
  row("order", phase_and_order(m));
  row("on failure", m.fail_closed ? "closed: the request fails" : "open: the request goes on without it");
  constexpr const char* levels[] = {"api fields", "endpoint", "channel"};
  for (std::size_t level = 0; level < m.fields.size(); ++level) {
    std::vector<std::string> names;
    for (const FieldClaim& claim : m.fields[level]) names.push_back(claim.name);
    row(levels[level], joined(names));
  }
  for (const auto& reads : m.reads) row("reads", joined(reads));
  for (const OptionSpec& option : m.options) {
    row("option", "--" + option.name + " (default " + option.fallback + "): " + option.help);
  }
  for (const FieldSpec& field : m.journal) row("journal", field.name);
  row("admin", m.admin_path);
  row("may use", joined(names_of(m.capabilities)));
  row("fetches", joined(m.capabilities.fetch_hosts));
  if (m.unload_never) row("unload", "never");
  row("resets", joined(m.resets));
  return 0;
}

}  // namespace

int plugin_verb(const Arguments& arguments, const std::string& builtin_plugins, const std::string& share) {
  const Arguments rest(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
  if (!arguments.empty() && arguments[0] == "new") return new_verb(rest);
  if (!arguments.empty() && arguments[0] == "check") return check_verb(rest, share);
  if (!arguments.empty() && arguments[0] == "sign") return sign_verb(rest);
  if (!arguments.empty() && arguments[0] == "verify") return verify_verb(rest);
  if (const auto code = trial_verb(arguments)) return *code;
  const std::vector<Flag> flags{{"plugins", "DIR", "directory with third-party plugins, for list", true}};
  if (asks_for_help(arguments)) {
    return show_help(
        help_text("plugin list | inspect FILE.so [flags]",
                  "Shows the plugins that serve would load, or what one file says of itself. Runs none.\n"
                  "A file that serve would refuse is named on stderr; the exit code is 1 then.\n"
                  "Also: mimus plugin new|check|sign|verify --help",
                  flags));
  }
  const auto parsed = parse_flags(arguments, flags);
  if (!parsed) return fail(parsed.error());
  const std::vector<std::string>& words = parsed->words;
  if (words.size() == 1 && words[0] == "list") {
    const auto at = parsed->values.find("plugins");
    return list(builtin_plugins, at == parsed->values.end() ? std::vector<std::string>{} : at->second);
  }
  if (words.size() == 2 && words[0] == "inspect") return inspect(words[1]);
  return usage_fault("write mimus plugin list or mimus plugin inspect FILE.so");
}

}  // namespace mimus
