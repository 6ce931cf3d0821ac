#include "host/plugin/signature.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "host/plugin/elf_reader.h"

namespace mimus {
namespace {

constexpr std::size_t key_bytes = 32, key_id_bytes = 8, signature_bytes = 64;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

/// `read` is one of PEM's readers.
template <class Read>
Key parse(std::string_view pem, Read read) {
  struct FreeBio {
    void operator()(BIO* bio) const { BIO_free(bio); }
  };
  if (pem.size() > INT32_MAX) return {};
  const std::unique_ptr<BIO, FreeBio> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Key key(read(in.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return key;
}

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Digest = std::unique_ptr<EVP_MD_CTX, FreeDigest>;

std::string message_of(const Sha256& hash) {
  return std::string(signature_context).append(reinterpret_cast<const char*>(hash.data()), hash.size());
}

std::string id_of(EVP_PKEY* key) {
  unsigned char raw[key_bytes];
  std::size_t size = sizeof raw;
  if (EVP_PKEY_get_raw_public_key(key, raw, &size) != 1) return {};
  const Sha256 hash = sha256({reinterpret_cast<const char*>(raw), size});
  return {reinterpret_cast<const char*>(hash.data()), key_id_bytes};
}

}  // namespace

Sha256 sha256(std::string_view text) {
  Sha256 out{};
  EVP_Digest(text.data(), text.size(), out.data(), nullptr, EVP_sha256(), nullptr);
  return out;
}

std::string hex(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

void FreeKey::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

SigningKey::SigningKey(evp_pkey_st* key) : key_(key), raw_id_(id_of(key)) {}

Result<SigningKey> SigningKey::public_from(std::string_view pem, const std::string& name) {
  Key key = parse(pem, PEM_read_bio_PUBKEY);
  if (key == nullptr) {
    return invalid(
        name + " holds no public key in PEM; make it with openssl pkey -in PRIVATE.pem -pubout -out " + name);
  }
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) {
    return invalid(name + " is no Ed25519 key; make one with openssl genpkey -algorithm ed25519");
  }
  return SigningKey(key.release());
}

Result<SigningKey> SigningKey::private_from(std::string_view pem, const std::string& name) {
  Key key = parse(pem, PEM_read_bio_PrivateKey);
  if (key == nullptr) {
    return invalid(name +
                   " holds no private key in PEM, or the wrong pass phrase was given; make one with openssl "
                   "genpkey -algorithm "
                   "ed25519 -out " +
                   name);
  }
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) {
    return invalid(name + " is no Ed25519 key; make one with openssl genpkey -algorithm ed25519");
  }
  return SigningKey(key.release());
}

std::string SigningKey::id() const { return hex(raw_id_); }

std::optional<SignatureBlock> signature_of(std::string_view file) {
  if (file.size() < signature_block_bytes || !file.ends_with(signature_magic)) return std::nullopt;
  const std::string_view block = file.substr(file.size() - signature_block_bytes);
  SignatureBlock out;
  std::memcpy(out.hash.data(), block.data(), out.hash.size());
  out.key_id = hex(block.substr(out.hash.size(), key_id_bytes));
  out.signature = block.substr(out.hash.size() + key_id_bytes, signature_bytes);
  return out;
}

bool has_cut_signature(std::string_view file) {
  const auto elf = ElfReader::open(file);
  if (!elf || elf->end() >= file.size() || file.size() - elf->end() >= signature_block_bytes) return false;
  const std::string_view rest = file.substr(elf->end());
  const Sha256 hash = sha256(file.substr(0, elf->end()));
  return std::memcmp(rest.data(), hash.data(), std::min(rest.size(), hash.size())) == 0;
}

std::string_view unsigned_part(std::string_view file) {
  return signature_of(file) ? file.substr(0, file.size() - signature_block_bytes) : file;
}

bool holds(const SignatureBlock& block, const SigningKey& key) {
  const Digest context(EVP_MD_CTX_new());
  const std::string message = message_of(block.hash);
  const bool good = EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.key_.get()) == 1 &&
                    EVP_DigestVerify(context.get(), bytes(block.signature), block.signature.size(),
                                     bytes(message), message.size()) == 1;
  ERR_clear_error();
  return good;
}

Result<std::string> sign(std::string_view file, const SigningKey& key) {
  while (signature_of(file)) file = unsigned_part(file);
  const Sha256 hash = sha256(file);
  const std::string message = message_of(hash);
  std::string signature(signature_bytes, '\0');
  std::size_t size = signature.size();
  const Digest context(EVP_MD_CTX_new());
  const bool good = EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.key_.get()) == 1 &&
                    EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                                   bytes(message), message.size()) == 1;
  ERR_clear_error();
  if (!good || size != signature_bytes) return invalid("the key cannot sign; it must be a private one");
  std::string out(file);
  out.append(reinterpret_cast<const char*>(hash.data()), hash.size());
  return out.append(key.raw_id_).append(signature).append(signature_magic);
}

}  // namespace mimus
