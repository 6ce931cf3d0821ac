// A strict JSON reader that writes what it reads in canonical form.
#include "plugins/dedup/canonical.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "mimus/percent.h"

namespace mimus::dedup {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

class Canon {
 public:
  explicit Canon(std::string_view text) : text_(text) { out_.reserve(text.size()); }

  std::optional<std::string> whole() {
    if (!value(0)) return std::nullopt;
    skip_space();
    if (at_ != text_.size()) return std::nullopt;
    return std::move(out_);
  }

 private:
  /// Where a member of an object stands in out_: `"key":value`, without commas.
  struct Member {
    std::size_t begin, key_end, end;
  };

  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
      ++at_;
    }
  }
  bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool take(char c) {
    if (!next_is(c)) return false;
    ++at_;
    return true;
  }

  bool value(int depth) {
    skip_space();
    if (at_ == text_.size()) return false;
    switch (text_[at_]) {
      case '{':
        return depth < max_json_depth && object(depth + 1);
      case '[':
        return depth < max_json_depth && array(depth + 1);
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    out_ += expected;
    return true;
  }

  bool digits() {
    const std::size_t from = at_;
    while (at_ < text_.size() && digit(text_[at_])) ++at_;
    return at_ > from;
  }

  bool number() {
    const std::size_t from = at_;
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      if (!digits()) return false;
    }
    out_ += text_.substr(from, at_ - from);
    return true;
  }

  bool array(int depth) {
    ++at_;
    out_ += '[';
    skip_space();
    if (!next_is(']')) {
      for (bool first = true; first || take(','); first = false) {
        if (!first) out_ += ',';
        if (!value(depth)) return false;
        skip_space();
      }
    }
    if (!take(']')) return false;
    out_ += ']';
    return true;
  }

  bool object(int depth) {
    ++at_;
    out_ += '{';
    const std::size_t base = members_.size();
    skip_space();
    if (!next_is('}')) {
      do {
        if (members_.size() > base) out_ += ',';
        Member member{out_.size(), 0, 0};
        skip_space();
        if (!next_is('"') || !string()) return false;
        member.key_end = out_.size();
        skip_space();
        if (!take(':')) return false;
        out_ += ':';
        if (!value(depth)) return false;
        member.end = out_.size();
        members_.push_back(member);
        skip_space();
      } while (take(','));
    }
    if (!take('}')) return false;
    sort_members(base);
    out_ += '}';
    return true;
  }

  /// Rewrites the end of out_, where the members from `base` on stand, in sorted order.
  void sort_members(std::size_t base) {
    const auto first = members_.begin() + static_cast<std::ptrdiff_t>(base);
    const auto before = [this](const Member& a, const Member& b) { return key(a) < key(b); };
    if (!std::is_sorted(first, members_.end(), before)) {
      const std::size_t begin = first->begin;
      std::stable_sort(first, members_.end(), before);
      std::string sorted;
      sorted.reserve(out_.size() - begin);
      for (auto m = first; m != members_.end(); ++m) {
        if (m != first) sorted += ',';
        sorted.append(out_, m->begin, m->end - m->begin);
      }
      out_.replace(begin, std::string::npos, sorted);
    }
    members_.resize(base);
  }
  std::string_view key(const Member& m) const {
    return std::string_view(out_).substr(m.begin, m.key_end - m.begin);
  }

  bool string() {
    ++at_;
    out_ += '"';
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') {
        out_ += '"';
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        out_ += c;
      } else if (!escape()) {
        return false;
      }
    }
    return false;
  }

  bool escape() {
    if (at_ == text_.size()) return false;
    switch (text_[at_++]) {
      case '"':
        return unit('"');
      case '\\':
        return unit('\\');
      case '/':
        return unit('/');
      case 'b':
        return unit('\b');
      case 'f':
        return unit('\f');
      case 'n':
        return unit('\n');
      case 'r':
        return unit('\r');
      case 't':
        return unit('\t');
      case 'u':
        break;
      default:
        return false;
    }
    std::uint32_t high = 0;
    if (!hex4(high)) return false;
    if (high < 0xD800 || high >= 0xDC00 || text_.substr(at_, 2) != "\\u") return unit(high);
    const std::size_t behind_high = at_;
    at_ += 2;
    std::uint32_t low = 0;
    if (!hex4(low)) return false;
    if (low >= 0xDC00 && low < 0xE000) return unit(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
    at_ = behind_high;
    return unit(high);
  }

  bool hex4(std::uint32_t& out) {
    if (text_.size() - at_ < 4) return false;
    for (int k = 0; k < 4; ++k) {
      const int v = percent::hex_value(text_[at_++]);
      if (v < 0) return false;
      out = out * 16 + static_cast<std::uint32_t>(v);
    }
    return true;
  }

  /// Appends a code point. What UTF-8 cannot hold or a string must escape is escaped, in
  /// one spelling; a lone surrogate so stays different from every other text.
  bool unit(std::uint32_t u) {
    if (u == '"' || u == '\\') {
      out_ += '\\';
      out_ += static_cast<char>(u);
    } else if (u < 0x20 || (u >= 0xD800 && u < 0xE000)) {
      static constexpr char hex[] = "0123456789abcdef";
      out_ += "\\u";
      for (int shift = 12; shift >= 0; shift -= 4) out_ += hex[(u >> shift) & 15];
    } else if (u < 0x80) {
      out_ += static_cast<char>(u);
    } else if (u < 0x800) {
      out_ += static_cast<char>(0xC0 | (u >> 6));
      out_ += static_cast<char>(0x80 | (u & 63));
    } else if (u < 0x10000) {
      out_ += static_cast<char>(0xE0 | (u >> 12));
      out_ += static_cast<char>(0x80 | ((u >> 6) & 63));
      out_ += static_cast<char>(0x80 | (u & 63));
    } else {
      out_ += static_cast<char>(0xF0 | (u >> 18));
      out_ += static_cast<char>(0x80 | ((u >> 12) & 63));
      out_ += static_cast<char>(0x80 | ((u >> 6) & 63));
      out_ += static_cast<char>(0x80 | (u & 63));
    }
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
  std::vector<Member> members_;  // of the objects that are open, innermost last
};

}  // namespace

std::optional<std::string> canonical_json(std::string_view text) { return Canon(text).whole(); }

}  // namespace mimus::dedup
