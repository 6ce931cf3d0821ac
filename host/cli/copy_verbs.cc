// `mimus backup` and `mimus restore`: whole data directories.
#include <cstdio>
#include <filesystem>

#include "host/cli/running_host.h"
#include "host/cli/system_clock.h"
#include "host/cli/verbs.h"
#include "mimus/json_text.h"
#include "store/data_directory.h"
#include "store/database.h"

namespace mimus {
namespace {

Status back_up(const std::string& data, const std::string& directory) {
  if (!exists(database_path(data))) {
    return Error{Code::not_found, data + " holds no data of Mimus; name the right directory with --data"};
  }
  const SystemClock clock;
  StoreOptions options;
  options.directory = data;
  const auto database = open_database(options, clock);
  if (!database) return database.error();
  return (*database)->backup(directory);
}

}  // namespace

int backup_verb(const Arguments& arguments, const Surroundings& surroundings) {
  if (asks_for_help(arguments)) {
    return show_help(help_text(
        "backup DIR [flags]",
        "Copies a data directory into DIR, which must not exist yet; while a host runs, too.", host_flags()));
  }
  const auto parsed = parse_flags(arguments, host_flags());
  if (!parsed) return fail(parsed.error());
  if (parsed->words.size() != 1) return usage_fault("write mimus backup DIR");
  // The host may run elsewhere than here.
  std::error_code failed;
  const std::string directory =
      std::filesystem::absolute(parsed->words[0], failed).lexically_normal().string();
  if (failed) return fail({Code::unavailable, parsed->words[0] + ": " + failed.message()});
  const auto host = RunningHost::find(*parsed, surroundings);
  if (!host) return fail(host.error());
  if (*host) {
    const auto done =
        (*host)->ask("POST", "/admin/backup", "{\"directory\":" + json::quoted(directory) + "}");
    if (!done) return fail({Code::unavailable, done.error().message});
  } else if (const Status done = back_up(data_directory(*parsed, surroundings), directory); !done) {
    return fail(done.error());
  }
  std::printf("backup in %s\n", directory.c_str());
  return 0;
}

int restore_verb(const Arguments& arguments, const Surroundings& surroundings) {
  const std::vector<Flag> flags{
      {"data", "DIR", "where to; must not exist, or be empty (default ./mimus-data)"}};
  if (asks_for_help(arguments)) {
    return show_help(
        help_text("restore DIR [flags]", "Makes a data directory from the backup in DIR.", flags));
  }
  const auto parsed = parse_flags(arguments, flags);
  if (!parsed) return fail(parsed.error());
  if (parsed->words.size() != 1) return usage_fault("write mimus restore DIR");
  const std::string data = data_directory(*parsed, surroundings);
  ParsedFlags by_data_alone;
  by_data_alone.values["data"] = {data};
  const auto host = RunningHost::find(by_data_alone, surroundings);
  if (!host) return fail(host.error());
  if (*host)
    return fail({Code::conflict, "a host runs on " + data + "; stop it, or choose another with --data"});
  if (const Status done = restore_database(parsed->words[0], data); !done) return fail(done.error());
  std::printf("restored into %s\n", data.c_str());
  return 0;
}

}  // namespace mimus
