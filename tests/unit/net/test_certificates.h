// Certificates and keys in PEM files in a scratch directory, signed by an authority of the test's own.
#pragma once

#include <string>

#include "host/net/tls.h"

namespace mimus {

class Certificates {
 public:
  Certificates();
  ~Certificates();
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  /// The authority's certificate.
  const std::string& authority() const { return authority_; }

  /// One more pair. `names` as OpenSSL writes them ("DNS:a,IP:127.0.0.1"), "" for none. The key is
  /// P-256, or RSA with `rsa_bits`.
  TlsFiles::Pair make(const std::string& common_name, const std::string& names, unsigned rsa_bits = 0);

  /// A file with any text.
  std::string file(const std::string& text);

 private:
  struct State;
  State* state_;
  std::string directory_, authority_;
  int files_ = 0;
};

}  // namespace mimus
