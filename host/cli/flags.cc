#include "host/cli/flags.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <numeric>

namespace mimus {
namespace {

/// Edits between two names: insertions, deletions, replacements.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

/// Fills `values` as the app's flags are parsed.
void declare(CLI::App& app, const std::vector<Flag>& flags,
             std::map<std::string, std::vector<std::string>>& values) {
  for (const Flag& flag : flags) {
    auto* const option = app.add_option("--" + flag.name, values[flag.name], flag.help);
    option->expected(1)->allow_extra_args(false)->type_name(flag.value_name);
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
}

/// Switches that stand alone are given their value.
std::vector<std::string> spelled_out(std::vector<std::string> arguments, const std::vector<Flag>& flags) {
  for (std::string& argument : arguments) {
    for (const Flag& flag : flags) {
      if (flag.value_name.empty() && argument == "--" + flag.name) argument += "=yes";
    }
  }
  return arguments;
}

}  // namespace

std::string ParsedFlags::value(const std::string& flag, std::string otherwise) const {
  const auto at = values.find(flag);
  return at == values.end() ? otherwise : at->second.back();
}

Result<ParsedFlags> parse_flags(const std::vector<std::string>& arguments, const std::vector<Flag>& flags,
                                bool lenient) {
  ParsedFlags out;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  declare(app, flags, out.values);
  std::vector<std::string> words = spelled_out(arguments, flags);
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  try {
    app.parse(std::move(words));
  } catch (const CLI::ParseError& wrong) {
    return invalid(wrong.what());
  }
  std::erase_if(out.values, [](const auto& entry) { return entry.second.empty(); });
  out.words = app.remaining();
  if (lenient) return out;
  std::vector<std::string> names;
  for (const Flag& flag : flags) {
    names.push_back(flag.name);
    if (!flag.repeatable && out.values.contains(flag.name) && out.values[flag.name].size() > 1) {
      return invalid("--" + flag.name + " is given twice; give it once");
    }
  }
  for (const std::string& word : out.words) {
    if (word.size() < 2 || word[0] != '-') continue;
    const std::string name = word.substr(0, word.find('='));
    return invalid(
        "unknown flag " + name +
        did_you_mean(
            name.substr(name.find_first_not_of('-') == name.npos ? name.size() : name.find_first_not_of('-')),
            names, "--"));
  }
  return out;
}

std::string help_text(const std::string& usage, const std::string& about, const std::vector<Flag>& flags) {
  std::size_t width = 0;
  const auto head = [](const Flag& flag) {
    return "--" + flag.name + (flag.value_name.empty() ? "" : ' ' + flag.value_name) +
           (flag.repeatable ? " …" : "");
  };
  for (const Flag& flag : flags) width = std::max(width, head(flag).size());
  std::string out = "Usage: mimus " + usage + "\n\n" + about + "\n";
  if (!flags.empty()) out += "\n";
  for (const Flag& flag : flags) {
    std::string left = head(flag);
    left.resize(width + (flag.repeatable ? 2 : 0), ' ');  // "…" is three bytes and one column
    out += "  " + left + "  " + flag.help + "\n";
  }
  return out;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& known,
                         std::string_view prefix) {
  std::vector<std::pair<std::size_t, std::string_view>> near;
  for (const std::string& candidate : known) {
    const bool begins = name.size() >= 3 && (candidate.starts_with(name) || name.starts_with(candidate));
    const std::size_t edits = begins ? 1 : distance(name, candidate);
    if (edits <= std::max<std::size_t>(1, name.size() / 3)) near.emplace_back(edits, candidate);
  }
  std::stable_sort(near.begin(), near.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string out;
  for (std::size_t i = 0; i < std::min<std::size_t>(near.size(), 2); ++i) {
    out += (i == 0 ? " (did you mean " : " or ") + std::string(prefix) + std::string(near[i].second);
  }
  return out.empty() ? out : out + "?)";
}

}  // namespace mimus
