// One client's connection: its bytes in, its answers out, its time running.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "host/net/commons.h"
#include "host/net/connection_count.h"
#include "host/net/head_scan.h"
#include "host/net/tls_stream.h"

namespace mimus {

/// What a connection keeps of where it came from.
struct Origin {
  std::string client_ip;  ///< "" for a Unix socket.
  bool serves_admin = true;
  bool serves_public = true;
  bool secure = false;  ///< The client speaks TLS.
  ConnectionCount::Place place{};
};

/// Lives on its worker's loop, which hand_over changes. It handles one exchange at a time and leaves what the
/// client pipelined behind it unread; all answers made in one turn of the loop leave in one write. Its
/// descriptor is closed with it at the latest.
class Connection final : public FdHandler, public ResponseSink {
 public:
  /// Owns `fd`, which is non-blocking. `commons` must outlive it.
  Connection(Commons& commons, int fd, Origin origin);
  ~Connection() override;

  bool start();         ///< False: it could not be watched.
  void drain();         ///< The host is stopping: closes when idle, finishes otherwise.
  void cut();           ///< Ends it now, its exchange cancelled.
  void bid_farewell();  ///< Before it is destroyed: tells a takeover.

  const Origin& origin() const { return origin_; }

  void on_ready(Ready ready) override;

  void want_body(std::size_t limit) override;
  void send(std::string_view body) override;
  void begin(std::int64_t length) override;
  bool write(std::string_view data) override;
  void finish() override;
  void abort() override;
  void upgrade(const std::vector<Header>& headers, std::unique_ptr<Takeover> takeover) override;
  bool hand_over(unsigned worker) override;

  std::size_t place = 0;  ///< In its worker's list.

 private:
  enum class State : std::uint8_t {
    head,       // Between exchanges; part of a head may be there.
    busy,       // The service has the exchange.
    flushing,   // A large answer is being written; the service's memory is borrowed for it.
    discard,    // The exchange is over, the rest of its request's body is dropped.
    closing,    // Closes when all is written.
    lingering,  // Our direction is shut; waits for the client's, so that it can read the answer.
    taken,      // Upgraded.
    leaving,    // Handed over to another worker: moves when this turn is over.
    arriving,   // On its way there; only the post knows of it.
    dead,
  };
  class Wire;
  struct TurnPost : Post {
    Connection* owner;
  };
  struct Deadline : Timer {
    Connection* owner;
  };

  template <class Body>
  void guarded(Body&& body);

  // connection.cc: the turn.
  bool receive();
  void take_in(std::size_t size);
  void turn();
  bool step();
  bool next_request();
  bool drop_body();
  bool feed_takeover();
  void keep_rest();
  bool flush();
  void after_write(bool progress);
  void after_flush();
  void settle();
  bool wants_input() const;
  bool takes_input() const;
  bool more_to_read() const { return unread_ || (tls_ && tls_->more()); }
  void await_readiness();
  void schedule();
  void run_scheduled();

  // connection_move.cc: from one worker to another.
  void depart();
  void arrive();

  // connection_tls.cc: the same over TLS.
  bool receive_tls();
  bool shake_hands();
  bool flush_tls();
  void leave_tls();

  // connection_end.cc: time and ends.
  void refuse(const Refusal& refusal, bool head_only = false);
  void cancel_exchange();
  void close_gently();
  void linger_on();
  bool is_delivered() const;
  void lost();
  void set_interest(Interest interest);
  void arm_deadline();
  void expire();

  // connection_sink.cc: the service's side.
  void read_body();
  void handle_body(BodyReader::State state);
  void end_exchange();
  void send_unsendable();
  Framing::Persistence persistence();
  Bytes& out();

  static constexpr std::int64_t never = INT64_MAX;

  Commons* commons_;
  Origin origin_;
  int fd_;
  WatchId watch_ = 0;
  Interest interest_ = Interest::read;
  State state_ = State::head;
  bool in_turn_ = false;
  bool turn_queued_ = false;
  bool peer_ended_ = false;    // recv returned 0.
  bool peer_closing_ = false;  // A hang-up was told; with edges, also while we were reading.
  bool hung_up_ = false;       // Of both directions.
  bool unread_ = false;        // With edges: the kernel may hold bytes, and will not tell again.
  bool read_next_ = false;     // The scheduled turn begins with reading.
  bool yielded_ = false;       // Pipelined requests wait for the next turn.
  bool partial_ = false;       // The clock of a head runs.
  bool served_ = false;        // At least one request came.
  bool keep_alive_ = true;
  bool wanted_ = false;  // The body is being gathered.
  bool expects_continue_ = false;
  bool linger_ = false;   // The client may still be sending when we close.
  bool reset_ = false;    // Close with a reset.
  bool overrun_ = false;  // A takeover must be closed: it wrote too much, or asked for it.
  bool cut_ = false;      // It asked for it, and what it wrote before goes first.
  bool taken_started_ = false;
  bool paused_ = false;   // A takeover wants no bytes.
  bool in_head_ = false;  // The service is being told of a head, and has asked for nothing yet.
  bool secure_;           // TLS is spoken, or awaited.
  const bool edges_;  // Readiness is told once. Not over TLS, whose buffers would have to be emptied, too.
  std::string_view input_;  // In a turn: what is still to be handled, in in_ or the scratch.
  Bytes in_;                // Between turns.
  Bytes out_;
  HeadScan scan_;
  BodyReader body_;
  std::uint64_t body_mark_ = 0;  // received() when the body's clock was set.
  std::uint64_t drop_limit_ = 0;
  std::unique_ptr<Ongoing> now_;
  std::unique_ptr<TlsStream> tls_;  // From the client's first byte on.
  std::int64_t read_deadline_us_ = never;
  std::int64_t write_deadline_us_ = never;
  Deadline deadline_;
  TurnPost turn_post_;
  unsigned served_this_turn_ = 0;
  std::size_t slice_ = 0;     // In a turn: what a takeover is given at once.
  unsigned next_worker_ = 0;  // While leaving.
  std::unique_ptr<Wire> wire_;
  std::unique_ptr<Takeover> takeover_;
};

/// The face that a takeover sees.
class Connection::Wire final : public Takeover::Wire {
 public:
  explicit Wire(Connection& connection) : connection_(connection) {}
  Loop& loop() override { return connection_.commons_->loop; }
  bool write(std::string_view data) override;
  std::size_t queued() const override { return connection_.out_.size(); }
  void close_after_write() override;
  void close_now() override;
  void pause() override { connection_.paused_ = true; }
  void resume() override;

 private:
  Connection& connection_;
};

template <class Body>
void Connection::guarded(Body&& body) {
  try {
    body();
  } catch (...) {
    in_turn_ = false;
    cut();
    throw;  // To the loop, which reports it.
  }
}

}  // namespace mimus
