// OpenSSL's settings for the server's side, and which certificate a name gets.
#include "host/net/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <mutex>
#include <unordered_map>
#include <utility>

#include "host/net/tls_files.h"
#include "host/net/tls_tickets.h"

namespace mimus {
namespace {

// Ours comes first, but a client that has no AES in hardware says so by its order.
constexpr const char* ciphers_of_12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* ciphers_of_13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* groups = "X25519:P-256:P-384";
constexpr int security_level = 2;  // 112 bits: no RSA below 2048, no SHA-1.

struct ContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, ContextFree>;

/// The contexts by name. Belongs to the first one, and with it to every session that began there.
struct Chooser {
  std::vector<Context> others;
  std::unordered_map<std::string, SSL_CTX*> by_name;

  SSL_CTX* find(std::string name) const {
    for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    auto at = by_name.find(name);
    if (at == by_name.end()) {
      const std::size_t dot = name.find('.');
      if (dot != name.npos && dot > 0) at = by_name.find("*" + name.substr(dot));
    }
    return at == by_name.end() ? nullptr : at->second;
  }
};

void free_chooser(void*, void* chooser, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Chooser*>(chooser);
}

int chooser_slot() {
  static const int slot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_chooser);
  return slot;
}

int choose_certificate(SSL* ssl, int*, void* chooser) {
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_CTX* const found = static_cast<const Chooser*>(chooser)->find(name);
  if (found != nullptr) SSL_set_SSL_CTX(ssl, found);
  return SSL_TLSEXT_ERR_OK;
}

/// HTTP/2 will stand before it.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned offered_size, void*) {
  static constexpr unsigned char ours[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, ours, sizeof ours - 1, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

Error refused(const std::string& what) { return {Code::unavailable, what + ": " + tls_reason()}; }

Status take_pair(SSL_CTX* context, const TlsFiles::Pair& pair, std::vector<std::string>& names) {
  const auto chain = read_certificates("tls-cert", pair.certificate);
  if (!chain) return chain.error();
  const auto key = read_private_key("tls-key", pair.key);
  if (!key) return key.error();
  ERR_clear_error();
  if (X509_check_private_key(chain->front().get(), key->get()) != 1) {
    ERR_clear_error();
    return Error{Code::conflict, "tls-key: " + pair.key + " is not the key of the certificate in " +
                                     pair.certificate + "; give the pairs in the same order"};
  }
  if (SSL_CTX_use_certificate(context, chain->front().get()) != 1)
    return refused("tls-cert: " + pair.certificate + " cannot be used");
  if (SSL_CTX_use_PrivateKey(context, key->get()) != 1)
    return refused("tls-key: " + pair.key + " cannot be used");
  for (std::size_t i = 1; i < chain->size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, (*chain)[i].get()) != 1)
      return refused("tls-cert: certificate " + std::to_string(i + 1) + " in " + pair.certificate +
                     " cannot be used");
  }
  names = names_of(chain->front().get());
  return Done{};
}

/// Also what sets sessions apart: a ticket is good only where the same authorities verify.
Status ask_for_certificates(SSL_CTX* context, const std::string& file) {
  if (file.empty()) {
    static constexpr unsigned char nobody[] = "mimus";
    if (SSL_CTX_set_session_id_context(context, nobody, sizeof nobody - 1) == 1) return Done{};
    return refused("TLS");
  }
  const auto authorities = read_certificates("tls-client-ca", file);
  if (!authorities) return authorities.error();
  ERR_clear_error();
  std::string fingerprints;
  for (const Certificate& one : *authorities) {
    unsigned char fingerprint[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), one.get()) != 1 ||
        SSL_CTX_add_client_CA(context, one.get()) != 1 ||
        X509_digest(one.get(), EVP_sha256(), fingerprint, &size) != 1) {
      return refused("tls-client-ca: " + file + " cannot be used");
    }
    fingerprints.append(reinterpret_cast<const char*>(fingerprint), size);
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(fingerprints.data(), fingerprints.size(), digest, &size, EVP_sha256(), nullptr) != 1 ||
      SSL_CTX_set_session_id_context(context, digest, size) != 1) {
    return refused("tls-client-ca: " + file + " cannot be used");
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  return Done{};
}

Result<Context> make_context(const TlsFiles::Pair& pair, const std::string& client_ca, TicketKeys& tickets,
                             std::vector<std::string>& names) {
  ERR_clear_error();
  Context out(SSL_CTX_new(TLS_server_method()));
  if (!out) return refused("TLS");
  SSL_CTX* const context = out.get();
  SSL_CTX_set_security_level(context, security_level);
  if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_max_proto_version(context, 0) != 1 ||
      SSL_CTX_set_cipher_list(context, ciphers_of_12) != 1 ||
      SSL_CTX_set_ciphersuites(context, ciphers_of_13) != 1 ||
      SSL_CTX_set1_groups_list(context, groups) != 1) {
    return refused("TLS");
  }
  // A FIN without close_notify is how many clients end; a request's end never hangs on it.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  tickets.serve(context);
  if (Status taken = take_pair(context, pair, names); !taken) return std::move(taken).error();
  if (Status asking = ask_for_certificates(context, client_ca); !asking) return std::move(asking).error();
  return out;
}

/// The first context, which owns the others.
Result<Context> make_contexts(const TlsFiles& files, TicketKeys& tickets) {
  Context first;
  auto chooser = std::make_unique<Chooser>();
  for (const TlsFiles::Pair& pair : files.pairs) {
    std::vector<std::string> names;
    Result<Context> made = make_context(pair, files.client_ca, tickets, names);
    if (!made) return made;
    for (std::string& name : names) chooser->by_name.emplace(std::move(name), made->get());
    if (!first) {
      first = *std::move(made);
    } else {
      chooser->others.push_back(*std::move(made));
    }
  }
  if (!first) return Error{Code::unavailable, "tls-cert: there is no certificate"};
  SSL_CTX_set_tlsext_servername_callback(first.get(), choose_certificate);
  SSL_CTX_set_tlsext_servername_arg(first.get(), chooser.get());
  if (SSL_CTX_set_ex_data(first.get(), chooser_slot(), chooser.get()) != 1) return refused("TLS");
  (void)chooser.release();  // the context's now
  return first;
}

}  // namespace

struct TlsServer::State {
  explicit State(const Clock& clock) : tickets(clock) {}
  TicketKeys tickets;
  std::mutex mutex;
  Context current;  // Guarded by the mutex.
};

TlsServer::TlsServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsServer::~TlsServer() = default;

Result<std::unique_ptr<TlsServer>> TlsServer::open(const TlsFiles& files, const Clock& clock) {
  std::unique_ptr<TlsServer> out(new TlsServer(std::make_unique<State>(clock)));
  if (Status loaded = out->reload(files); !loaded) return std::move(loaded).error();
  return out;
}

Status TlsServer::reload(const TlsFiles& files) {
  Result<Context> made = make_contexts(files, state_->tickets);
  if (!made) return std::move(made).error();
  const std::lock_guard lock(state_->mutex);
  state_->current.swap(*made);
  return Done{};
}

std::unique_ptr<TlsStream> TlsServer::accept(int fd) const {
  Context context;
  {
    const std::lock_guard lock(state_->mutex);
    SSL_CTX_up_ref(state_->current.get());
    context.reset(state_->current.get());
  }
  return TlsStream::accept(context.get(), fd);
}

}  // namespace mimus
