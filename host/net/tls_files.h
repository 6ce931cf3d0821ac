// Certificates and keys out of PEM files, checked; and the names that a certificate bears.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mimus/result.h"

struct evp_pkey_st;
struct x509_st;

namespace mimus {

struct TlsFree {
  void operator()(x509_st* certificate) const;
  void operator()(evp_pkey_st* key) const;
};
using Certificate = std::unique_ptr<x509_st, TlsFree>;
using PrivateKey = std::unique_ptr<evp_pkey_st, TlsFree>;

/// All of a file's certificates, in its order; at least one. `kind` begins messages: "tls-cert".
/// Errors: unavailable - the file cannot be read;  corrupt - it holds something else
Result<std::vector<Certificate>> read_certificates(const std::string& kind, const std::string& file);

/// Errors: unavailable - the file cannot be read
///         corrupt     - it holds no private key, or one with a passphrase
Result<PrivateKey> read_private_key(const std::string& kind, const std::string& file);

/// DNS names in lower case, wildcards as "*.example.com": the subject's alternative ones, or
/// where there are none its common name.
std::vector<std::string> names_of(x509_st* certificate);

/// What OpenSSL's newest error says, for messages; takes it off.
std::string tls_reason();

}  // namespace mimus
