// Taking a proxyTarget apart and putting URLs together.
#include "plugins/proxy/target.h"

#include <algorithm>
#include <optional>

namespace mimus::proxy {
namespace {

using Piece = Target::Piece;

struct EndpointParameter {
  std::string_view name;
  bool tail = false;
  std::size_t index = 0;  // of its segment
};

template <class Show>
void segments(std::string_view path, Show&& show) {
  if (path.starts_with('/')) path.remove_prefix(1);
  for (std::size_t index = 0;; ++index) {
    const std::size_t slash = path.find('/');
    show(path.substr(0, slash), index);
    if (slash == std::string_view::npos) return;
    path.remove_prefix(slash + 1);
  }
}

std::vector<EndpointParameter> parameters_of(std::string_view endpoint_path) {
  std::vector<EndpointParameter> found;
  segments(endpoint_path, [&](std::string_view segment, std::size_t index) {
    if (segment.size() > 1 && (segment.front() == ':' || segment.front() == '*')) {
      found.push_back({segment.substr(1), segment.front() == '*', index});
    } else if (segment.size() > 2 && segment.front() == '{' && segment.back() == '}') {
      found.push_back({segment.substr(1, segment.size() - 2), false, index});
    }
  });
  return found;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool starts_with_scheme(std::string_view url, std::string_view scheme) {
  return url.size() >= scheme.size() &&
         std::equal(scheme.begin(), scheme.end(), url.begin(), [](char a, char b) { return a == lower(b); });
}

/// Builds pieces, joining text that stands side by side.
class Pieces {
 public:
  explicit Pieces(std::string_view endpoint_path) : parameters_(parameters_of(endpoint_path)) {}

  void text(std::string_view text) {
    if (text.empty()) return;
    if (pieces_.empty() || pieces_.back().kind != Piece::Kind::text) pieces_.emplace_back();
    pieces_.back().text += text;
  }
  Status parameter(std::string_view name) {
    const auto found =
        std::find_if(parameters_.begin(), parameters_.end(), [&](const auto& p) { return p.name == name; });
    if (found == parameters_.end()) {
      return invalid("\"" + std::string(name) + "\" is not a parameter of the endpoint's path");
    }
    pieces_.push_back(
        {found->tail ? Piece::Kind::tail : Piece::Kind::value, std::string(name), found->index});
    return Done{};
  }
  /// One segment of an exact path.
  Status segment(std::string_view segment) {
    if (segment.size() > 1 && (segment.front() == ':' || segment.front() == '*'))
      return parameter(segment.substr(1));
    for (;;) {
      const std::size_t open = segment.find('{');
      const std::size_t close = segment.find('}', open == std::string_view::npos ? 0 : open);
      if (open == std::string_view::npos && close == std::string_view::npos) break;
      if (open == std::string_view::npos || close == std::string_view::npos || close == open + 1) {
        return invalid("\"" + std::string(segment) + "\": \"{\" and \"}\" must enclose a parameter's name");
      }
      text(segment.substr(0, open));
      if (Status known = parameter(segment.substr(open + 1, close - open - 1)); !known) return known;
      segment.remove_prefix(close + 1);
    }
    text(segment);
    return Done{};
  }
  std::vector<Piece> take() { return std::move(pieces_); }

 private:
  std::vector<EndpointParameter> parameters_;
  std::vector<Piece> pieces_;
};

void append_encoded(std::string& out, std::string_view text) {
  static constexpr std::string_view unreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  static constexpr char hex[] = "0123456789ABCDEF";
  for (const char c : text) {
    if (unreserved.find(c) != std::string_view::npos) {
      out += c;
    } else {
      const auto u = static_cast<unsigned char>(c);
      out += '%';
      out += hex[u >> 4];
      out += hex[u & 15];
    }
  }
}

/// The segments of a raw path from `index` on.
std::string_view tail_of(std::string_view raw_path, std::size_t index) {
  for (std::size_t i = 0; i <= index; ++i) {
    const std::size_t slash = raw_path.find('/');
    if (slash == std::string_view::npos) return {};
    raw_path.remove_prefix(slash + 1);
  }
  return raw_path;
}

}  // namespace

const char* fault_of(std::string_view url) {
  const auto forbidden = [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7F ||
           std::string_view("\"<>\\^`|").find(c) != std::string_view::npos;
  };
  if (std::any_of(url.begin(), url.end(), forbidden))
    return "holds a character that a URL may not hold; percent-encode it";
  return url.find('#') != std::string_view::npos ? "must not have a fragment (\"#\")" : nullptr;
}

Result<Target> parse_target(std::string_view url, std::string_view endpoint_path) {
  std::size_t authority = 0;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (starts_with_scheme(url, scheme)) authority = scheme.size();
  }
  if (authority == 0) return invalid("must be an absolute URL with http:// or https://");
  if (const char* const fault = fault_of(url)) return invalid(fault);

  Target target;
  const std::size_t question = url.find('?');
  if (question != std::string_view::npos) target.query = url.substr(question + 1);
  url = url.substr(0, question);
  const std::size_t path = std::min(url.find('/', authority), url.size());
  if (path == authority) return invalid("has no host");
  Pieces pieces(endpoint_path);
  pieces.text(url.substr(0, path));
  const std::string_view rest = url.substr(path);
  if (rest.empty() || rest.ends_with('/')) {
    target.base = true;
    if (!rest.empty()) pieces.text(rest.substr(0, rest.size() - 1));
  } else {
    Status good = Done{};
    segments(rest, [&](std::string_view segment, std::size_t) {
      if (!good) return;
      pieces.text("/");
      good = pieces.segment(segment);
    });
    if (!good) return good.error();
  }
  target.pieces = pieces.take();
  return target;
}

std::string target_url(const Target& target, std::string_view raw_path, std::string_view raw_query,
                       const Parameter& parameter) {
  std::string url;
  for (const Piece& piece : target.pieces) {
    switch (piece.kind) {
      case Piece::Kind::text:
        url += piece.text;
        break;
      case Piece::Kind::value:
        append_encoded(url, parameter(piece.text));
        break;
      case Piece::Kind::tail:
        url += tail_of(raw_path, piece.index);
        break;
    }
  }
  if (target.base) {
    if (!raw_path.starts_with('/')) url += '/';
    url += raw_path;
  }
  if (!target.query.empty() || !raw_query.empty()) url += '?';
  url += target.query;
  if (!target.query.empty() && !raw_query.empty()) url += '&';
  url += raw_query;
  return url;
}

}  // namespace mimus::proxy
