#include "store/journal_writer.h"

#include <pthread.h>

#include <algorithm>

namespace mimus {
namespace {

constexpr std::size_t batch_records = 128;
constexpr std::size_t batch_bytes = 256u << 10;
constexpr std::size_t block_bytes = 1u << 20;    // a block with captured bodies is closed early
constexpr std::size_t kept_capacity = 4u << 10;  // of an extra text's memory in the pool

}  // namespace

JournalWriter::JournalWriter(BlockStore& blocks, const Clock& clock, JournalOptions options,
                             const FieldVersions& fields)
    : blocks_(blocks),
      clock_(clock),
      options_(std::move(options)),
      fields_(fields),
      pool_(batch_records),
      open_(fields.now()) {
  for (unsigned i = 0; i < options_.producers; ++i) {
    rings_.push_back(std::make_unique<Ring>(options_.ring_bytes, fields_, clock_, wake_));
  }
  for (Record& record : pool_) batch_.push_back(&record);
  thread_ = std::thread([this] { run(); });
}

JournalWriter::~JournalWriter() {
  if (Status closed = close(); !closed) return;  // counted in write_errors_; nobody is left to ask
}

bool JournalWriter::catch_up() {
  std::unique_lock lock(mutex_);
  if (ended_) return true;
  const std::uint64_t wanted = ++wanted_;
  wake_.send();
  return caught_up_.wait_for(lock, options_.reader_patience, [&] { return done_ >= wanted; });
}

JournalWriter::Open JournalWriter::open() const {
  const std::lock_guard lock(open_mutex_);
  return {block_, open_.records()};
}

Status JournalWriter::await(Order& order, std::chrono::milliseconds patience, const char* late) {
  std::unique_lock lock(mutex_);
  if (ended_) return Error{Code::unavailable, "the journal is closed"};
  const std::uint64_t wanted = ++order.wanted;
  wake_.send();
  if (!caught_up_.wait_for(lock, patience, [&] { return order.done >= wanted; })) {
    return Error{Code::unavailable, late};
  }
  return order.result;
}

Status JournalWriter::clear() {
  return await(clear_, options_.reader_patience,
               "the journal is busy writing and will be cleared when it can");
}

Status JournalWriter::flush() {
  return await(flush_, 5 * options_.reader_patience, "the journal is busy writing: try again");
}

Status JournalWriter::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  const std::uint64_t lost_before = dropped_.load();
  if (thread_.joinable()) {
    wake_.send();
    thread_.join();
  }
  if (dropped_.load() != lost_before)
    return Error{Code::unavailable, "the journal's last records could not be written"};
  return Done{};
}

Journal::Stats JournalWriter::stats() const {
  const BlockIndex::Totals stored = index_.totals();
  const std::lock_guard lock(open_mutex_);
  return {stored.records + open_.count(), stored.blocks + (open_.count() != 0 ? 1 : 0),
          stored.bytes + open_.records().size(), dropped_.load(), write_errors_.load()};
}

void JournalWriter::run() {
  pthread_setname_np(pthread_self(), "journal");
  load();
  std::chrono::microseconds tick = clock_.now();
  const std::chrono::microseconds delay = options_.block_delay;
  bool more = false;
  for (bool last = false; !last;) {
    bool due = false;
    if (!more) {
      const auto left = std::clamp(delay - (clock_.now() - tick), std::chrono::microseconds(1000), delay);
      due = !wake_.wait(std::chrono::ceil<std::chrono::milliseconds>(left));
    }
    std::uint64_t wanted = 0;
    {
      const std::lock_guard lock(mutex_);
      last = closing_;
      wanted = wanted_;
    }
    drain();
    carry_out(clear_, &JournalWriter::forget);
    carry_out(flush_, &JournalWriter::write_piece);
    if (last && open_.count() != 0) close_block();
    {
      const std::lock_guard lock(mutex_);
      done_ = wanted;
      ended_ = last;
    }
    caught_up_.notify_all();
    if (const auto now = clock_.now(); due || now - tick >= delay) {
      tick = now;
      if (!last) static_cast<void>(write_piece());  // a failure is counted, and tried again
      retain();
    }
    tell_room();
    more = std::any_of(rings_.begin(), rings_.end(), [](const auto& ring) { return ring->half_full(); });
  }
}

void JournalWriter::carry_out(Order& order, Status (JournalWriter::*act)()) {
  std::uint64_t wanted = 0;
  {
    const std::lock_guard lock(mutex_);
    wanted = order.wanted;
  }
  if (wanted == order.done) return;  // which only this thread changes
  drain();                           // of what was appended up to the order
  Status result = (this->*act)();
  const std::lock_guard lock(mutex_);
  order.done = wanted;
  order.result = std::move(result);
}

void JournalWriter::load() {
  std::map<std::uint64_t, std::string> heads;
  std::map<std::uint64_t, std::vector<BlockStore::Key>> leftovers;  // of blocks that a crash left open
  const Status read = blocks_.each([&](BlockStore::Key key, std::string_view head) {
    if (key.piece != 0) {
      leftovers[key.block].push_back(key);
    } else if (BlockHeader header; decode_header(head, header)) {
      heads[key.block] = head.substr(0, header.encoded_bytes);
    } else {
      ++dropped_;
    }
  });
  if (!read) ++write_errors_;
  for (const auto& [block, pieces] : leftovers) {
    if (heads.contains(block)) continue;
    if (std::string head = fold(block, pieces); !head.empty()) heads[block] = std::move(head);
  }
  for (const auto& [block, head] : heads) index_.add(block, head);
  std::uint64_t next = heads.empty() ? 1 : heads.rbegin()->first + 1;
  if (!leftovers.empty()) next = std::max(next, leftovers.rbegin()->first + 1);
  // Without knowing what is there, a number that no journal has counted up to.
  if (!read) next = std::max(next, static_cast<std::uint64_t>(clock_.wall_us()));
  const std::lock_guard lock(open_mutex_);
  block_ = next;
}

