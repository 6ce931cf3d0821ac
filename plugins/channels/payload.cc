// Payloads: taking JSON text apart at its placeholders, and filling them in.
#include "plugins/channels/payload.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "mimus/json_text.h"
#include "plugins/channels/json_walk.h"

namespace mimus::channels {
namespace {

using Source = Placeholder::Source;

std::string escaped(std::string_view text) {
  const std::string quoted = json::quoted(text);
  return quoted.substr(1, quoted.size() - 2);
}

/// The JSON that a placeholder stands for, in `made` or borrowed; "" where there is none.
std::string_view value_of(const Placeholder& what, const Moment& moment, std::string& made) {
  const Message* const message = moment.message;
  std::string_view json;
  switch (what.source) {
    case Source::count:
      return made = std::to_string(moment.count);
    case Source::now:
      return made = '"' + rfc3339(moment.wall_us) + '"';
    case Source::client_id:
      json::quote(made, moment.client_id);
      return made;
    case Source::event:
      if (message != nullptr && message->name()) json::quote(made, *message->name());
      return made;
    case Source::text:
      if (message != nullptr && message->text()) json::quote(made, *message->text());
      return made;
    case Source::data:
      if (message != nullptr) json = message->data();
      break;
    case Source::args:
      if (message != nullptr) json = message->args();
      break;
    case Source::auth:
      json = moment.auth;
      break;
  }
  return what.path.empty() ? json : json::at(json, what.path).value_or("");
}

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

Payload Payload::literal(std::string_view json) {
  Payload out;
  out.tail_ = json;
  return out;
}

void Payload::add(std::string_view quoted) {
  const std::string text = json::unquote(quoted);
  const std::size_t before = pieces_.size();
  std::size_t copied = 0;
  for (auto found = next_placeholder(text, 0); found; found = next_placeholder(text, found->end)) {
    auto what = parse_placeholder(found->name);
    if (!what) continue;
    const bool alone = found->at == 0 && found->end == text.size();
    if (!alone && pieces_.size() == before) tail_ += '"';
    tail_ += escaped(std::string_view(text).substr(copied, found->at - copied));
    pieces_.push_back({std::move(tail_), std::move(*what), alone});
    tail_.clear();
    copied = found->end;
  }
  if (pieces_.size() == before || pieces_.back().alone) return;
  tail_ = escaped(std::string_view(text).substr(copied)) + '"';
}

bool Payload::uses(Source source) const {
  return std::any_of(pieces_.begin(), pieces_.end(), [&](const Piece& p) { return p.what.source == source; });
}

bool Payload::looks_at_message() const {
  return std::any_of(pieces_.begin(), pieces_.end(), [](const Piece& p) { return p.what.of_message(); });
}

bool Payload::is_message_data() const {
  const auto blank = [](std::string_view text) { return text.find_first_not_of(" \t\r\n") == text.npos; };
  return pieces_.size() == 1 && pieces_[0].alone && pieces_[0].what.source == Source::data &&
         pieces_[0].what.path.empty() && blank(pieces_[0].literal) && blank(tail_);
}

bool Payload::render(const Moment& moment, std::string& out) const {
  std::string made;
  for (const Piece& piece : pieces_) {
    made.clear();
    std::string_view value = value_of(piece.what, moment, made);
    if (out.size() + piece.literal.size() + value.size() > most_rendered) return false;
    out += piece.literal;
    if (piece.alone) {
      out += value.empty() ? "null" : value;
    } else if (value.starts_with('"')) {
      out += value.substr(1, value.size() - 2);  // its escapes are those of the text
    } else if (value != "null") {
      out += escaped(value);
    }
  }
  if (out.size() + tail_.size() > most_rendered) return false;
  out += tail_;
  return true;
}

}  // namespace mimus::channels
