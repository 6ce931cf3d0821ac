// `mimus plugin new`: a project for an author of plugins.
#include <cstdio>

#include "host/cli/flags.h"
#include "host/cli/verbs.h"
#include "host/kit/new_project.h"

namespace mimus {

int new_verb(const Arguments& arguments) {
  const std::vector<Flag> flags{
      {"lang", "c|cpp|rust", "its language (default cpp)"},
      {"id", "ID", "of the plugin (default com.example.NAME)"},
      {"dir", "DIR", "where the project goes (default ./NAME)"},
      {"sdk", "copy|find", "copy: the SDK into the project (default); find: one that is installed"}};
  if (asks_for_help(arguments)) {
    return show_help(help_text("plugin new NAME [flags]",
                               "Writes a project that builds a plugin, with a test and a README.", flags));
  }
  const auto parsed = parse_flags(arguments, flags);
  if (!parsed) return fail(parsed.error());
  const std::string sdk = parsed->value("sdk", "copy");
  if (sdk != "copy" && sdk != "find") return usage_fault("--sdk: \"" + sdk + "\" is not copy or find");
  if (parsed->words.size() != 1)
    return usage_fault("write mimus plugin new NAME; see mimus plugin new --help");
  const auto written = kit::write_project({.name = parsed->words[0],
                                           .id = parsed->value("id"),
                                           .language = parsed->value("lang"),
                                           .directory = parsed->value("dir"),
                                           .with_sdk = sdk == "copy"});
  if (!written) return fail(written.error());
  std::printf("wrote %s; see %s/README.md\n", written->c_str(), written->c_str());
  return 0;
}

}  // namespace mimus
