// What a plugin asks of the host beyond its own exchanges, and what it is granted.
// Least privilege and an account of what is used; no wall: loaded code is trusted code.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mimus {

/// Declared in a manifest, or granted to an instance. What is always there (http, async,
/// timer, hash, metrics, task) is not among them.
struct Capabilities {
  bool kv = false, fetch = false, forward = false, journal = false, channel = false;
  /// Where fetch may go: HOST, HOST:PORT or HOST:*, where HOST is a name, an address ([v6]),
  /// *.SUFFIX or *. Without a port it is 443.
  std::vector<std::string> fetch_hosts;

  bool operator==(const Capabilities&) const = default;
};

/// The names that manifests, `pluginCapabilities` and keys' ceilings may use.
constexpr std::string_view capability_names[] = {"kv", "fetch", "forward", "journal", "channel"};
bool is_capability(std::string_view name);

/// Those that are set, by name.
std::vector<std::string> names_of(const Capabilities& capabilities);

/// `capabilities` without those named.
Capabilities without(Capabilities capabilities, const std::vector<std::string>& names);
/// `capabilities` as far as they are named.
Capabilities within(Capabilities capabilities, const std::vector<std::string>& names);

/// Whether the extension `id` ("mimus.kv/1") may be given: true for those that need no
/// capability and for those that the host does not know. [any]
bool may_use(const Capabilities& granted, std::string_view id);

/// Whether `host` (a name in any case, or an address without brackets) and `port` are among
/// those that fetch may call. False where fetch is not granted. [any]
bool fetch_allowed(const Capabilities& granted, std::string_view host, unsigned port);

/// Whether `text` is a host that fetch_hosts may hold.
bool is_fetch_host(std::string_view text);

}  // namespace mimus
