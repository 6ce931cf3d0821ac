// HTTP out: one client for each worker, on its loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/net/exchange.h"
#include "host/net/loop.h"
#include "mimus/result.h"

namespace mimus {

/// An absolute http or https URL, taken apart.
struct Url {
  bool tls = false;
  std::string host;  ///< Lower case, without brackets.
  std::uint16_t port = 0;
  std::string authority;   ///< For the Host field: the port left out where it is the default.
  std::string path_query;  ///< From "/" on, as it came; "/" at least. No fragment.

  /// Errors: invalid - not absolute, another scheme, user information, or a bad character
  static Result<Url> parse(std::string_view text);
  /// The same where ws and wss may stand for http and https.
  static Result<Url> parse_websocket(std::string_view text);
};

/// Which addresses may be connected to. Pure but for `own`.
struct AddressPolicy {
  bool allow_private = true;  ///< Loopback, private, link-local, CGNAT, and IPv6 that embeds them.
  bool https_only = false;    ///< --production
  /// "address:port" of Mimus's own listeners, with every address that a wildcard stands
  /// for; never connected to. Metadata addresses (169.254.169.254, fd00:ec2::254) never are.
  std::vector<std::string> own;

  /// Nothing if a connection to `address` (numeric, v4 or v6) is allowed, else why not.
  std::optional<std::string> refuses(std::string_view address, std::uint16_t port) const;
  /// The same for a URL whose host is a literal address, a name passes; and for its scheme. For
  /// definitions.
  std::optional<std::string> refuses(const Url& url) const;
};

enum class UpstreamError : std::uint8_t { unreachable, timeout, forbidden, protocol, cancelled };

/// Hears of one outbound exchange. All calls on the client's loop, never from within
/// Upstream::start. on_error or on_end is last.
class UpstreamReceiver {
 public:
  virtual ~UpstreamReceiver() = default;
  /// Hop-by-hop fields are left out; views are valid for the call. `length` is -1 where
  /// it is not known.
  virtual void on_head(int status, std::span<const Header> headers, std::int64_t length) = 0;
  virtual void on_data(std::string_view data) = 0;
  virtual void on_end() = 0;
  /// Also after on_head, when the answer breaks off.
  virtual void on_error(UpstreamError error, std::string_view why) = 0;
  /// Of a tunnel: the kernel has taken all that was waiting.
  virtual void on_sent() {}
};

struct UpstreamRequest {
  std::string_view method;
  Url url;
  std::span<const Header> headers;          ///< But Host, Content-Length and hop-by-hop fields. Copied.
  std::string_view body;                    ///< Copied.
  bool has_body = false;                    ///< Send Content-Length also when it is 0.
  std::chrono::milliseconds timeout{5000};  ///< Connect, TLS and the head's first byte; then idle bound.
  /// The protocol to switch to (RFC 9110, 7.8), or "". The answer 101, which must name it, makes the
  /// connection a tunnel: what comes is on_data, without an idle bound. Other answers are as ever.
  std::string_view upgrade = {};
};

/// Keep-alive pools by origin, names by c-ares, TLS by OpenSSL (certificate and name
/// checked, SSL_CERT_FILE/SSL_CERT_DIR honoured). The address that was checked is the
/// address that is connected to. Not thread-safe: one for each loop.
class Upstream {
 public:
  virtual ~Upstream() = default;  ///< Cancels all. Not from within a receiver's call.
  /// Names a started exchange; 0 is none.
  using Id = std::uint64_t;
  /// `receiver` must live until on_end, on_error or cancel.
  virtual Id start(const UpstreamRequest& request, UpstreamReceiver& receiver) = 0;
  virtual void cancel(Id id) = 0;  ///< No call follows. Stale ids are ignored.
  virtual void pause(Id id) = 0;   ///< No on_data until resume; the connection is not read.
  virtual void resume(Id id) = 0;

  /// Of a tunnel: copies and queues, without a bound. Else nothing.
  virtual void send(Id id, std::string_view data) = 0;
  virtual std::size_t queued(Id id) const = 0;  ///< Bytes that wait for the kernel; not yet those of a head.
  /// Sends what a tunnel has waiting, then closes once the peer has closed or the request's
  /// timeout is over. Else as cancel. No call follows.
  virtual void finish(Id id) = 0;
};

/// `loop` and `policy` must outlive the client. Call on the loop's thread.
std::unique_ptr<Upstream> make_upstream(Loop& loop, const AddressPolicy& policy);

}  // namespace mimus
