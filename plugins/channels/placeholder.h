// Placeholders: what {{…}} in a string of a payload stands for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mimus::channels {

/// What one placeholder stands for.
struct Placeholder {
  enum class Source : std::uint8_t { count, now, client_id, event, data, args, text, auth };
  Source source = Source::count;
  std::vector<std::string> path;  ///< Inside of data, args or auth: reference tokens, unescaped.

  bool of_message() const { return source >= Source::event && source <= Source::text; }
};

/// What stands between the braces: count, now, clientId, message.event, message.data, message.args,
/// message.text, auth; data, args and auth also with a path: auth./a/b (a JSON pointer) or auth.a.b.
std::optional<Placeholder> parse_placeholder(std::string_view name);

/// Where one stands in a text.
struct FoundPlaceholder {
  std::size_t at = 0, end = 0;  ///< From its first brace to after its last.
  std::string_view name;        ///< Between the braces.
};
/// The next one from `from` on, known or not: what stands between the braces begins with a letter and
/// has no spaces or braces in it.
std::optional<FoundPlaceholder> next_placeholder(std::string_view text, std::size_t from);

/// One placeholder that cannot be filled in.
struct PlaceholderFault {
  std::string pointer;  ///< RFC 6901, of the string, from the payload on.
  std::string detail;
};
/// All of them, in order; those of a message where there is none, too.
std::vector<PlaceholderFault> faults_of(std::string_view json, bool has_message);

}  // namespace mimus::channels
