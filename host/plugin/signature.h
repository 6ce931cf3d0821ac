// The signature at the end of a plugin file, so that a plugin stays one file. Pure but for OpenSSL.
//
//   [elf][SHA-256 of elf: 32][key id: 8][Ed25519 signature: 64]["MIMSIG1\0": 8]
//
// Signed is signature_context followed by the SHA-256; a key's id is the beginning of the
// SHA-256 of its 32 raw public bytes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mimus/result.h"

struct evp_pkey_st;

namespace mimus {

constexpr std::string_view signature_context{"mimus plugin signature v1\0", 26};
constexpr std::string_view signature_magic{"MIMSIG1\0", 8};
constexpr std::size_t signature_block_bytes = 32 + 8 + 64 + 8;

using Sha256 = std::array<std::uint8_t, 32>;
Sha256 sha256(std::string_view bytes);
std::string hex(std::string_view bytes);
inline std::string hex(const Sha256& hash) { return hex({reinterpret_cast<const char*>(hash.data()), 32}); }

struct FreeKey {
  void operator()(evp_pkey_st* key) const;
};

/// An Ed25519 key, whole or public only. Movable; usable by several threads at once.
class SigningKey {
 public:
  /// Errors: invalid - no PEM, or another kind of key than Ed25519 (the message names the
  ///                   command that makes one); `name` is for messages
  static Result<SigningKey> public_from(std::string_view pem, const std::string& name);
  static Result<SigningKey> private_from(std::string_view pem, const std::string& name);

  std::string id() const;  ///< 16 hex digits.

 private:
  explicit SigningKey(evp_pkey_st* key);
  friend Result<std::string> sign(std::string_view, const SigningKey&);
  friend bool holds(const struct SignatureBlock&, const SigningKey&);
  std::unique_ptr<evp_pkey_st, FreeKey> key_;
  std::string raw_id_;
};

/// What stands at the end of a file.
struct SignatureBlock {
  Sha256 hash{};          ///< Of what it says was signed.
  std::string key_id;     ///< 16 hex digits.
  std::string signature;  ///< 64 bytes.
};

/// The last block of `file`, or nothing.
std::optional<SignatureBlock> signature_of(std::string_view file);
/// Whether what follows the ELF object is the beginning of a signature of it.
bool has_cut_signature(std::string_view file);
/// `file` without the block at its end, if there is one.
std::string_view unsigned_part(std::string_view file);
/// Whether `key` signed what `block` says. The hash is not compared with any file.
bool holds(const SignatureBlock& block, const SigningKey& key);
/// `file` with one block at its end, every former one replaced.
/// Errors: invalid - `key` is public only
Result<std::string> sign(std::string_view file, const SigningKey& key);

}  // namespace mimus
