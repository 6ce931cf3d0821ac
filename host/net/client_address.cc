// Addresses in blocks, and the walk back along the proxies.
#include "host/net/client_address.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "host/net/exchange.h"
#include "mimus/ip_address.h"

namespace mimus {
namespace {

using header::trimmed;

/// The first `bits` of both are the same.
bool same_prefix(const IpAddress& a, const IpAddress& b, unsigned bits) {
  const unsigned bytes = bits / 8, rest = bits % 8;
  if (!std::equal(a.begin(), a.begin() + bytes, b.begin())) return false;
  return rest == 0 || ((a[bytes] ^ b[bytes]) >> (8 - rest)) == 0;
}

bool is_in_any(const IpAddress& address, std::span<const Cidr> blocks) {
  return std::any_of(blocks.begin(), blocks.end(),
                     [&](const Cidr& block) { return same_prefix(address, block.network, block.bits); });
}

struct Hop {
  std::string_view text;  ///< Without port and brackets; "" if it is no address.
  IpAddress address{};
};

Hop bare_address(std::string_view hop) {
  if (const auto plain = parse_ipv4(hop)) return {hop, *plain};
  if (hop.starts_with('[')) {
    const std::size_t close = hop.find(']');
    hop = close == hop.npos ? std::string_view() : hop.substr(1, close - 1);
  } else if (std::count(hop.begin(), hop.end(), ':') == 1) {
    hop = hop.substr(0, hop.find(':'));
  }
  const auto address = parse_ip_address(hop);
  if (!address) return {};
  // The mapped form is written with dots nearly always; then its end is the IPv4 address.
  if (is_ipv4(*address) && hop.find('.') != hop.npos && hop.rfind(':') != hop.npos) {
    hop.remove_prefix(hop.rfind(':') + 1);
  }
  return {hop, *address};
}

constexpr std::size_t max_hops = 32;  // Nobody has this many proxies.

/// The last hops of a chain, oldest dropped.
class Hops {
 public:
  void add(std::string_view hop) { hops_[count_++ % hops_.size()] = hop; }
  std::size_t size() const { return std::min(count_, hops_.size()); }
  std::string_view from_last(std::size_t back) const { return hops_[(count_ - 1 - back) % hops_.size()]; }

 private:
  std::array<std::string_view, max_hops> hops_;
  std::size_t count_ = 0;
};

/// Calls `each` for every part between `separator`s that stand outside quotes.
template <class Each>
void split_outside_quotes(std::string_view text, char separator, Each&& each) {
  bool quoted = false;
  std::size_t from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == separator && !quoted) {
      each(text.substr(from, i - from));
      from = i + 1;
    }
  }
  each(text.substr(from));
}

void add_forwarded(std::string_view value, Hops& hops) {
  split_outside_quotes(value, ',', [&hops](std::string_view element) {
    std::string_view node;
    split_outside_quotes(element, ';', [&node](std::string_view pair) {
      pair = trimmed(pair);
      if (pair.size() < 4 || !same_name(pair.substr(0, 4), "for=")) return;
      node = pair.substr(4);
      if (node.size() >= 2 && node.front() == '"' && node.back() == '"')
        node = node.substr(1, node.size() - 2);
    });
    hops.add(node);
  });
}

/// Shows the hops of all X-Forwarded-For fields from the last one back, until `next` says no.
template <class Next>
void walk_back(std::span<const Header> headers, Next&& next) {
  for (std::size_t i = headers.size(); i-- > 0;) {
    if (!same_name(headers[i].name, "x-forwarded-for")) continue;
    for (std::string_view rest = headers[i].value;;) {
      const std::size_t comma = rest.rfind(',');
      if (!next(trimmed(rest.substr(comma + 1)))) return;
      if (comma == rest.npos) break;
      rest = rest.substr(0, comma);
    }
  }
}

}  // namespace

Result<Cidr> parse_cidr(std::string_view text) {
  const auto fault = [text](const std::string& why) {
    std::string message(1, '"');
    message.append(text).append("\" is no block of addresses: ").append(why);
    return invalid(std::move(message));
  };
  const std::size_t slash = text.find('/');
  const auto address = parse_ip_address(text.substr(0, slash));
  if (!address) return fault("it does not begin with an IPv4 or IPv6 address");
  const bool v4 = text.substr(0, slash).find(':') == text.npos;
  Cidr out{*address, 128};
  if (slash != text.npos) {
    const unsigned most = v4 ? 32 : 128;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, out.bits);
    if (error != std::errc() || stop != end || out.bits > most) {
      return fault("its prefix is not a number up to " + std::to_string(most));
    }
    if (v4) out.bits += 96;
  }
  for (unsigned bit = out.bits; bit < 128; ++bit) {
    if (out.network[bit / 8] >> (7 - bit % 8) & 1) return fault("it has bits beyond its prefix");
  }
  return out;
}

bool is_in(std::string_view address, std::span<const Cidr> blocks) {
  const auto parsed = parse_ip_address(address);
  return parsed && is_in_any(*parsed, blocks);
}

std::string_view ClientAddress::of(std::string_view peer, std::span<const Header> headers) {
  if (peer != last_peer_) {
    last_peer_ = peer;
    last_trusted_ = is_in(peer, trusted_);
  }
  if (!last_trusted_) return peer;
  std::string_view client = peer;
  std::size_t hops = 0;
  const auto believe = [&](std::string_view written) {
    const Hop hop = ++hops > max_hops ? Hop{} : bare_address(written);
    if (hop.text.empty()) return false;
    client = hop.text;
    return is_in_any(hop.address, trusted_);
  };
  walk_back(headers, believe);
  if (hops > 0) return client;
  Hops forwarded;
  for (const Header& header : headers) {
    if (same_name(header.name, "forwarded")) add_forwarded(header.value, forwarded);
  }
  for (std::size_t back = 0; back < forwarded.size() && believe(forwarded.from_last(back)); ++back) {
  }
  return client;
}

}  // namespace mimus
