// TLS for clients: certificates chosen by the name that a client asks for, replaced while it serves.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host/net/tls_stream.h"
#include "mimus/clock.h"
#include "mimus/result.h"

namespace mimus {

/// PEM files.
struct TlsFiles {
  struct Pair {
    std::string certificate;  ///< The server's first, then its chain.
    std::string key;          ///< Without a passphrase.
  };
  std::vector<Pair> pairs;  ///< None: no TLS. The first is also for names that no certificate bears.
  std::string client_ca;    ///< "": clients are not asked for a certificate.
};

/// TLS 1.2 and 1.3 with ECDHE and AEAD ciphers, session tickets, SNI, ALPN (http/1.1). A client
/// may show a certificate where `client_ca` is given; one that does not verify ends the handshake.
/// Thread-safe.
class TlsServer {
 public:
  /// `clock` must outlive it.
  /// Errors: unavailable - a file cannot be read, or OpenSSL refuses what it holds
  ///         corrupt     - a file is not PEM of the right kind
  ///         conflict    - a key does not belong to its certificate
  /// Each names the file.
  static Result<std::unique_ptr<TlsServer>> open(const TlsFiles& files, const Clock& clock);
  ~TlsServer();

  /// Reads the files anew, for the handshakes from now on. Connections and tickets stay good, but
  /// for tickets of clients that other authorities had verified.
  /// Errors: as open, and what was there before stays.
  Status reload(const TlsFiles& files);

  /// A server's side on the connected, non-blocking `fd`, which it does not own. It must not
  /// outlive this. nullptr: no memory.
  std::unique_ptr<TlsStream> accept(int fd) const;

 private:
  struct State;
  explicit TlsServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mimus
