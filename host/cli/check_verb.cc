// `mimus plugin check`, and the hidden verbs that its children and the probe's run.
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/cli/flags.h"
#include "host/cli/system_clock.h"
#include "host/cli/verbs.h"
#include "host/kit/check.h"
#include "host/kit/probe.h"
#include "host/plugin/manifest.h"

namespace mimus {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* about =
    "Tries everything that a plugin must stand to be loaded, swapped and unloaded, each check in a process "
    "of\n"
    "its own. Exit code: 0 if it passes, 1 if it does not, 2 for what was typed wrong. sdk/docs/check.md "
    "tells\n"
    "what each check proves, how to mend what it finds, and the JSON.";

std::vector<Flag> flags() {
  return {{"format", "text|json|junit", "how to write the report (text)"},
          {"level", "basic|strict", "strict: warnings fail too (basic)"},
          {"seed", "N", "of the values that are made up (1)"},
          {"config", "JSON", "the options that configure is given, an object"},
          {"only", "NAME", "only this check; may be repeated", true}};
}

/// What configure is given: defaults whose files are beside the program, then what was asked for.
Json options_for(const std::string& file, const std::string& share, const Json& asked) {
  Json out = Json::object();
  constexpr std::string_view beside = "@share/";
  const auto text = read_manifest(file);
  const auto manifest = text ? parse_manifest(*text) : Result<Manifest>(invalid(""));
  if (manifest) {
    for (const OptionSpec& option : manifest->options) {
      Json fallback = Json::parse(option.fallback, nullptr, false);
      if (!fallback.is_string()) continue;
      const std::string path = fallback.get<std::string>();
      if (path.starts_with(beside)) out[option.name] = share + "/" + path.substr(beside.size());
    }
  }
  out.update(asked);
  return out;
}

}  // namespace

int check_verb(const Arguments& arguments, const std::string& share) {
  if (asks_for_help(arguments)) return show_help(help_text("plugin check FILE.so [flags]", about, flags()));
  const auto parsed = parse_flags(arguments, flags());
  if (!parsed) return fail(parsed.error());
  if (parsed->words.size() != 1) return usage_fault("write mimus plugin check FILE.so");
  const std::string format = parsed->value("format", "text"), level = parsed->value("level", "basic");
  if (format != "text" && format != "json" && format != "junit")
    return usage_fault("--format must be text, json or junit");
  if (level != "basic" && level != "strict") return usage_fault("--level must be basic or strict");
  const std::string seed = parsed->value("seed", "1");
  kit::CheckRequest request;
  request.file = parsed->words[0];
  const auto [end, wrong] = std::from_chars(seed.data(), seed.data() + seed.size(), request.seed);
  if (wrong != std::errc() || end != seed.data() + seed.size())
    return usage_fault("--seed must be a whole number from 0 on");
  const Json config = Json::parse(parsed->value("config", "{}"), nullptr, false);
  if (!config.is_object()) return usage_fault("--config must be a JSON object");
  std::error_code failed;
  if (const auto absolute = std::filesystem::absolute(request.file, failed); !failed) request.file = absolute;
  request.options_json = options_for(request.file, share, config).dump();
  if (const auto only = parsed->values.find("only"); only != parsed->values.end())
    request.names = only->second;
  request.at_once = std::max(1u, std::min(4u, std::thread::hardware_concurrency()));
  const auto report = kit::run_checks(request, SystemClock());
  if (!report)
    return report.error().code == Code::unavailable ? fail(report.error())
                                                    : usage_fault(report.error().message);
  const auto as = format == "json"    ? kit::CheckFormat::json
                  : format == "junit" ? kit::CheckFormat::junit
                                      : kit::CheckFormat::text;
  const bool strict = level == "strict";
  std::fputs(kit::written(*report, as, strict).c_str(), stdout);
  return report->passed(strict) ? 0 : 1;
}

std::optional<int> trial_verb(const Arguments& arguments) {
  if (arguments.size() == 2 && arguments[0] == "probe") return kit::probe_child(arguments[1]);
  if (arguments.size() == 4 && arguments[0] == "run-check")
    return kit::check_child(arguments[1], arguments[2], std::strtoull(arguments[3].c_str(), nullptr, 10),
                            SystemClock());
  return std::nullopt;
}

}  // namespace mimus
