// Certificates through OpenSSL's API, so that no tool needs to be there.
#include "certificates.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>

#include "gtest/gtest.h"

namespace mimus {
namespace {

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  ASSERT_NE(extension, nullptr) << value;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

/// Signed by `signer`; `issuer` is nullptr for one that signs itself.
X509* make(EVP_PKEY* key, const char* name, X509* issuer, EVP_PKEY* signer, const std::string& names) {
  X509* const out = X509_new();
  X509_set_version(out, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(out), issuer ? 2 : 1);
  X509_gmtime_adj(X509_getm_notBefore(out), -3600);
  X509_gmtime_adj(X509_getm_notAfter(out), 3600);
  X509_set_pubkey(out, key);
  X509_NAME* const subject = X509_get_subject_name(out);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1,
                             -1, 0);
  X509_set_issuer_name(out, issuer ? X509_get_subject_name(issuer) : subject);
  add_extension(out, issuer ? issuer : out, NID_basic_constraints,
                issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
  if (issuer) add_extension(out, issuer, NID_subject_alt_name, names);
  EXPECT_NE(X509_sign(out, signer, EVP_sha256()), 0);
  return out;
}

}  // namespace

struct Authority::State {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = make(key, "Test authority", nullptr, key, "");
};

Authority::Authority() : state_(new State) {
  char name[] = "/tmp/mimus-upstream-XXXXXX";
  directory_ = ::mkdtemp(name);
  file_ = directory_ + "/ca.pem";
  std::FILE* const file = std::fopen(file_.c_str(), "w");
  EXPECT_EQ(PEM_write_X509(file, state_->certificate), 1);
  std::fclose(file);
}

Authority::~Authority() {
  X509_free(state_->certificate);
  EVP_PKEY_free(state_->key);
  delete state_;
  ::unlink(file_.c_str());
  ::rmdir(directory_.c_str());
}

ssl_ctx_st* Authority::server(const std::string& names) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = make(key, "Test server", state_->certificate, state_->key, names);
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  EXPECT_EQ(SSL_CTX_use_certificate(context, certificate), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey(context, key), 1);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return context;
}

}  // namespace mimus
