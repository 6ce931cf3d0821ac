#include "host/kit/new_project.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "host/kit/templates.h"

namespace mimus::kit {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t longest_name = 40, longest_id = 128;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_word(char c) { return is_lower(c) || (c >= '0' && c <= '9') || c == '-'; }

/// The name is a slug, a target of CMake and part of a header's name, too.
bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= longest_name && is_lower(name[0]) &&
         std::all_of(name.begin(), name.end(), is_word);
}

/// Targets that every build by CMake has, and the one of the project's test.
bool is_taken(std::string_view name) {
  constexpr std::string_view taken[] = {"all",     "check",   "clean",      "help",
                                        "install", "package", "preinstall", "test"};
  return std::find(std::begin(taken), std::end(taken), name) != std::end(taken);
}

/// Two or more labels with dots between them.
bool is_id(std::string_view id) {
  if (id.size() > longest_id || id.find('.') == id.npos) return false;
  for (std::size_t at = 0; at <= id.size();) {
    const std::size_t end = std::min(id.find('.', at), id.size());
    const std::string_view label = id.substr(at, end - at);
    if (label.empty() || !is_lower(label[0]) || !std::all_of(label.begin(), label.end(), is_word))
      return false;
    at = end + 1;
  }
  return true;
}

struct Language {
  std::string_view name, suffix;
  std::vector<std::string_view> groups;  ///< Of templates.
};

const Language* language_of(std::string_view name) {
  static const Language all[] = {{"c", "c", {"common", "native", "c"}},
                                 {"cpp", "cc", {"common", "native", "cpp"}},
                                 {"rust", "rs", {"common", "rust"}}};
  const auto* const at =
      std::find_if(std::begin(all), std::end(all), [&](const Language& l) { return l.name == name; });
  return at == std::end(all) ? nullptr : at;
}

struct Word {
  std::string_view placeholder, value;
};

std::string filled(std::string_view text, const std::vector<Word>& words) {
  std::string out(text);
  for (const auto& [placeholder, value] : words) {
    for (std::size_t at = 0; (at = out.find(placeholder, at)) != out.npos; at += value.size()) {
      out.replace(at, placeholder.size(), value);
    }
  }
  return out;
}

Status write_file(const fs::path& file, std::string_view text) {
  std::error_code failed;
  fs::create_directories(file.parent_path(), failed);
  errno = 0;
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out) return Error{Code::unavailable, "cannot write " + file.string() + ": " + std::strerror(errno)};
  if (text.starts_with("#!")) fs::permissions(file, fs::perms(0755), failed);
  return Done{};
}

}  // namespace

Result<std::string> write_project(NewProject project) {
  if (project.id.empty()) project.id = "com.example." + project.name;
  if (project.language.empty()) project.language = "cpp";
  if (project.directory.empty()) project.directory = project.name;
  if (!is_name(project.name)) {
    return invalid("\"" + project.name +
                   "\" is no name for a plugin: write a-z, 0-9 and -, from a letter on, up to " +
                   std::to_string(longest_name));
  }
  if (is_taken(project.name))
    return invalid("\"" + project.name +
                   "\" is no name for a plugin: builds have a target of that name; write " + project.name +
                   "-plugin, perhaps");
  if (!is_id(project.id)) {
    return invalid("--id: \"" + project.id +
                   "\" is no plugin id: write your domain backwards, as com.example." + project.name);
  }
  if (project.id.starts_with("mimus.")) return invalid("--id: ids that begin with mimus. are the host's own");
  const Language* const language = language_of(project.language);
  if (language == nullptr) return invalid("--lang: \"" + project.language + "\" is not c, cpp or rust");

  const fs::path root = project.directory;
  std::error_code failed;
  if (fs::exists(fs::symlink_status(root, failed))) {
    return Error{Code::conflict, root.string() + " is there already; choose another place with --dir"};
  }
  if (!fs::create_directory(root, failed)) {
    return Error{Code::unavailable, "cannot make " + root.string() + ": " + failed.message()};
  }
  std::vector<std::string_view> groups = language->groups;
  if (project.with_sdk && language->name != "rust") groups.push_back("sdk");
  const std::vector<Word> words{{"@NAME@", project.name},
                                {"@ID@", project.id},
                                {"@LANG@", language->name},
                                {"@SUFFIX@", language->suffix}};
  for (const TemplateFile& file : template_files()) {
    const std::size_t slash = file.name.find('/');
    const std::string_view group = file.name.substr(0, slash);
    if (std::find(groups.begin(), groups.end(), group) == groups.end()) continue;
    const std::string text = group == "sdk" ? std::string(file.text) : filled(file.text, words);
    if (auto written = write_file(root / file.name.substr(slash + 1), text); !written) {
      fs::remove_all(root, failed);
      return written.error();
    }
  }
  return root.string();
}

}  // namespace mimus::kit
