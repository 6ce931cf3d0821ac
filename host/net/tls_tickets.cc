// Tickets are AES-256-CBC with HMAC-SHA256, OpenSSL's own format; only the keys are ours.
#include "host/net/tls_tickets.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>

namespace mimus {
namespace {

bool set_mac(EVP_MAC_CTX* mac, TicketKey& key) {
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/// OpenSSL's protocol: -1 is an error, 0 no ticket, 1 a good one, 2 one to be renewed.
int seal_or_open(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                 int sealing) {
  TicketKeys& keys = *static_cast<TicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  const EVP_CIPHER* const aes = EVP_aes_256_cbc();
  if (sealing != 0) {
    std::optional<TicketKey> key = keys.current();
    if (!key || RAND_bytes(iv, EVP_CIPHER_get_iv_length(aes)) != 1) return -1;
    std::memcpy(name, key->name.data(), key->name.size());
    return EVP_EncryptInit_ex2(cipher, aes, key->cipher.data(), iv, nullptr) == 1 && set_mac(mac, *key) ? 1
                                                                                                        : -1;
  }
  std::optional<TicketKeys::Found> found = keys.find(name);
  if (!found) return 0;
  if (EVP_DecryptInit_ex2(cipher, aes, found->key.cipher.data(), iv, nullptr) != 1 ||
      !set_mac(mac, found->key))
    return -1;
  return found->renew ? 2 : 1;
}

}  // namespace

TicketKeys::~TicketKeys() {
  for (Dated& one : keys_) OPENSSL_cleanse(&one.key, sizeof one.key);
}

void TicketKeys::forget_old(std::chrono::microseconds now) {
  while (!keys_.empty() && now - keys_.back().made >= ticket_key_period + ticket_lifetime) {
    OPENSSL_cleanse(&keys_.back().key, sizeof(TicketKey));
    keys_.pop_back();
  }
}

std::optional<TicketKey> TicketKeys::current() {
  const std::chrono::microseconds now = clock_.now();
  const std::lock_guard lock(mutex_);
  forget_old(now);
  if (keys_.empty() || now - keys_.front().made >= ticket_key_period) {
    TicketKey made;
    if (RAND_bytes(made.name.data(), static_cast<int>(made.name.size())) != 1 ||
        RAND_priv_bytes(made.cipher.data(), static_cast<int>(made.cipher.size())) != 1 ||
        RAND_priv_bytes(made.mac.data(), static_cast<int>(made.mac.size())) != 1) {
      return std::nullopt;
    }
    keys_.push_front({made, now});
  }
  return keys_.front().key;
}

std::optional<TicketKeys::Found> TicketKeys::find(const unsigned char* name) {
  const std::chrono::microseconds now = clock_.now();
  const std::lock_guard lock(mutex_);
  forget_old(now);
  for (const Dated& one : keys_) {
    if (std::memcmp(one.key.name.data(), name, one.key.name.size()) == 0)
      return Found{one.key, now - one.made >= ticket_key_period};
  }
  return std::nullopt;
}

void TicketKeys::serve(ssl_ctx_st* context) {
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_timeout(context, ticket_lifetime.count());
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, seal_or_open);
}

}  // namespace mimus
