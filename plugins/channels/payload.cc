// Payloads: finding placeholders in JSON text, and filling them in.
#include "plugins/channels/payload.h"

#include <chrono>
#include <cstdio>
#include <optional>

#include "mimus/json_text.h"

namespace mimus::channels {
namespace {

struct Found {
  std::size_t at = 0, end = 0;  ///< From its first brace to after its last.
  std::string_view name;
};

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// The next placeholder in a text from `from` on.
std::optional<Found> next_placeholder(std::string_view text, std::size_t from) {
  for (;;) {
    const std::size_t open = text.find("{{", from);
    if (open == text.npos) return std::nullopt;
    const std::size_t close = text.find_first_of("{} \t\r\n", open + 2);
    if (close != text.npos && text.substr(close, 2) == "}}" && letter(text[open + 2])) {
      return Found{open, close + 2, text.substr(open + 2, close - open - 2)};
    }
    from = open + 1;
  }
}

/// The index after the string that begins at `at` in valid JSON.
std::size_t string_end(std::string_view json, std::size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at) {
    if (json[at] == '\\') ++at;
  }
  return at < json.size() ? at + 1 : json.size();
}

bool is_key(std::string_view json, std::size_t after_string) {
  const std::size_t at = json.find_first_not_of(" \t\r\n", after_string);
  return at != json.npos && json[at] == ':';
}

std::string escaped(std::string_view text) {
  const std::string quoted = json::quoted(text);
  return quoted.substr(1, quoted.size() - 2);
}

bool comes_later(std::string_view name) {
  return name == "message" || name.substr(0, 8) == "message." || name == "auth" ||
         name.substr(0, 5) == "auth.";
}

bool is_known(std::string_view name) { return name == "count" || name == "now" || name == "clientId"; }

/// Walks a payload and keeps where it is, without recursion.
class Finder {
 public:
  std::vector<PlaceholderFault> run(std::string_view json) {
    for (std::size_t at = 0; at < json.size();) {
      const char c = json[at];
      if (c == '"') {
        const std::size_t end = string_end(json, at);
        take_string(json.substr(at, end - at), is_key(json, end));
        at = end;
        continue;
      }
      if (c == '{' || c == '[') path_.push_back({c == '[', 0, {}});
      if ((c == '}' || c == ']') && !path_.empty()) path_.pop_back();
      if (c == ',' && !path_.empty()) ++path_.back().index;
      ++at;
    }
    return std::move(faults_);
  }

 private:
  struct Step {
    bool array;
    std::size_t index;
    std::string key;
  };

  void take_string(std::string_view quoted, bool key) {
    std::string text = json::unquote(quoted);
    if (key && !path_.empty()) {
      path_.back().key = std::move(text);
      return;
    }
    for (auto found = next_placeholder(text, 0); found; found = next_placeholder(text, found->end)) {
      if (is_known(found->name)) continue;
      faults_.push_back({pointer(), std::string(found->name), comes_later(found->name)});
    }
  }

  std::string pointer() const {
    std::string out;
    for (const Step& step : path_) {
      out += '/';
      if (step.array) {
        out += std::to_string(step.index);
        continue;
      }
      for (const char c : step.key) {
        if (c == '~')
          out += "~0";
        else if (c == '/')
          out += "~1";
        else
          out += c;
      }
    }
    return out;
  }

  std::vector<Step> path_;
  std::vector<PlaceholderFault> faults_;
};

}  // namespace

std::string rfc3339(std::int64_t wall_us) {
  using namespace std::chrono;
  const auto ms = floor<milliseconds>(microseconds(wall_us));
  const auto day = floor<days>(ms);
  const year_month_day date{sys_days(day)};
  const hh_mm_ss time(ms - day);
  char out[40];
  const int length =
      std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                    static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                    static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
  return {out, static_cast<std::size_t>(length)};
}

Payload::Payload(std::string_view json) {
  std::size_t copied = 0;
  for (std::size_t at = json.find('"'); at != json.npos; at = json.find('"', at)) {
    const std::size_t end = string_end(json, at);
    if (!is_key(json, end)) {
      const std::size_t before = pieces_.size();
      tail_ += json.substr(copied, at - copied);
      add(json.substr(at, end - at));
      copied = pieces_.size() == before ? at : end;
    }
    at = end;
  }
  tail_ += json.substr(copied);
}

void Payload::add(std::string_view quoted) {
  const std::string text = json::unquote(quoted);
  const std::size_t before = pieces_.size();
  std::size_t copied = 0;
  for (auto found = next_placeholder(text, 0); found; found = next_placeholder(text, found->end)) {
    if (!is_known(found->name)) continue;
    const bool alone = found->at == 0 && found->end == text.size();
    if (!alone && pieces_.size() == before) tail_ += '"';
    tail_ += escaped(std::string_view(text).substr(copied, found->at - copied));
    const What what = found->name == "count" ? What::count
                      : found->name == "now" ? What::now
                                             : What::client_id;
    pieces_.push_back({std::move(tail_), what, alone});
    tail_.clear();
    copied = found->end;
  }
  if (pieces_.size() == before || pieces_.back().alone) return;
  tail_ = escaped(std::string_view(text).substr(copied)) + '"';
}

std::vector<PlaceholderFault> faults_of(std::string_view json) { return Finder().run(json); }

std::string Payload::render(const Moment& moment) const {
  std::string out;
  for (const Piece& piece : pieces_) {
    out += piece.literal;
    const bool quotes = piece.alone && piece.what != What::count;
    if (quotes) out += '"';
    switch (piece.what) {
      case What::count:
        out += std::to_string(moment.count);
        break;
      case What::now:
        out += rfc3339(moment.wall_us);
        break;
      case What::client_id:
        out += moment.client_id;
        break;
    }
    if (quotes) out += '"';
  }
  return out += tail_;
}

}  // namespace mimus::channels
