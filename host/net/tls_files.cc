#include "host/net/tls_files.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace mimus {
namespace {

constexpr std::size_t max_file_bytes = 10 << 20;

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Memory = std::unique_ptr<BIO, BioFree>;

/// A PEM file's text.
Result<std::string> read_text(const std::string& kind, const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text(max_file_bytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.is_open() || in.bad())
    return Error{Code::unavailable, kind + ": " + file + " cannot be read: " + std::strerror(errno) +
                                        "; give a PEM file that this user may read"};
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > max_file_bytes)
    return Error{Code::corrupt, kind + ": " + file + " is larger than 10 MiB"};
  return text;
}

Memory memory_of(const std::string& text) {
  return Memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// Where a passphrase is asked for: nobody is there to type it.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

std::string lowered(const ASN1_STRING* text) {
  std::string out(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                  static_cast<std::size_t>(ASN1_STRING_length(text)));
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return out;
}

}  // namespace

void TlsFree::operator()(x509_st* certificate) const { X509_free(certificate); }
void TlsFree::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

std::string tls_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* const reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return reason != nullptr ? reason : "OpenSSL refused it";
}

Result<std::vector<Certificate>> read_certificates(const std::string& kind, const std::string& file) {
  const Result<std::string> text = read_text(kind, file);
  if (!text) return text.error();
  ERR_clear_error();
  const Memory memory = memory_of(*text);
  std::vector<Certificate> out;
  while (X509* const one = PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr)) out.emplace_back(one);
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = tls_reason();
  if (!at_end) {
    return Error{Code::corrupt, kind + ": certificate " + std::to_string(out.size() + 1) + " in " + file +
                                    " cannot be parsed (" + reason + "); give PEM certificates"};
  }
  if (out.empty())
    return Error{Code::corrupt, kind + ": " + file + " holds no PEM certificate; give one that does"};
  return out;
}

Result<PrivateKey> read_private_key(const std::string& kind, const std::string& file) {
  Result<std::string> text = read_text(kind, file);
  if (!text) return text.error();
  ERR_clear_error();
  bool passphrase = false;
  PrivateKey key(PEM_read_bio_PrivateKey(memory_of(*text).get(), nullptr, no_passphrase, &passphrase));
  OPENSSL_cleanse(text->data(), text->size());
  const std::string reason = tls_reason();
  if (key) return key;
  if (passphrase) {
    return Error{Code::corrupt,
                 kind + ": " + file + " is protected by a passphrase; give the key without one"};
  }
  return Error{Code::corrupt,
               kind + ": " + file + " holds no PEM private key (" + reason + "); give one that does"};
}

std::vector<std::string> names_of(x509_st* certificate) {
  std::vector<std::string> out;
  if (auto* const names = static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))) {
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
      const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names, i);
      if (name->type == GEN_DNS) out.push_back(lowered(name->d.dNSName));
    }
    GENERAL_NAMES_free(names);
  }
  if (!out.empty()) return out;
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) out.push_back(lowered(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  return out;
}

}  // namespace mimus
