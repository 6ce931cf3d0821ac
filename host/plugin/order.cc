// The order of a pipeline, solved from what the manifests ask for. Pure.

#include <algorithm>
#include <charconv>
#include <map>
#include <string>

#include "host/plugin/manifest.h"

namespace mimus {
namespace {

using Manifests = std::vector<const Manifest*>;

/// Notes `what` as claimed by `id`, or says who has it already.
Status claim(std::map<std::string, std::string>& taken, const std::string& what, const std::string& id) {
  const auto [at, fresh] = taken.emplace(what, id);
  if (fresh) return Done{};
  return Error{Code::conflict, "plugins " + at->second + " and " + id + " both claim " + what};
}

Status check_claims(const Manifests& manifests) {
  constexpr const char* levels[] = {"the API field ", "the endpoint field ", "the WebSocket endpoint field "};
  std::map<std::string, std::string> taken;
  for (const Manifest* m : manifests) {
    std::vector<std::string> wanted{"the id " + m->id};
    for (std::size_t level = 0; level < 3; ++level) {
      for (const FieldClaim& field : m->fields[level]) wanted.push_back(levels[level] + field.name);
    }
    for (const OptionSpec& option : m->options) wanted.push_back("the option " + option.name);
    for (const FieldSpec& field : m->journal) {
      wanted.push_back("the journal field " + field.name);
      if (!field.filter.empty()) wanted.push_back("the journal filter " + field.filter);
    }
    for (const std::string& reset : m->resets) wanted.push_back("the reset " + reset);
    if (!m->admin_path.empty()) wanted.push_back("the path " + m->admin_path);
    for (const std::string& what : wanted) {
      if (const Status status = claim(taken, what, m->id); !status) return status.error();
    }
  }
  return Done{};
}

/// The plugins that must stand before manifests[i], inside its phase.
std::vector<std::size_t> before(const Manifests& manifests, std::size_t i) {
  std::vector<std::size_t> out;
  const Manifest& me = *manifests[i];
  for (std::size_t j = 0; j < manifests.size(); ++j) {
    const Manifest& other = *manifests[j];
    if (j == i || other.phase != me.phase) continue;
    const bool after_it = std::find(me.after.begin(), me.after.end(), other.id) != me.after.end();
    const bool before_me = std::find(other.before.begin(), other.before.end(), me.id) != other.before.end();
    if (after_it || before_me) out.push_back(j);
  }
  return out;
}

/// A cycle among the plugins not yet placed, as "a after b after a".
std::string cycle(const Manifests& manifests, const std::vector<bool>& placed) {
  std::size_t at = 0;
  while (placed[at]) ++at;
  std::vector<std::size_t> path;
  while (std::find(path.begin(), path.end(), at) == path.end()) {
    path.push_back(at);
    for (const std::size_t j : before(manifests, at)) {
      if (!placed[j]) {
        at = j;
        break;
      }
    }
  }
  std::string out;
  for (auto i = std::find(path.begin(), path.end(), at); i != path.end(); ++i)
    out += manifests[*i]->id + " after ";
  return out + manifests[at]->id;
}

}  // namespace

int compare_versions(std::string_view a, std::string_view b) {
  while (!a.empty() || !b.empty()) {
    const auto number = [](std::string_view& text) {
      unsigned long value = 0;
      const auto end = std::from_chars(text.data(), text.data() + text.size(), value).ptr;
      text.remove_prefix(static_cast<std::size_t>(end - text.data()));
      if (!text.empty()) text.remove_prefix(1);
      return value;
    };
    const unsigned long x = number(a);
    const unsigned long y = number(b);
    if (x != y) return x < y ? -1 : 1;
  }
  return 0;
}

Result<std::vector<std::size_t>> solve_order(const std::vector<const Manifest*>& manifests) {
  if (const Status status = check_claims(manifests); !status) return status.error();
  std::vector<std::size_t> out;
  std::vector<bool> placed(manifests.size(), false);
  while (out.size() < manifests.size()) {
    // Of those whose predecessors are placed: the outermost phase, then the smallest id.
    std::size_t best = manifests.size();
    for (std::size_t i = 0; i < manifests.size(); ++i) {
      if (placed[i]) continue;
      const std::vector<std::size_t> needed = before(manifests, i);
      if (!std::all_of(needed.begin(), needed.end(), [&](std::size_t j) { return placed[j]; })) continue;
      if (best == manifests.size() || manifests[i]->phase < manifests[best]->phase ||
          (manifests[i]->phase == manifests[best]->phase && manifests[i]->id < manifests[best]->id)) {
        best = i;
      }
    }
    if (best == manifests.size()) {
      return Error{Code::conflict, "the plugins' order is a cycle: " + cycle(manifests, placed)};
    }
    placed[best] = true;
    out.push_back(best);
  }
  return out;
}

}  // namespace mimus
