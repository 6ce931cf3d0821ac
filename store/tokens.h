// Admin tokens, kept as hashes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mimus/result.h"
#include "store/ulid.h"

namespace mimus {

enum class Role : std::uint8_t { viewer = 1, editor = 2, admin = 3 };

struct Token {
  Ulid id;
  std::string name;
  Role role = Role::viewer;
  std::string sha256;  ///< Of the secret, 32 bytes.
  std::int64_t created_us = 0;
};

/// Thread-safe. Writes are durable (synced) on return. Errors: unavailable - the disk refused
class TokenStore {
 public:
  virtual ~TokenStore() = default;
  virtual Status put(const Token& token) = 0;
  /// Errors: not_found - no token has that id
  virtual Status remove(const Ulid& id) = 0;
  virtual Result<std::vector<Token>> all() const = 0;
};

}  // namespace mimus
