// Which addresses may be connected to: the guard against server-side request forgery.
#include <charconv>
#include <cstring>
#include <initializer_list>

#include "host/upstream/address.h"
#include "host/upstream/upstream.h"

namespace mimus {
namespace {

/// How far an address reaches, from the most to the least welcome.
enum class Reach : std::uint8_t { everywhere, internal, nowhere, metadata };

struct Range {
  std::array<std::uint8_t, 16> prefix;
  unsigned bits;
  Reach reach;
  const char* name;
};

// The first that matches counts.
constexpr Range v4_ranges[] = {
    {{169, 254, 169, 254}, 32, Reach::metadata, "a cloud's metadata address"},
    {{0}, 8, Reach::nowhere, "unspecified"},
    {{10}, 8, Reach::internal, "private"},
    {{100, 64}, 10, Reach::internal, "shared by carrier-grade NAT"},
    {{127}, 8, Reach::internal, "loopback"},
    {{169, 254}, 16, Reach::internal, "link-local"},
    {{172, 16}, 12, Reach::internal, "private"},
    {{192, 0, 0}, 24, Reach::internal, "reserved"},
    {{192, 0, 2}, 24, Reach::internal, "for documentation"},
    {{192, 168}, 16, Reach::internal, "private"},
    {{198, 18}, 15, Reach::internal, "for benchmarks"},
    {{198, 51, 100}, 24, Reach::internal, "for documentation"},
    {{203, 0, 113}, 24, Reach::internal, "for documentation"},
    {{255, 255, 255, 255}, 32, Reach::nowhere, "broadcast"},
    {{224}, 4, Reach::nowhere, "multicast"},
    {{240}, 4, Reach::nowhere, "reserved"},
};

constexpr Range v6_ranges[] = {
    {{0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54},
     128,
     Reach::metadata,
     "a cloud's metadata address"},
    {{}, 128, Reach::nowhere, "unspecified"},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, Reach::internal, "loopback"},
    {{0xff}, 8, Reach::nowhere, "multicast"},
    {{0xfe, 0x80}, 10, Reach::internal, "link-local"},
    {{0xfe, 0xc0}, 10, Reach::internal, "site-local"},
    {{0xfc}, 7, Reach::internal, "unique-local"},
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 48, Reach::internal, "for local translation"},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, Reach::internal, "for documentation"},
    {{0x20}, 3, Reach::everywhere, "global"},
};

bool has_prefix(const Address& address, const std::array<std::uint8_t, 16>& prefix, unsigned bits) {
  const unsigned whole = bits / 8, rest = bits % 8;
  if (std::memcmp(address.bytes.data(), prefix.data(), whole) != 0) return false;
  return rest == 0 || (address.bytes[whole] ^ prefix[whole]) >> (8 - rest) == 0;
}

struct Verdict {
  Reach reach = Reach::internal;
  const char* name = "not routed on the Internet";
};

Verdict of_ranges(const Address& address) {
  const auto search = [&](const auto& ranges, Verdict otherwise) {
    for (const Range& range : ranges) {
      if (has_prefix(address, range.prefix, range.bits)) return Verdict{range.reach, range.name};
    }
    return otherwise;
  };
  return address.v6 ? search(v6_ranges, Verdict{}) : search(v4_ranges, Verdict{Reach::everywhere, "global"});
}

/// The IPv4 addresses that an IPv6 address stands for or tunnels to; `count` of them.
struct Embedded {
  Address v4[2];
  unsigned count = 0;
};

Embedded embedded_in(const Address& address) {
  Embedded out;
  if (!address.v6) return out;
  const auto& b = address.bytes;
  const auto add = [&](unsigned at, std::uint8_t flip = 0) {
    out.v4[out.count++] = Address::v4(b[at] ^ flip, b[at + 1] ^ flip, b[at + 2] ^ flip, b[at + 3] ^ flip);
  };
  const bool mapped = has_prefix(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96);
  const bool compatible = has_prefix(address, {}, 96) && !has_prefix(address, {}, 112);
  const bool translated = has_prefix(address, {0, 0x64, 0xff, 0x9b}, 96);
  const bool isatap = (b[8] & 0xfd) == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe;
  if (mapped || compatible || translated || isatap) add(12);
  if (has_prefix(address, {0x20, 0x02}, 16)) add(2);  // 6to4
  if (has_prefix(address, {0x20, 0x01, 0, 0}, 32)) {  // Teredo: server, and client inverted
    out.count = 0;
    add(4);
    add(12, 0xff);
  }
  return out;
}

/// What embeds an address reaches what that reaches, and is itself no better than it.
Verdict classify(const Address& address) {
  const Embedded embedded = embedded_in(address);
  if (embedded.count == 0) return of_ranges(address);
  Verdict worst{Reach::everywhere, "global"};
  for (unsigned i = 0; i < embedded.count; ++i) {
    const Verdict one = of_ranges(embedded.v4[i]);
    if (one.reach > worst.reach) worst = one;
  }
  const bool native = !has_prefix(address, {}, 32) && !has_prefix(address, {0, 0x64, 0xff, 0x9b}, 96);
  if (const Verdict outer = of_ranges(address); native && outer.reach > worst.reach) return outer;
  return worst;
}

bool is_loopback(const Address& address) {
  return address.v6 ? has_prefix(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128)
                    : address.bytes[0] == 127;
}

bool is_unspecified(const Address& address) { return address == Address{address.v6, {}}; }

/// "address:port", with or without brackets, "*" for every address.
bool is_listener(std::string_view listener, std::initializer_list<const Address*> candidates,
                 std::uint16_t port) {
  const std::size_t colon = listener.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::uint16_t own_port = 0;
  std::from_chars(listener.data() + colon + 1, listener.data() + listener.size(), own_port);
  if (own_port != port) return false;
  std::string_view host = listener.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  auto own = Address::parse(host);
  if (!own && host == "*") own = Address{};
  if (!own) return false;
  if (const Embedded mapped = embedded_in(*own); mapped.count == 1) own = mapped.v4[0];
  for (const Address* candidate : candidates) {
    if (*candidate == *own) return true;
    // All of 127.0.0.0/8 and the unspecified address reach what listens on a wildcard.
    if (is_unspecified(*own) && (is_loopback(*candidate) || is_unspecified(*candidate))) return true;
  }
  return false;
}

}  // namespace

std::optional<std::string> AddressPolicy::refuses(std::string_view address, std::uint16_t port) const {
  const auto parsed = Address::parse(address);
  if (!parsed) return "\"" + std::string(address) + "\" is not an address";
  const Embedded embedded = embedded_in(*parsed);
  const Address& first = embedded.count > 0 ? embedded.v4[0] : *parsed;
  const Address& second = embedded.count > 1 ? embedded.v4[1] : *parsed;
  for (const std::string& listener : own) {
    if (is_listener(listener, {&*parsed, &first, &second}, port)) {
      return parsed->text() + ":" + std::to_string(port) + " is one of Mimus's own listeners";
    }
  }
  const Verdict verdict = classify(*parsed);
  if (verdict.reach == Reach::everywhere || (verdict.reach == Reach::internal && allow_private))
    return std::nullopt;
  return parsed->text() + " is " + verdict.name;
}

std::optional<std::string> AddressPolicy::refuses(const Url& url) const {
  if (https_only && !url.tls) return "only https targets are allowed (--production)";
  if (!Address::parse(url.host)) return std::nullopt;
  return refuses(url.host, url.port);
}

}  // namespace mimus
