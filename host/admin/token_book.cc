// Hashing and comparing of secrets, by OpenSSL.
#include "host/admin/token_book.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>

namespace mimus::admin {
namespace {

constexpr std::size_t secret_chars = 32;

/// The token after "Bearer", "" if it is another scheme.
std::string_view bearer(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  if (authorization.size() < scheme.size()) return {};
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    if ((authorization[i] | 32) != (scheme[i] | 32)) return {};
  }
  authorization.remove_prefix(scheme.size());
  while (authorization.starts_with(' ')) authorization.remove_prefix(1);
  return authorization;
}

bool equal(const std::string& a, const std::string& b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

/// 192 random bits in the URL-safe alphabet of base 64.
Result<std::string> random_secret() {
  static constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  unsigned char bytes[secret_chars];
  if (RAND_bytes(bytes, sizeof bytes) != 1)
    return Error{Code::unavailable, "the system gives no random bytes"};
  std::string out = "mimus_";
  for (const unsigned char byte : bytes) out += alphabet[byte & 63];
  return out;
}

}  // namespace

std::string sha256(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  return {reinterpret_cast<const char*>(digest), size};
}

std::string_view name_of(Role role) {
  switch (role) {
    case Role::viewer:
      return "viewer";
    case Role::editor:
      return "editor";
    case Role::admin:
      return "admin";
  }
  return "viewer";
}

std::optional<Role> parse_role(std::string_view name) {
  for (const Role role : {Role::viewer, Role::editor, Role::admin}) {
    if (name_of(role) == name) return role;
  }
  return std::nullopt;
}

TokenBook::TokenBook(TokenStore& store, std::vector<Token> tokens, std::string first)
    : store_(store), first_(std::move(first)), tokens_(std::move(tokens)), ids_(random_seed()) {}

Result<std::unique_ptr<TokenBook>> TokenBook::open(TokenStore& store, std::string_view first_secret) {
  auto tokens = store.all();
  if (!tokens) return std::move(tokens).error();
  std::string first = first_secret.empty() ? "" : sha256(first_secret);
  return std::unique_ptr<TokenBook>(new TokenBook(store, *std::move(tokens), std::move(first)));
}

std::optional<Role> TokenBook::role_of(std::string_view authorization) const {
  const std::string_view secret = bearer(authorization);
  if (secret.empty()) return std::nullopt;
  const std::string hash = sha256(secret);
  std::optional<Role> role;
  if (equal(hash, first_)) role = Role::admin;
  const std::lock_guard lock(mutex_);
  for (const Token& token : tokens_) {
    if (equal(hash, token.sha256) && (!role || *role < token.role)) role = token.role;
  }
  return role;
}

Result<std::pair<Token, std::string>> TokenBook::create(std::string name, Role role, std::int64_t wall_us) {
  auto secret = random_secret();
  if (!secret) return std::move(secret).error();
  Token token{ids_.next(wall_us), std::move(name), role, sha256(*secret), wall_us};
  if (auto put = store_.put(token); !put) return std::move(put).error();
  const std::lock_guard lock(mutex_);
  tokens_.push_back(token);
  return std::pair(std::move(token), *std::move(secret));
}

Status TokenBook::remove(const Ulid& id) {
  if (auto removed = store_.remove(id); !removed) return removed;
  const std::lock_guard lock(mutex_);  // after the disk: role_of must not wait for it
  std::erase_if(tokens_, [&](const Token& token) { return token.id == id; });
  return Done{};
}

std::vector<Token> TokenBook::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<Token> out = tokens_;
  std::sort(out.begin(), out.end(), [](const Token& a, const Token& b) { return a.id < b.id; });
  return out;
}

}  // namespace mimus::admin
