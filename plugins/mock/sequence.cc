// Sequence positions and their form in the KV: "<digest> <next>" under "seq/<endpoint>".
#include "plugins/mock/sequence.h"

#include <charconv>

namespace mimus::mock {
namespace {

constexpr std::string_view prefix = "seq/";
// A deleted endpoint's position is forgotten in the end.
constexpr std::uint64_t keep_ms = 365ull * 24 * 3600 * 1000;

struct Stored {
  std::uint64_t digest = 0, next = 0;
};

void parse(void* out, mimus_str value) {
  Stored& stored = *static_cast<Stored*>(out);
  const char* const end = value.p + value.n;
  const auto [space, error] = std::from_chars(value.p, end, stored.digest);
  if (error != std::errc() || space == end) return;
  std::from_chars(space + 1, end, stored.next);
}

std::string key_of(std::string_view endpoint) { return std::string(prefix).append(endpoint); }

}  // namespace

void Position::start_at(std::uint64_t position) {
  std::uint64_t expected = unknown;
  next_.compare_exchange_strong(expected, position);
}

Position& Sequences::acquire(std::string_view endpoint, std::uint64_t digest) {
  const std::lock_guard lock(mutex_);
  auto it = current_.find(endpoint);
  if (it == current_.end() || it->second->digest_ != digest) {
    const std::uint64_t start = it == current_.end() ? Position::unknown : 0;
    positions_.push_back(std::make_unique<Position>(std::string(endpoint), digest, start));
    it = current_.insert_or_assign(std::string(endpoint), positions_.back().get()).first;
  }
  ++it->second->bindings_;
  return *it->second;
}

void Sequences::release(Position& position) {
  const std::lock_guard lock(mutex_);
  if (--position.bindings_ > 0) return;
  save(position);
  const auto it = current_.find(position.endpoint_);
  if (it != current_.end() && it->second == &position) current_.erase(it);
  std::erase_if(positions_, [&](const auto& p) { return p.get() == &position; });
}

bool Sequences::load(Position& position, mimus_resume* resume) {
  Stored stored;
  const std::string key = key_of(position.endpoint_);
  const mimus_rc rc = host_.kv->get(host_.get(), str(key), resume, parse, &stored);
  if (rc == MIMUS_PENDING) return false;
  position.start_at(rc == MIMUS_OK && stored.digest == position.digest_ ? stored.next : 0);
  return true;
}

void Sequences::save() {
  const std::lock_guard lock(mutex_);
  for (const auto& position : positions_) save(*position);
}

/// Only the newest responses of an endpoint have a say in what is stored for it.
void Sequences::save(Position& position) {
  const std::uint64_t next = position.next_.load();
  const auto it = current_.find(position.endpoint_);
  if (next == Position::unknown || next == position.saved_ || it == current_.end() || it->second != &position)
    return;
  const std::string key = key_of(position.endpoint_);
  const std::string value = std::to_string(position.digest_) + " " + std::to_string(next);
  if (host_.kv->put(host_.get(), str(key), str(value), keep_ms) == MIMUS_OK) {
    position.saved_ = next;
  } else {
    host_.log(MIMUS_LOG_WARN, "a sequence's position could not be stored: the KV is full");
  }
}

void Sequences::rewind() {
  const std::lock_guard lock(mutex_);
  for (const auto& position : positions_) {
    position->next_ = 0;
    position->saved_ = 0;
  }
  host_.kv->del_prefix(host_.get(), str(prefix));
}

}  // namespace mimus::mock
