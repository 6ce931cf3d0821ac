// JSON as text: finding a value's source bytes without changing them, and quoting strings.
//
// A definition is kept as it was sent (275.0 stays 275.0), which a parsed tree loses. These
// functions walk text that has been validated as JSON; on other text they return nothing
// or stop early, and never read outside it. Pure; they do not recurse.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mimus::json {

namespace detail {
inline std::size_t skip_space(std::string_view t, std::size_t i) {
  while (i < t.size() && (t[i] == ' ' || t[i] == '\t' || t[i] == '\n' || t[i] == '\r')) ++i;
  return i;
}
/// The index after the string that begins at i.
inline std::size_t skip_string(std::string_view t, std::size_t i) {
  for (++i; i < t.size(); ++i) {
    if (t[i] == '\\') {
      ++i;
    } else if (t[i] == '"') {
      return i + 1;
    }
  }
  return t.size();
}
/// The index after the value that begins at i.
inline std::size_t skip_value(std::string_view t, std::size_t i) {
  std::size_t depth = 0;
  while (i < t.size()) {
    const char c = t[i];
    if (c == '"') {
      i = skip_string(t, i);
    } else if (c == '{' || c == '[') {
      ++depth;
      ++i;
      continue;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return i;
      --depth;
      ++i;
    } else if (depth == 0) {
      while (i < t.size() && t[i] != ',' && t[i] != '}' && t[i] != ']' && t[i] != ' ' && t[i] != '\n' &&
             t[i] != '\r' && t[i] != '\t') {
        ++i;
      }
    } else {
      ++i;
      continue;
    }
    if (depth == 0) return i;
  }
  return t.size();
}
}  // namespace detail

/// The text of a JSON string with its quotes taken off and its escapes resolved; a lone
/// surrogate becomes U+FFFD.
inline std::string unquote(std::string_view quoted) {
  std::string out;
  if (quoted.size() < 2) return out;
  quoted = quoted.substr(1, quoted.size() - 2);
  const auto hex4 = [&](std::size_t at) -> std::uint32_t {
    std::uint32_t v = 0;
    for (std::size_t k = at; k < at + 4 && k < quoted.size(); ++k) {
      const char c = quoted[k];
      v = v * 16 + static_cast<std::uint32_t>(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return v;
  };
  for (std::size_t i = 0; i < quoted.size(); ++i) {
    if (quoted[i] != '\\' || i + 1 >= quoted.size()) {
      out += quoted[i];
      continue;
    }
    switch (const char c = quoted[++i]) {
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'u': {
        std::uint32_t u = hex4(i + 1);
        i += 4;
        if (u >= 0xD800 && u < 0xE000) {
          const bool pair =
              u < 0xDC00 && i + 6 < quoted.size() && quoted[i + 1] == '\\' && quoted[i + 2] == 'u';
          const std::uint32_t low = pair ? hex4(i + 3) : 0;
          if (pair && low >= 0xDC00 && low < 0xE000) {
            u = 0x10000 + ((u - 0xD800) << 10) + (low - 0xDC00);
            i += 6;
          } else {
            u = 0xFFFD;
          }
        }
        if (u < 0x80) {
          out += static_cast<char>(u);
        } else if (u < 0x800) {
          out += static_cast<char>(0xC0 | (u >> 6));
          out += static_cast<char>(0x80 | (u & 63));
        } else if (u < 0x10000) {
          out += static_cast<char>(0xE0 | (u >> 12));
          out += static_cast<char>(0x80 | ((u >> 6) & 63));
          out += static_cast<char>(0x80 | (u & 63));
        } else {
          out += static_cast<char>(0xF0 | (u >> 18));
          out += static_cast<char>(0x80 | ((u >> 12) & 63));
          out += static_cast<char>(0x80 | ((u >> 6) & 63));
          out += static_cast<char>(0x80 | (u & 63));
        }
        break;
      }
      default:
        out += c;
    }
  }
  return out;
}

/// Shows each member of an object as (key with escapes resolved, value's source text), in
/// order, until `show` returns false. Repeated keys are shown each time.
template <class Show>
void members(std::string_view object, Show&& show) {
  std::size_t i = detail::skip_space(object, 0);
  if (i >= object.size() || object[i] != '{') return;
  ++i;
  for (;;) {
    i = detail::skip_space(object, i);
    if (i >= object.size() || object[i] != '"') return;
    const std::size_t key_end = detail::skip_string(object, i);
    const std::string key = unquote(object.substr(i, key_end - i));
    i = detail::skip_space(object, key_end);
    if (i >= object.size() || object[i] != ':') return;
    i = detail::skip_space(object, i + 1);
    const std::size_t end = detail::skip_value(object, i);
    if (!show(std::string_view(key), object.substr(i, end - i))) return;
    i = detail::skip_space(object, end);
    if (i >= object.size() || object[i] != ',') return;
    ++i;
  }
}

/// Shows the source text of each element of an array until `show` returns false.
template <class Show>
void elements(std::string_view array, Show&& show) {
  std::size_t i = detail::skip_space(array, 0);
  if (i >= array.size() || array[i] != '[') return;
  ++i;
  for (;;) {
    i = detail::skip_space(array, i);
    if (i >= array.size() || array[i] == ']') return;
    const std::size_t end = detail::skip_value(array, i);
    if (!show(array.substr(i, end - i))) return;
    i = detail::skip_space(array, end);
    if (i >= array.size() || array[i] != ',') return;
    ++i;
  }
}

/// The source text of an object's member; the last one wins where a key is repeated, as
/// in most parsers. Nothing if it has none.
inline std::optional<std::string_view> member(std::string_view object, std::string_view key) {
  std::optional<std::string_view> found;
  members(object, [&](std::string_view k, std::string_view value) {
    if (k == key) found = value;
    return true;
  });
  return found;
}

namespace detail {
/// How many bytes the UTF-8 character at i has, 0 if there is none (Unicode, table 3-7).
inline std::size_t utf8_length(std::string_view t, std::size_t i) {
  const auto byte = [&](std::size_t at) { return at < t.size() ? static_cast<unsigned char>(t[at]) : 0u; };
  const unsigned first = byte(i);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  if (length < 2) return length;
  const unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte(i + 1) < low || byte(i + 1) > high) return 0;
  for (std::size_t k = 2; k < length; ++k) {
    if ((byte(i + k) & 0xC0) != 0x80) return 0;
  }
  return length;
}
}  // namespace detail

/// Appends `text` as a JSON string. What is no UTF-8 becomes U+FFFD, byte by byte: requests
/// may carry any bytes, JSON may not (RFC 8259, 8.1).
inline void quote(std::string& out, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  out += '"';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (u < 0x20) {
      out += "\\u00";
      out += hex[u >> 4];
      out += hex[u & 15];
    } else if (u < 0x80) {
      out += c;
    } else if (const std::size_t length = detail::utf8_length(text, i); length != 0) {
      out.append(text.substr(i, length));
      i += length - 1;
    } else {
      out += "\xEF\xBF\xBD";
    }
  }
  out += '"';
}
/// `text` as a JSON string.
inline std::string quoted(std::string_view text) {
  std::string out;
  quote(out, text);
  return out;
}

