// Renumbering binary placeholders in JSON text, without recursion.
#include "plugins/channels/attachments.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "mimus/json_text.h"
#include "plugins/channels/json_walk.h"

namespace mimus::channels {
namespace {

/// An object that has been entered and not left.
struct Open {
  std::size_t out;   // how much had been written then
  std::size_t used;  // how many binaries
  bool placeholder = false;
  std::string_view num = {};
};

std::optional<std::size_t> index_of(std::string_view num, std::size_t size) {
  double value = -1;
  const auto [end, error] = std::from_chars(num.data(), num.data() + num.size(), value);
  if (error != std::errc() || end != num.data() + num.size()) return std::nullopt;
  if (!(value >= 0) || value >= static_cast<double>(size) || std::floor(value) != value) return std::nullopt;
  return static_cast<std::size_t>(value);
}

class Renumbering {
 public:
  Renumbering(std::string_view json, std::span<const mimus_str> binaries)
      : json_(json), binaries_(binaries), renamed_(binaries.size(), none) {}

  Attached run() {
    for (std::size_t at = 0; at < json_.size();) {
      const char c = json_[at];
      std::size_t end = at + 1;
      if (c == '"') {
        end = string_end(json_, at);
        if (is_key(json_, end)) take_member(json_.substr(at, end - at), end);
      }
      if (c == '{') open_.push_back({out_.json.size(), used_.size()});
      out_.json += json_.substr(at, end - at);
      if (c == '}' && !open_.empty()) leave();
      at = end;
    }
    for (const std::size_t index : used_) out_.binaries.push_back(binaries_[index]);
    return std::move(out_);
  }

 private:
  static constexpr std::size_t none = ~std::size_t{0};

  /// Repeated members count by the last of them, as everywhere.
  void take_member(std::string_view quoted_key, std::size_t end) {
    if (open_.empty()) return;
    const std::string key = json::unquote(quoted_key);
    if (key != "_placeholder" && key != "num") return;
    const std::size_t at = json_.find_first_not_of(" \t\r\n", json_.find(':', end) + 1);
    const std::string_view rest = json_.substr(std::min(at, json_.size()));
    if (key == "num") {  // no more than a number is looked at: it may be a deep tree
      open_.back().num = rest.substr(0, rest.find_first_not_of("+-.0123456789eE"));
    } else {
      open_.back().placeholder = rest.starts_with("true");
    }
  }

  void leave() {
    const Open object = open_.back();
    open_.pop_back();
    if (!object.placeholder) return;
    out_.json.resize(object.out);
    while (used_.size() > object.used) {  // what was inside goes with it
      renamed_[used_.back()] = none;
      used_.pop_back();
    }
    const auto index = index_of(object.num, binaries_.size());
    if (!index) {
      out_.json += "null";
      return;
    }
    std::size_t& now = renamed_[*index];
    if (now == none) {
      now = used_.size();
      used_.push_back(*index);
    }
    out_.json += R"({"_placeholder":true,"num":)" + std::to_string(now) + "}";
  }

  std::string_view json_;
  std::span<const mimus_str> binaries_;
  std::vector<std::size_t> renamed_;  // by index in the input
  std::vector<std::size_t> used_;     // by index in the output
  std::vector<Open> open_;
  Attached out_;
};

}  // namespace

Attached attach(std::string_view json, std::span<const mimus_str> binaries) {
  return Renumbering(json, binaries).run();
}

}  // namespace mimus::channels
