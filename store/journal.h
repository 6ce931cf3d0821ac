// The journal: what happened to each request, in blocks.
//
// A worker appends encoded records to its own bounded ring (Producer); one writer thread
// drains the rings, lets plugins enrich the records, packs them into blocks and writes
// those. A reader first has the writer catch up with every ring, so that it sees each
// request whose answer was sent before it asked.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mimus/clock.h"
#include "mimus/result.h"
#include "store/ulid.h"

namespace mimus {

enum class FieldType : std::uint8_t { flag, integer, text };

/// A field that a record can hold. Core fields come first; plugins declare the rest.
struct FieldSpec {
  std::string name;
  FieldType type = FieldType::text;
  bool indexed = false;     ///< Its values are kept in block headers, so that scans skip blocks.
  std::string filter = {};  ///< Name of the query parameter that compares it, "" for none.
  bool operator==(const FieldSpec&) const = default;
};
constexpr std::size_t max_fields = 256;  ///< That a process can number, core fields included.

/// The numbers of the core fields, in the order of `core_fields()`.
enum CoreField : int {
  field_id,
  field_time,
  field_api_id,
  field_endpoint_id,
  field_method,
  field_path,
  field_query,
  field_status,
  field_duration_us,
  field_request_size,
  field_response_size,
  field_client_ip,
  field_user_agent,
  field_trace_id,
  field_error,
  field_request_headers,
  field_response_headers,
  field_request_body,
  field_response_body,
  field_kind,
  field_connection_id,
  field_protocol,
  field_direction,
  field_message_type,
  field_event,
  field_data,
  field_binaries,
  field_ack,
  field_truncated,
  field_close_code,
  field_close_reason,
  field_messages_in,
  field_messages_out,
  core_field_count
};
/// id, time, apiId, endpointId, method, path, query, status, durationMicros, requestSize,
/// responseSize, clientIp, userAgent, traceId, error, the four of capture: requestHeaders,
/// responseHeaders (JSON text), requestBody, responseBody; kind, and what records of channels
/// have besides: connectionId, protocol ("websocket", "socket.io"), of a message direction
/// ("in", "out"), messageType ("text", "binary", "event", "ack"), event, data (a text, base64, or
/// the arguments as a JSON array), binaries (a JSON array of base64), ack, truncated; of the end
/// closeCode, closeReason, messagesIn, messagesOut.
const std::vector<FieldSpec>& core_fields();

/// What a record is of: a request, or something that happened on a channel.
enum class RecordKind : std::uint8_t { http, channel };
/// "http", "channel"
std::string_view name_of(RecordKind kind);

struct FieldValue {
  std::uint16_t field = 0;
  std::int64_t number = 0;     ///< flag, integer
  std::string_view text = {};  ///< text
};

/// What a worker hands over: views, copied by append. Empty views and 0 are "absent"
/// where the contract says null.
struct RecordInput {
  Ulid id, api, endpoint;    ///< All zero: none.
  std::int64_t time_us = 0;  ///< When the request's head was complete.
  std::string_view method, path, query, client_ip, user_agent, trace_id, error;
  int status = 0;
  std::int64_t duration_us = 0, request_size = 0, response_size = 0;
  std::span<const FieldValue> extra;  ///< Those of capture, of channels and of plugins, any order.
  RecordKind kind = RecordKind::http;
};

/// A decoded record. Owns its text.
class Record {
 public:
  Ulid id, api, endpoint;
  std::int64_t time_us = 0, duration_us = 0, request_size = 0, response_size = 0;
  int status = 0;
  RecordKind kind = RecordKind::http;
  std::string method, path, query, client_ip, user_agent, trace_id, error;
  struct Extra {
    std::uint16_t field;
    std::int64_t number;
    std::string text;
  };
  std::vector<Extra> extra;

  /// The text of a text field (ids as 26 characters), nothing if absent.
  std::optional<std::string_view> text(int field) const;
  std::optional<std::int64_t> number(int field) const;
  void set_text(int field, std::string_view value);
  void set_number(int field, std::int64_t value);