/// Makes one block of the pieces of another; gives back its bytes, "" if that failed.
std::string JournalWriter::fold(std::uint64_t block, const std::vector<BlockStore::Key>& pieces) {
  const JournalFields& fields = fields_.now();
  BlockBuilder whole(fields);
  std::vector<std::string_view> records;
  for (const BlockStore::Key key : pieces) {
    const Result<std::string> bytes = blocks_.get(key);
    BlockHeader header;
    if (!bytes || !decode_header(*bytes, header) ||
        !split_records(std::string_view(*bytes).substr(header.encoded_bytes), records)) {
      ++dropped_;
      continue;
    }
    for (const std::string_view record : records) {
      if (decode_record(record, fields.stored, pool_[0])) whole.add(pool_[0], record);
    }
  }
  if (whole.count() == 0) return {};
  std::string out;
  whole.finish(out);
  if (blocks_.put({block, 0}, out, pieces)) return out;
  ++write_errors_;  // the pieces are still there for the next start
  return {};
}

void JournalWriter::drain() {
  for (const auto& ring : rings_) ring->look();
  // What is due on one ring may follow what came to another after that one was looked at: the
  // answer to this was awaited before that was asked. So those with lower ids come along.
  for (const auto& ring : rings_) ring->look_on();
  // Taken after the looks: no producer's record can have fields that these do not know.
  const FieldTable& fields = fields_.now().ring;
  while (const std::size_t count = gather(fields)) {
    if (options_.enrich) options_.enrich(std::span(batch_.data(), count));
    store(count);
    tell_room();
  }
}

/// The ring whose next record has the lowest id, nullptr if no ring has any that is due.
Ring* JournalWriter::oldest() {
  Ring* out = nullptr;
  const char* lowest = nullptr;
  bool due = false;
  for (const auto& ring : rings_) {
    due |= ring->due();
    const std::string_view record = ring->next();
    if (record.empty()) continue;
    if (out == nullptr || std::memcmp(encoded_id(record.data()), lowest, sizeof Ulid::bytes) < 0) {
      out = ring.get();
      lowest = encoded_id(record.data());
    }
  }
  return due ? out : nullptr;
}

/// Takes records off the rings into the pool, those of all rings in the order of ids.
std::size_t JournalWriter::gather(const FieldTable& fields) {
  std::size_t count = 0;
  std::size_t bytes = 0;
  while (count < batch_records && bytes < batch_bytes) {
    Ring* const ring = oldest();
    if (ring == nullptr) break;
    const std::string_view encoded = ring->next();
    bytes += encoded.size();
    if (decode_record(encoded, fields, pool_[count])) {
      ++count;
    } else {
      ++dropped_;
    }
    ring->pop();
  }
  return count;
}

void JournalWriter::store(std::size_t count) {
  for (std::size_t i = 0; i < count;) {
    {
      const std::lock_guard lock(open_mutex_);
      open_.adopt(fields_.now());  // enriching may have brought fields that the records did not
      for (; i < count && open_.count() < options_.block_records && open_.records().size() < block_bytes;
           ++i) {
        open_.add(pool_[i]);
      }
    }
    if (open_.count() >= options_.block_records || open_.records().size() >= block_bytes) close_block();
  }
  for (std::size_t i = 0; i < count; ++i) {
    for (Record::Extra& extra : pool_[i].extra) {
      if (extra.text.capacity() > kept_capacity) std::string().swap(extra.text);
    }
  }
}

void JournalWriter::close_block() {
  open_.finish(scratch_);
  if (blocks_.put({block_, 0}, scratch_, pieces_)) {
    index_.add(block_, scratch_);
  } else {
    ++write_errors_;
    dropped_ += open_.count() - piece_records_;  // the pieces are folded at the next start
  }
  next_block();
}

void JournalWriter::next_block() {
  pieces_.clear();
  piece_bytes_ = 0;
  piece_records_ = 0;
  const std::lock_guard lock(open_mutex_);
  open_.clear();
  ++block_;
}

Status JournalWriter::write_piece() {
  if (open_.records().size() == piece_bytes_) return Done{};
  open_.finish_piece(piece_bytes_, open_.count() - piece_records_, scratch_);
  const BlockStore::Key key{block_, static_cast<std::uint32_t>(pieces_.size() + 1)};
  Status written = blocks_.put(key, scratch_, {});
  if (!written) {
    ++write_errors_;  // the records stay in the open block: the next piece tries again
    return written;
  }
  pieces_.push_back(key);
  piece_bytes_ = open_.records().size();
  piece_records_ = open_.count();
  return written;
}

void JournalWriter::retain() {
  const std::int64_t oldest_us = clock_.wall_us() - options_.retain_for.count();
  if (open_.count() != 0 && open_.max_time_us() < oldest_us) close_block();
  const std::uint64_t end = index_.retain(oldest_us, options_.retain_bytes);
  if (end != 0 && !blocks_.remove_before({end, 0})) ++write_errors_;  // the next removal takes them along
}

Status JournalWriter::forget() {
  const std::uint64_t end = block_ + 1;
  index_.clear();
  next_block();
  Status removed = blocks_.remove_before({end, 0});
  if (!removed) ++write_errors_;
  return removed;
}

void JournalWriter::tell_room() {
  for (unsigned i = 0; i < rings_.size(); ++i) {
    if (rings_[i]->has_room_again() && options_.on_room) options_.on_room(i);
  }
}

}  // namespace mimus
