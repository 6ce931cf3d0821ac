// Listening sockets, workers, connections: from sockets to exchanges.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/net/exchange.h"
#include "host/net/loop.h"
#include "host/net/tls.h"
#include "mimus/result.h"

namespace mimus {

/// The limits of the contract's section 7.
struct Limits {
  std::size_t max_header_bytes = 32 << 10;
  std::size_t max_headers = 100;
  std::size_t max_uri_bytes = 8 << 10;
  std::size_t max_query_keys = 1000;
  std::size_t max_body_bytes = 10 << 20;
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds body_timeout{30'000};
  std::chrono::milliseconds keep_alive{60'000};
  std::size_t max_connections = 50'000;
  std::size_t max_connections_per_ip = 0;  ///< 0: none.
  std::size_t max_write_buffer = 1 << 20;
  std::chrono::milliseconds write_timeout{30'000};
  std::size_t max_message_bytes = 1 << 20;
  std::size_t max_json_depth = 100;
};

/// One listening socket for each address and worker, bound by the parent process and
/// inherited. Owns nothing: descriptors are numbers here.
struct Listener {
  std::vector<int> fds;  ///< Accepting on all of them, whatever the number of workers.
  std::string url;       ///< "http://127.0.0.1:3000", "https://…" for TLS, or "unix:PATH".
  bool serves_admin = true;
  bool serves_public = true;
};

/// Binds ADDR:PORT (":0" picks a port) or unix:PATH: first without SO_REUSEPORT, so that
/// an address in use is an error, then one more socket for each worker. Non-blocking,
/// close-on-exec, listening. ADDR is a numeric address, an IPv6 one in brackets, or
/// "localhost". A Unix socket is one for all workers, 0600; a stale one is replaced.
/// Waits up to 500 ms for an address whose owner may be dying.
/// Errors: conflict - in use, naming it;  invalid - does not parse;  unavailable - the system refused
Result<Listener> listen_on(const std::string& address, unsigned sockets);

/// Why a connection was closed as soon as it was accepted: the label `reason`.
enum class TurnedAway : std::uint8_t { max_connections, max_connections_per_ip, no_descriptor };
inline constexpr std::array<std::string_view, 3> turned_away_names{"max_connections",
                                                                   "max_connections_per_ip", "no_descriptor"};

/// What a client was too slow with: the label `waiting_for`.
enum class TimedOut : std::uint8_t { header, body, next_request, reader };
inline constexpr std::array<std::string_view, 4> timed_out_names{"header", "body", "next_request", "reader"};

/// The statuses that a connection refuses requests with: the label `status`.
inline constexpr std::array<int, 7> refusal_statuses{400, 408, 413, 414, 431, 501, 505};

/// Counters of the network, summed over the workers. See /metrics.
struct NetStats {
  std::uint64_t accepted = 0, active = 0, requests = 0, bytes_in = 0, bytes_out = 0,
                websockets = 0,  ///< Upgraded connections that are open now, as `active` is of all.
      tls_handshakes = 0,        ///< That came through.
      tls_failures = 0,          ///< Connections that ended before theirs came through.
      tls_active = 0,            ///< Open now, handshake done.
      timers = 0;                ///< That are armed on the loops.
  std::array<std::uint64_t, turned_away_names.size()> turned_away{};  ///< By TurnedAway.
  std::array<std::uint64_t, timed_out_names.size()> timed_out{};      ///< By TimedOut.
  std::array<std::uint64_t, refusal_statuses.size()> refused{};       ///< As refusal_statuses.
};

/// The workers. Thread-safe where it says so.
class Server {
 public:
  /// `make_service(loop)` is called once for each worker, on its thread, before it accepts.
  Server(const Clock& clock, const Limits& limits, unsigned workers,
         std::function<std::unique_ptr<Service>(Loop&)> make_service);
  ~Server();

  void add(const Listener& listener);  ///< Before start.
  /// What listeners with an https URL speak. Before start; it must outlive the workers.
  void use_tls(const TlsServer& tls);
  /// Where exceptions that ended a connection are reported, on any worker. Before start.
  void on_exception(std::function<void(const char* what)> report);
  Status start();  ///< Starts the threads; returns when all accept.

  unsigned workers() const;
  Loop& loop(unsigned index);  ///< For post. [any thread]

  /// Stops accepting (what is queued is accepted until EAGAIN; then new clients over TCP are
  /// refused, though another process holds the sockets, too), tells takeovers to say
  /// goodbye, closes idle connections, lets exchanges in flight finish with `Connection:
  /// close`, at most `grace`; then closes what is left. Blocks. [any thread but a worker]
  void drain(std::chrono::milliseconds grace);
  /// Ends the worker threads, destroying each Service on its own thread. After drain.
  void stop();

  NetStats stats() const;  ///< [any thread]

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mimus