/// `key` as one reference token of a JSON pointer (RFC 6901): ~ and / escaped.
inline std::string pointer_token(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

/// The reference tokens of a JSON pointer (RFC 6901), unescaped; nothing if it is not one.
inline std::optional<std::vector<std::string>> pointer_tokens(std::string_view pointer) {
  std::vector<std::string> tokens;
  if (pointer.empty()) return tokens;
  if (pointer.front() != '/') return std::nullopt;
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      tokens.emplace_back();
    } else if (pointer[i] != '~') {
      tokens.back() += pointer[i];
    } else if (i + 1 < pointer.size() && (pointer[i + 1] == '0' || pointer[i + 1] == '1')) {
      tokens.back() += pointer[++i] == '0' ? '~' : '/';
    } else {
      return std::nullopt;
    }
  }
  return tokens;
}

/// The index that a reference token names in an array: digits without a leading zero, nine at most.
inline std::optional<std::size_t> array_index(std::string_view token) {
  if (token.empty() || token.size() > 9 || (token.size() > 1 && token[0] == '0')) return std::nullopt;
  std::size_t index = 0;
  for (const char c : token) {
    if (c < '0' || c > '9') return std::nullopt;
    index = index * 10 + static_cast<std::size_t>(c - '0');
  }
  return index;
}

/// The source text of what a pointer's tokens lead to. Nothing if there is no such thing.
inline std::optional<std::string_view> at(std::string_view json, const std::vector<std::string>& tokens) {
  const std::size_t first = detail::skip_space(json, 0);
  std::string_view value = json.substr(first, detail::skip_value(json, first) - first);
  for (const std::string& token : tokens) {
    std::optional<std::string_view> next;
    if (value.substr(0, 1) == "{") {
      next = member(value, token);
    } else if (auto left = value.substr(0, 1) == "[" ? array_index(token) : std::nullopt) {
      elements(value, [&](std::string_view element) {
        if (*left == 0) next = element;
        return (*left)-- != 0;
      });
    }
    if (!next) return std::nullopt;
    value = *next;
  }
  return value;
}

}  // namespace mimus::json
