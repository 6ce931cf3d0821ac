#include "host/channel/json_check.h"

#include <array>
#include <charconv>
#include <cstdint>

#include "mimus/json_text.h"

namespace mimus {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

class Checker {
 public:
  Checker(std::string_view text, std::size_t max_depth, std::size_t attachments)
      : text_(text), max_depth_(max_depth), attachments_(attachments) {}

  bool check() {
    skip_space();
    if (!take_value(Key::other)) return false;
    while (depth_ != 0) {
      if (!go_on()) return false;
    }
    skip_space();
    return at_ == text_.size();
  }

 private:
  enum class Key : std::uint8_t { other, placeholder, number };

  /// An array or object that has not ended.
  struct Level {
    bool object, empty;
    bool placeholder;      ///< "_placeholder":true is in it …
    bool number;           ///< … and the "num" of an attachment …
    std::uint8_t members;  ///< … among so many; 3 stands for more.
  };

  /// Takes the next element or member of the innermost level, or its end.
  bool go_on() {
    Level& level = levels_[depth_ - 1];
    skip_space();
    if (take(level.object ? '}' : ']')) {
      --depth_;
      return !level.placeholder || (level.number && level.members == 2);
    }
    if (!level.empty) {
      if (!take(',')) return false;
      skip_space();
    }
    level.empty = false;
    if (!level.object) return take_value(Key::other);
    Key key = Key::other;
    if (!take_key(key)) return false;
    if (level.members < 3) ++level.members;
    return take_value(key);
  }

  bool take_key(Key& key) {
    const std::size_t begin = at_;
    if (!take_string()) return false;
    const std::string_view quoted = text_.substr(begin, at_ - begin);
    const bool plain = quoted.find('\\') == quoted.npos;
    const std::string resolved = plain ? std::string() : json::unquote(quoted);
    const std::string_view name = plain ? quoted.substr(1, quoted.size() - 2) : std::string_view(resolved);
    if (name == "_placeholder") key = Key::placeholder;
    if (name == "num") key = Key::number;
    skip_space();
    if (!take(':')) return false;
    skip_space();
    return true;
  }

  /// What has levels is only entered.
  bool take_value(Key key) {
    if (at_ == text_.size()) return false;
    const char c = text_[at_];
    if (c == '{' || c == '[') {
      if (depth_ == max_depth_) return false;
      ++at_;
      levels_[depth_++] = {c == '{', true, false, false, 0};
      return true;
    }
    const std::size_t begin = at_;
    const bool taken = c == '"'   ? take_string()
                       : c == 't' ? take_word("true")
                       : c == 'f' ? take_word("false")
                       : c == 'n' ? take_word("null")
                                  : take_number();
    if (!taken || key == Key::other) return taken;
    const std::string_view value = text_.substr(begin, at_ - begin);
    Level& level = levels_[depth_ - 1];
    if (key == Key::placeholder) level.placeholder = level.placeholder || value == "true";
    if (key == Key::number) level.number = level.number || names_attachment(value);
    return true;
  }

  bool names_attachment(std::string_view value) const {
    std::size_t number = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
    return read.ec == std::errc{} && read.ptr == value.data() + value.size() && number < attachments_;
  }

  bool take_string() {
    if (!take('"')) return false;
    while (at_ < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') {
        ++at_;
        return true;
      }
      if (c < 0x20) return false;
      if (c == '\\') {
        if (!take_escape()) return false;
      } else if (c < 0x80) {
        ++at_;
      } else if (const std::size_t length = json::detail::utf8_length(text_, at_); length != 0) {
        at_ += length;
      } else {
        return false;
      }
    }
    return false;
  }

  bool take_escape() {
    ++at_;
    if (!take('u')) {
      if (at_ == text_.size() || std::string_view("\"\\/bfnrt").find(text_[at_]) == std::string_view::npos)
        return false;
      ++at_;
      return true;
    }
    for (int i = 0; i < 4; ++i, ++at_) {
      if (at_ == text_.size() || !is_hex(text_[at_])) return false;
    }
    return true;
  }

  bool take_number() {
    take('-');
    if (!take('0') && !take_digits()) return false;
    if (take('.') && !take_digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return take_digits();
    }
    return true;
  }

  bool take_digits() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return at_ != begin;
  }

  bool take_word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void skip_space() { at_ = json::detail::skip_space(text_, at_); }

  const std::string_view text_;
  const std::size_t max_depth_, attachments_;
  std::size_t at_ = 0, depth_ = 0;
  std::array<Level, max_checked_depth> levels_;  // those below depth_ are set
};

}  // namespace

bool is_checked_json(std::string_view text, std::size_t max_depth, std::size_t attachments) {
  return Checker(text, max_depth, attachments).check();
}

}  // namespace mimus
