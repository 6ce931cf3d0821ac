// What the connections of one worker share: loop, limits, service, spare memory, counters.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "host/net/body_reader.h"
#include "host/net/bytes.h"
#include "host/net/exchange.h"
#include "host/net/response_head.h"
#include "host/net/server.h"
#include "host/net/tls.h"

namespace mimus {

class Connection;

/// Written by one thread, read by any.
class Counter {
 public:
  void add(std::int64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + static_cast<std::uint64_t>(n),
                 std::memory_order_relaxed);
  }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Of a connection that moves, one worker counts the beginning and another the end: only sums over
/// all workers say something.
struct alignas(64) Counters {
  Counter accepted, active, requests, bytes_in, bytes_out, websockets, tls_handshakes, tls_failures,
      tls_active;
  std::array<Counter, turned_away_names.size()> turned_away;
  std::array<Counter, timed_out_names.size()> timed_out;
  std::array<Counter, refusal_statuses.size()> refused;

  void count(TurnedAway why) { turned_away[static_cast<std::size_t>(why)].add(); }
  void count(TimedOut what) { timed_out[static_cast<std::size_t>(what)].add(); }
  void count_refusal(int status) {
    const auto at = std::find(refusal_statuses.begin(), refusal_statuses.end(), status);
    // A status that is not listed is a kind of malformed request.
    refused[at == refusal_statuses.end() ? 0 : static_cast<std::size_t>(at - refusal_statuses.begin())].add();
  }
};

/// How many handshakes may still be worked on in this turn of the loop: each can take a
/// millisecond, and the others' requests wait meanwhile.
struct HandshakeBudget : Post {
  static constexpr unsigned a_turn = 8;
  HandshakeBudget() {
    run = [](Post& post) { static_cast<HandshakeBudget&>(post).left = a_turn; };
  }
  bool spend(Loop& loop) {
    if (left == 0) return false;
    if (left-- == a_turn) loop.defer(*this);
    return true;
  }
  unsigned left = a_turn;
};

/// An exchange and what its connection keeps for it. Lent to a connection from head to end,
/// so that an idle connection holds none of it.
struct Ongoing {
  Exchange exchange;
  Bytes body;  ///< The request's, as far as it was gathered.
  std::size_t body_limit = 0;
  std::string_view borrowed;  ///< Of a large answer, what the kernel has not taken yet.
  std::int64_t promised =
      -1;  ///< Body bytes still to be written of a streamed answer; -1: chunked or until close.
  bool head_only = false;  ///< The answer has no body: HEAD, 204, 304.
  bool chunked_answer = false;
  bool begun = false;    ///< A streamed answer's head is out.
  bool starved = false;  ///< The producer was told to wait for on_writable.
};

struct Commons {
  explicit Commons(Loop& l, const Limits& limits_of_server) : loop(l), limits(limits_of_server) {}
  virtual ~Commons() = default;
  /// The connection's descriptor is closed; it is destroyed after the batch.
  virtual void bury(Connection& connection) = 0;
  /// What another worker's connections share; nullptr: there is no such worker.
  virtual Commons* peer(unsigned worker) = 0;
  /// Ends the ownership of a connection that moves to a peer, which takes it in on its own thread.
  virtual void give_away(Connection& connection) = 0;
  /// Owns it from here on. One that came too late for this worker is cut; if this throws, it is
  /// destroyed.
  virtual void take_in(Connection& connection) = 0;

  std::unique_ptr<Ongoing> lend_ongoing() {
    if (spare_ongoing.empty()) return std::make_unique<Ongoing>();
    std::unique_ptr<Ongoing> lent = std::move(spare_ongoing.back());
    spare_ongoing.pop_back();
    return lent;
  }
  void take_back(std::unique_ptr<Ongoing> ongoing);

  void lend(Bytes& empty) {
    if (spare_bytes.empty()) return;
    empty.swap(spare_bytes.back());
    spare_bytes.pop_back();
  }
  void take_back(Bytes& bytes) {
    bytes.clear();
    if (bytes.capacity() <= max_spare_bytes && spare_bytes.size() < max_spares) {
      spare_bytes.emplace_back().swap(bytes);
    } else {
      bytes.release();
    }
  }

  static constexpr std::size_t scratch_size = 64 << 10;
  static constexpr std::size_t max_spares = 64;
  static constexpr std::size_t max_spare_bytes = 64 << 10;

  Loop& loop;
  const Limits& limits;
  std::unique_ptr<Service> service;
  const TlsServer* tls = nullptr;
  HandshakeBudget handshakes;
  Counters counters;
  DateLine date;
  std::uint64_t next_serial = 0;
  bool draining = false;
  std::unique_ptr<char[]> scratch =
      std::make_unique_for_overwrite<char[]>(scratch_size);  ///< What recv fills.
  std::vector<std::unique_ptr<Ongoing>> spare_ongoing;
  std::vector<Bytes> spare_bytes;
};

}  // namespace mimus
