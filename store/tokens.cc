#include "store/tokens.h"

#include <mutex>

#include "store/bytes.h"
#include "store/doors.h"

namespace mimus {
namespace {

std::string token_key(const Ulid& id) {
  return std::string{owner::token}.append(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
}

class TableTokens final : public TokenStore {
 public:
  explicit TableTokens(Table& table) : table_(table) {}

  Status put(const Token& token) override {
    std::string value{static_cast<char>(token.role)};
    bytes::add_fixed(value, token.created_us);
    bytes::add_text(value, token.name);
    bytes::add_text(value, token.sha256);
    Batch batch;
    batch.put(Space::main, token_key(token.id), std::move(value));
    return table_.write(batch, true);
  }

  Status remove(const Ulid& id) override {
    const std::lock_guard lock(mutex_);
    if (Result<std::string> stored = table_.get(Space::main, token_key(id)); !stored) {
      if (stored.error().code != Code::not_found) return std::move(stored).error();
      return Error{Code::not_found, "no token has the id " + id.text()};
    }
    Batch batch;
    batch.remove(Space::main, token_key(id));
    return table_.write(batch, true);
  }

  Result<std::vector<Token>> all() const override {
    std::vector<Token> out;
    bool ok = true;
    const Status scanned =
        table_.scan(Space::main, std::string{owner::token}, after_prefix({owner::token}),
                    [&](std::string_view key, std::string_view value) {
                      Token token;
                      if (key.size() != 1 + token.id.bytes.size()) return ok = false;
                      std::memcpy(token.id.bytes.data(), key.data() + 1, token.id.bytes.size());
                      bytes::Reader from(value);
                      token.role = static_cast<Role>(from.fixed<char>());
                      token.created_us = from.fixed<std::int64_t>();
                      token.name = from.text();
                      token.sha256 = from.text();
                      if (!from.ok()) return ok = false;
                      out.push_back(std::move(token));
                      return true;
                    });
    if (!ok) return Error{Code::corrupt, "a stored token does not decode"};
    if (!scanned) return scanned.error();
    return out;
  }

 private:
  Table& table_;
  std::mutex mutex_;  // so that of two removals of one id only the first succeeds
};

}  // namespace

std::unique_ptr<TokenStore> tokens_on(Table& table) { return std::make_unique<TableTokens>(table); }

}  // namespace mimus
