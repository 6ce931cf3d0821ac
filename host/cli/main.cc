// The program: a verb, and what it does.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "host/app/embedded.h"
#include "host/app/serve.h"
#include "host/cli/log.h"
#include "host/cli/supervisor.h"
#include "host/cli/verbs.h"
#include "mimus/plugin_wall.hpp"

namespace {

using namespace mimus;

constexpr const char* usage =
    "Usage: mimus VERB [flags]\n"
    "\n"
    "  serve                         serve in the foreground\n"
    "  token create|list|revoke      admin tokens\n"
    "  backup DIR                    copy a data directory, of a running host too\n"
    "  restore DIR                   make a data directory from a backup\n"
    "  plugin list|inspect           what plugins say of themselves\n"
    "  plugin check                  whether one stands what a host does to it\n"
    "  plugin sign|verify            whose they are\n"
    "  plugin new NAME               a project that builds a plugin\n"
    "  licences                      of this program and of all that is in it\n"
    "\n"
    "  --help, --version             also: mimus VERB --help\n";

Installation installation() {
  if (!embedded_files().empty()) return {};
  std::error_code failed;
  const auto binary = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (failed) return {};
  const auto root = binary.parent_path().parent_path();
  return {(root / "lib/mimus/plugins").string(), (root / "share/mimus").string()};
}

Surroundings surroundings() {
  const auto environment = [](const std::string& name) {
    const char* const value = std::getenv(name.c_str());
    return std::string(value == nullptr ? "" : value);
  };
  return {environment, std::max(1u, std::thread::hardware_concurrency())};
}

int show_licences() {
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.name == "licences.txt") return show_help(std::string(file.bytes));
  }
  return show_help(
      "Mimus is under the Apache License 2.0. This build uses the libraries of the system, whose\n"
      "packages state their licences.\n");
}

std::vector<const Manifest*> manifests_of(const std::vector<PluginSource>& plugins) {
  std::vector<const Manifest*> out;
  for (const PluginSource& plugin : plugins) out.push_back(&plugin.manifest);
  return out;
}

/// `serve --help` shows the options of whatever plugins can be found.
int show_serve_help(const Arguments& arguments, const Installation& here) {
  const auto directories = told_plugin_directories(arguments, surroundings());
  std::vector<Error> skipped;
  auto plugins = find_plugins(here.builtin_plugins, directories ? *directories : Arguments{}, &skipped);
  if (!plugins) plugins = find_plugins(here.builtin_plugins, {});
  return show_help(serve_help(plugins ? manifests_of(*plugins) : std::vector<const Manifest*>{}));
}

/// The supervisor understands everything that it is told; the server is a fork of it and knows the same.
int serve_verb(const Arguments& arguments) {
  const Installation here = installation();
  if (asks_for_help(arguments)) return show_serve_help(arguments, here);
  const auto directories = told_plugin_directories(arguments, surroundings());
  if (!directories) return fail(directories.error());
  // What is wrong with a third party's file is the plugin manager's to say, and no reason not to start.
  std::vector<Error> skipped;
  auto plugins = find_plugins(here.builtin_plugins, *directories, &skipped);
  if (!plugins && plugins.error().code == Code::not_found)
    return usage_fault("--plugins: " + plugins.error().message);
  if (!plugins) return fail({Code::unavailable, plugins.error().message});
  const auto config = parse_serve(arguments, surroundings(), manifests_of(*plugins));
  if (!config) return fail(config.error());
  return run_supervisor(*config, [&](std::vector<Listener> listeners, const Supervision& supervision) {
    start_log(config->log_level, config->json_log);
    std::vector<Manifest> manifests;
    for (const PluginSource& plugin : *plugins) manifests.push_back(plugin.manifest);
    const auto reread = [&] {
      std::vector<const Manifest*> known;
      for (const Manifest& manifest : manifests) known.push_back(&manifest);
      return parse_serve(arguments, surroundings(), known);
    };
    auto builtin = find_plugins(here.builtin_plugins, {});
    if (!builtin) return fail({Code::unavailable, builtin.error().message});
    return serve(*config, here, *std::move(builtin), std::move(listeners), supervision, reread);
  });
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  wall::prime_unwinder();  // here, where nothing runs, not inside a plugin's call
  Arguments arguments(argv + std::min(argc, 1), argv + argc);
  const std::string verb = arguments.empty() ? "" : arguments[0];
  if (verb == "--help" || verb == "-h" || verb == "help") {
    return show_help(usage);
  }
  if (verb == "--version") {
    std::puts("mimus " MIMUS_VERSION);
    return 0;
  }
  if (verb == "--licences" || verb == "licences") return show_licences();
  if (verb.empty()) {
    std::fputs(usage, stderr);
    return 2;
  }
  arguments.erase(arguments.begin());
  if (verb == "serve") return serve_verb(arguments);
  if (verb == "token") return token_verb(arguments, surroundings());
  if (verb == "backup") return backup_verb(arguments, surroundings());
  if (verb == "restore") return restore_verb(arguments, surroundings());
  if (verb == "plugin") return plugin_verb(arguments, installation().builtin_plugins, installation().share);
  return usage_fault("unknown verb \"" + verb + "\"; see mimus --help");
}
