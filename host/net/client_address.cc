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

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

struct Hop {
  std::string_view text;  ///< Without port and brackets; "" if it is no address.
  IpAddress address{};
};

Hop bare_address(std::string_view hop) {
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

/// The last hops of a chain, oldest dropped: nobody has this many proxies.
class Hops {
 public:
  void add(std::string_view hop) { hops_[count_++ % hops_.size()] = hop; }
  std::size_t size() const { return std::min(count_, hops_.size()); }
  std::string_view from_last(std::size_t back) const { return hops_[(count_ - 1 - back) % hops_.size()]; }

 private:
  std::array<std::string_view, 32> hops_;
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

void add_x_forwarded_for(std::string_view value, Hops& hops) {
  for (;;) {
    const std::size_t comma = value.find(',');
    hops.add(trimmed(value.substr(0, comma)));
    if (comma == value.npos) return;
    value.remove_prefix(comma + 1);
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

std::string_view client_address(std::string_view peer, std::span<const Cidr> trusted,
                                std::span<const Header> headers) {
  Hops hops;
  bool forwarded = false;
  for (const Header& header : headers) {
    if (same_name(header.name, "x-forwarded-for")) add_x_forwarded_for(header.value, hops);
    forwarded = forwarded || same_name(header.name, "forwarded");
  }
  if (forwarded && hops.size() == 0) {
    for (const Header& header : headers) {
      if (same_name(header.name, "forwarded")) add_forwarded(header.value, hops);
    }
  }
  if (hops.size() == 0 || !is_in(peer, trusted)) return peer;
  std::string_view client = peer;
  for (std::size_t back = 0; back < hops.size(); ++back) {
    const Hop hop = bare_address(hops.from_last(back));
    if (hop.text.empty()) break;
    client = hop.text;
    if (!is_in_any(hop.address, trusted)) break;
  }
  return client;
}

}  // namespace mimus