 private:
  mutable char id_text_[3][26];
};

/// One worker's bounded ring. append: that worker alone; no locks, no system calls but
/// one wake-up when 16 KiB (or half the ring) are unread.
class Producer {
 public:
  virtual ~Producer() = default;
  /// False: the ring is full (or its oldest record is over a second old) and nothing was
  /// appended. Under `lossless` the caller suspends the exchange and is told by on_room.
  virtual bool append(const RecordInput& record) = 0;
};

/// Blocks as bytes under ascending keys: what the journal needs of a database.
class BlockStore {
 public:
  virtual ~BlockStore() = default;
  static constexpr std::size_t head_bytes = 1024;  ///< Of a block, that `each` shows.
  struct Key {
    std::uint64_t block = 0;
    std::uint32_t piece = 0;
    auto operator<=>(const Key&) const = default;
  };
  /// Writes `bytes` under `key` and removes `instead`, in one batch; not synced.
  virtual Status put(Key key, std::string_view bytes, std::span<const Key> instead) = 0;
  /// Errors: not_found, corrupt, unavailable
  virtual Result<std::string> get(Key key) const = 0;
  /// Removes every block below `end`; later blocks come above it.
  virtual Status remove_before(Key end) = 0;
  /// Shows key and at most the first `head_bytes` of each, oldest first.
  virtual Status each(const std::function<void(Key, std::string_view)>& show) const = 0;
  /// The field names by number, which the writer keeps so that old blocks stay readable
  /// when the set of plugins changes.
  virtual Result<std::vector<std::string>> field_names() const = 0;
  virtual Status put_field_names(const std::vector<std::string>& names) = 0;
};

/// A comparison that a record must pass; several must all hold. A record without the field
/// does not pass, but for flags: an absent flag is 0. Ids are compared as 26 characters.
struct Filter {
  int field = 0;
  enum class Op : std::uint8_t { equals, at_least, below } op = Op::equals;
  std::int64_t number = 0;
  std::string text;
};

struct JournalOptions {
  unsigned producers = 1;
  std::size_t ring_bytes = 4u << 20;  ///< For each producer; a power of two, at least 4 KiB.
  std::size_t block_records = 512;
  std::chrono::milliseconds block_delay{50};
  std::chrono::microseconds retain_for{std::chrono::hours(24 * 7)};
  std::uint64_t retain_bytes = 1u << 30;
  std::chrono::milliseconds reader_patience{2000};  ///< How long a reader waits for the writer.
  std::vector<FieldSpec> plugin_fields;             ///< Numbered from core_field_count on.
  /// Called on the writer thread before records are stored. May be empty.
  std::function<void(std::span<Record* const>)> enrich;
  /// Called on the writer thread when producer i has room again after a refusal.
  std::function<void(unsigned)> on_room;
};

class Journal {
 public:
  virtual ~Journal() = default;

  virtual Producer& producer(unsigned index) = 0;  ///< Lives as long as the journal.
  /// By number. What was returned stays as it is and lives as long as the journal: ask again
  /// for the newest. [any thread]
  virtual const std::vector<FieldSpec>& fields() const = 0;
  /// The number of the field with that name, or -1. [any thread]
  virtual int field(std::string_view name) const = 0;
  /// Makes known what a plugin brings that is loaded now, and gives back the number of each;
  /// as merge_fields (store/field_numbers.h) says. Numbers hold until the process ends. Records
  /// may have the fields once this returned. [any thread, but may block: never a worker]
  /// Errors, nothing being changed: conflict - a name is a core field's, or has another type;
  ///   unavailable - over max_fields, or the names could not be written down
  virtual Result<std::vector<int>> add_fields(std::span<const FieldSpec> specs) = 0;

  struct Page {
    std::vector<Record> items;  ///< Newest first.
    std::string next_cursor;    ///< "" at the end.
    bool stale = false;         ///< The writer could not catch up in time.
  };
  /// Errors: invalid - the cursor is not one of ours (pointer "/cursor")
  virtual Result<Page> page(std::span<const Filter> filters, std::size_t limit, std::string_view cursor) = 0;
  /// Shows every record that passes, newest first, until `each` says false. Returns
  /// whether the newest were included (false: stale).
  virtual Result<bool> scan(std::span<const Filter> filters,
                            const std::function<bool(const Record&)>& each) = 0;
  /// Errors: not_found;  unavailable - it was not found, and the writer could not catch up in time
  virtual Result<Record> find(const Ulid& id) = 0;
  /// Those of `ids` that there are, in that order: one wait for the writer for all of them. The
  /// newest are missing where it could not catch up in time.
  virtual Result<std::vector<Record>> find(std::span<const Ulid> ids) = 0;
  /// Forgets every record whose answer was sent before.
  virtual Status clear() = 0;
  /// Every record whose answer was sent before is in the BlockStore when it returns (not synced).
  /// Waits five times as long as a reader: what is copied then is to be whole.
  /// Errors: unavailable - it could not be written, or not in time
  virtual Status flush() = 0;

  struct Stats {
    std::uint64_t records = 0, blocks = 0, bytes = 0, dropped = 0, write_errors = 0;
  };
  virtual Stats stats() const = 0;

  /// Drains the rings, writes everything, ends the writer. Producers must be silent.
  virtual Status close() = 0;
};

/// Starts a journal and its writer thread. `blocks` and `clock` must outlive it.
/// Errors: corrupt, unavailable, and those of add_fields for the options' plugin_fields
Result<std::unique_ptr<Journal>> open_journal(BlockStore& blocks, const Clock& clock, JournalOptions options);

}  // namespace mimus
