#include "tests/unit/net/test_certificates.h"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>

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
X509* sign(EVP_PKEY* key, const std::string& name, X509* issuer, EVP_PKEY* signer, const std::string& names) {
  X509* const out = X509_new();
  X509_set_version(out, 2);
  static long serial = 0;
  ASN1_INTEGER_set(X509_get_serialNumber(out), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(out), -3600);
  X509_gmtime_adj(X509_getm_notAfter(out), 3600);
  X509_set_pubkey(out, key);
  X509_NAME* const subject = X509_get_subject_name(out);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(out, issuer ? X509_get_subject_name(issuer) : subject);
  add_extension(out, issuer ? issuer : out, NID_basic_constraints,
                issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
  if (!names.empty()) add_extension(out, issuer, NID_subject_alt_name, names);
  EXPECT_NE(X509_sign(out, signer, EVP_sha256()), 0);
  return out;
}

}  // namespace

struct Certificates::State {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = sign(key, "Test authority", nullptr, key, "");
};

Certificates::Certificates() : state_(new State) {
  char name[] = "/tmp/mimus-tls-XXXXXX";
  directory_ = ::mkdtemp(name);
  authority_ = directory_ + "/authority.pem";
  std::FILE* const to = std::fopen(authority_.c_str(), "w");
  EXPECT_EQ(PEM_write_X509(to, state_->certificate), 1);
  std::fclose(to);
}

Certificates::~Certificates() {
  X509_free(state_->certificate);
  EVP_PKEY_free(state_->key);
  delete state_;
  std::filesystem::remove_all(directory_);
}

TlsFiles::Pair Certificates::make(const std::string& common_name, const std::string& names,
                                  unsigned rsa_bits) {
  EVP_PKEY* const key = rsa_bits ? EVP_RSA_gen(rsa_bits) : EVP_EC_gen("P-256");
  X509* const certificate = sign(key, common_name, state_->certificate, state_->key, names);
  const TlsFiles::Pair out{file(""), file("")};
  std::FILE* to = std::fopen(out.certificate.c_str(), "w");
  EXPECT_EQ(PEM_write_X509(to, certificate), 1);
  std::fclose(to);
  to = std::fopen(out.key.c_str(), "w");
  EXPECT_EQ(PEM_write_PrivateKey(to, key, nullptr, nullptr, 0, nullptr, nullptr), 1);
  std::fclose(to);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return out;
}

std::string Certificates::file(const std::string& text) {
  const std::string path = directory_ + "/" + std::to_string(++files_) + ".pem";
  std::FILE* const to = std::fopen(path.c_str(), "w");
  std::fwrite(text.data(), 1, text.size(), to);
  std::fclose(to);
  return path;
}

}  // namespace mimus
