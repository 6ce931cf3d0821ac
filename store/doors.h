// How the doors of a Database are made from a Table. For this room alone.
#pragma once

#include <memory>

#include "mimus/clock.h"
#include "store/definitions.h"
#include "store/journal.h"
#include "store/kv.h"
#include "store/table.h"
#include "store/tokens.h"

namespace mimus {

/// The first byte of a key in the main space says whose it is.
namespace owner {
constexpr char change = 'c';    ///< c + sequence -> a definition's change
constexpr char document = 'd';  ///< d + kind + id -> revision, API and JSON
constexpr char head = 'h';      ///< h + block + piece -> the first bytes of a journal block
constexpr char kv = 'k';        ///< k + key -> expiry and value
constexpr char meta = 'm';      ///< m + name -> format, sequence, field names
constexpr char route = 'r';     ///< r + id -> an endpoint's route record
constexpr char token = 't';     ///< t + id -> a token
}  // namespace owner

// Each of these borrows `table`, which must outlive it.

/// Errors: corrupt, unavailable
Result<std::unique_ptr<DefinitionStore>> definitions_on(Table& table);
std::unique_ptr<TokenStore> tokens_on(Table& table);
std::unique_ptr<BlockStore> blocks_on(Table& table);
/// Starts the store thread; the destructor writes what is queued and ends it.
std::unique_ptr<KvStore> kv_on(Table& table, const Clock& clock, std::uint64_t max_bytes);

}  // namespace mimus
