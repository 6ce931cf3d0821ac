// Request heads and bodies by the pure parsers: the input is what a client sends. What it comes
// to must not depend on where it is cut, and a head that is taken is what RFC 9112 allows.
#include "host/net/tokens.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/net/request_reader.h"

namespace mimus::fuzz {
namespace {

bool printable(std::string_view text) {
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if ((u < 0x20 && c != '\t') || u == 0x7f) return false;
  }
  return true;
}

/// The promises of exchange.h and of the limits.
void look_at(const RequestHead& head) {
  const Limits limits = table_limits();
  require(is_token(head.method), "a method is a token", head.method);
  require(head.method != "CONNECT", "tunnels are refused");
  require(head.raw_path == "*" || head.raw_path.starts_with('/'), "a path begins with a slash",
          head.raw_path);
  require(head.raw_path != "*" || head.method == "OPTIONS", "the asterisk is for OPTIONS");
  require(head.target.size() <= limits.max_uri_bytes, "the target is within its limit", head.target);
  for (const std::string_view part : {head.raw_path, head.raw_query}) {
    for (const char c : part) {
      require(static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f,
              "a target holds no space, control or high byte", part);
      require(std::string_view("\"<>#").find(c) == std::string_view::npos, "a target holds no delimiter",
              part);
    }
  }
  require(head.headers.size() <= limits.max_headers, "the number of fields is within its limit");
  unsigned hosts = 0, lengths = 0, codings = 0;
  for (const Header& header : head.headers) {
    require(is_token(header.name), "a field's name is a token", header.name);
    require(printable(header.value), "a field's value holds no control characters", header.value);
    require(header.value.empty() || (header.value.front() != ' ' && header.value.back() != ' '),
            "a field's value is trimmed", header.value);
    hosts += same_name(header.name, "host");
    lengths += same_name(header.name, "content-length");
    codings += same_name(header.name, "transfer-encoding");
  }
  require(hosts == 1 || (hosts == 0 && head.minor_version == 0), "there is one Host");
  require(lengths + codings <= 1 || (lengths == 0 && head.minor_version == 1), "a body has one end");
  require(head.has_body == (head.content_length > 0 || codings > 0), "a body is announced");
}

std::vector<std::string> play(const std::vector<std::string_view>& pieces) {
  return RequestReader(table_limits(), table_body_limit, look_at).play(pieces);
}

}  // namespace
}  // namespace mimus::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mimus::fuzz;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (size > 4096) return 0;
  const std::vector<std::string> whole = play({input});
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < size; ++i) bytes.push_back(input.substr(i, 1));
  require(play(bytes) == whole, "byte by byte is like at once",
          joined(whole) + "---\n" + joined(play(bytes)));
  Dice dice(input);
  for (int i = 0; i < 3; ++i) {
    const std::size_t at = dice.below(size + 1);
    const auto halves = play({input.substr(0, at), input.substr(at)});
    require(halves == whole, "halves are like the whole", joined(whole) + "---\n" + joined(halves));
  }
  return 0;
}
