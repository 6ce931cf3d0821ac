// A value of Sec-WebSocket-Extensions, taken apart (RFC 6455, 9.1).
#include "host/channel/extension_offer.h"

#include <algorithm>

namespace mimus {
namespace {

bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

/// Reads from the front of a value.
class Scanner {
 public:
  explicit Scanner(std::string_view value) : rest_(value) {}

  bool done() const { return rest_.empty(); }
  void skip_space() {
    const std::size_t size = std::min(rest_.find_first_not_of(" \t"), rest_.size());
    rest_.remove_prefix(size);
  }
  /// Takes one character if it is this one.
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// "" if there is none.
  std::string token() {
    std::size_t size = 0;
    while (size < rest_.size() && is_token_char(rest_[size])) ++size;
    std::string out(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return out;
  }
  /// What stands between quotes, the first of which was taken; "" unless it is a token, as it
  /// must be.
  std::string quoted() {
    std::string out;
    while (!rest_.empty() && rest_.front() != '"') {
      if (take('\\') && rest_.empty()) return {};
      if (!is_token_char(rest_.front())) return {};
      out += rest_.front();
      rest_.remove_prefix(1);
    }
    return take('"') ? out : std::string();
  }

 private:
  std::string_view rest_;
};

bool read_parameter(Scanner& from, ExtensionParameter& into) {
  from.skip_space();
  into.name = from.token();
  if (into.name.empty()) return false;
  from.skip_space();
  if (!from.take('=')) return true;
  from.skip_space();
  into.value = from.take('"') ? from.quoted() : from.token();
  from.skip_space();
  return !into.value->empty();
}

}  // namespace

std::optional<std::vector<ExtensionOffer>> extension_offers(std::string_view value) {
  std::vector<ExtensionOffer> out;
  Scanner from(value);
  for (;;) {
    from.skip_space();
    if (from.done()) return out;
    if (from.take(',')) continue;
    ExtensionOffer& offer = out.emplace_back();
    offer.name = from.token();
    if (offer.name.empty()) return std::nullopt;
    from.skip_space();
    while (from.take(';')) {
      if (!read_parameter(from, offer.parameters.emplace_back())) return std::nullopt;
    }
    if (!from.done() && !from.take(',')) return std::nullopt;
  }
}

}  // namespace mimus
