// Who may do what: bearer tokens and their roles.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mimus/result.h"
#include "store/tokens.h"

namespace mimus::admin {

/// The tokens of a store in memory, and the first one, which is not stored. Thread-safe, but
/// create is for one thread.
class TokenBook {
 public:
  /// `store` must outlive the result. An empty `first_secret` is no token.
  /// Errors: corrupt, unavailable
  static Result<std::unique_ptr<TokenBook>> open(TokenStore& store, std::string_view first_secret);

  /// The role of the token in an Authorization field's value; nothing if it has none that
  /// is known. Takes the same time whichever token it is like.
  std::optional<Role> role_of(std::string_view authorization) const;

  /// Makes a token; returns it with its secret, which is kept nowhere.
  /// Errors: unavailable
  Result<std::pair<Token, std::string>> create(std::string name, Role role, std::int64_t wall_us);
  /// Errors: not_found, unavailable
  Status remove(const Ulid& id);
  std::vector<Token> all() const;  ///< In the order of their ids.

 private:
  TokenBook(TokenStore& store, std::vector<Token> tokens, std::string first);

  TokenStore& store_;
  const std::string first_;  ///< SHA-256 of the first secret, "" for none.
  mutable std::mutex mutex_;
  std::vector<Token> tokens_;
  UlidSource ids_;
};

std::string_view name_of(Role role);
std::optional<Role> parse_role(std::string_view name);
std::string sha256(std::string_view bytes);

}  // namespace mimus::admin
