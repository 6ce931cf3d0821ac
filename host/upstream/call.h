// One outbound exchange, from the pool or the resolver to the answer's last byte.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/upstream/pool.h"
#include "host/upstream/resolver.h"
#include "host/upstream/response_parser.h"
#include "host/upstream/tls.h"
#include "host/upstream/upstream.h"
#include "host/upstream/wire.h"

namespace mimus {

class Call;

/// What the calls of one client share. All of it outlives them.
struct CallContext {
  /// Of the client, which owns the calls.
  class Owner {
   public:
    virtual ~Owner() = default;
    /// `call` shall be advanced soon, but not from within this.
    virtual void wake(Call& call) = 0;
    /// `call` has ended. It must live on until the loop's next turn.
    virtual void retire(Call& call) = 0;
  };
  Loop& loop;
  const AddressPolicy& policy;
  Pool& pool;
  Resolver& resolver;
  TlsClient& tls;
  std::span<char> scratch;  ///< For one read; nothing stays in it.
  Owner& owner;
};

/// Tells its receiver nothing from within its constructor, cancel, pause and resume. Not
/// thread-safe.
class Call final : private Wire::Listener, private Timer {
 public:
  Call(std::uint64_t id, const CallContext& context, const UpstreamRequest& request,
       UpstreamReceiver& receiver);
  ~Call() override;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  std::uint64_t id() const { return id_; }
  void advance();  ///< What `wake` asked for.
  void resolved(Resolver::Answer answer);
  void cancel();
  void pause() { paused_ = true; }
  void resume();
  void write(std::string_view data);  ///< Upstream::send
  std::size_t queued() const { return stage_ == Stage::tunnel ? out_.size() - sent_ : 0; }
  void finish();

 private:
  enum class Stage : std::uint8_t { starting, resolving, connecting, exchanging, tunnel, ended };

  void on_wire_open() override;
  void on_wire_failed(std::string why) override;
  void on_wire_ready(Ready ready) override;

  void begin();
  void try_addresses(std::vector<Address> addresses);
  void connect_next(std::string why);
  void exchange(std::unique_ptr<Wire> wire, bool reused);
  void pump();
  void send();
  bool receive();
  bool take(std::string_view bytes);
  std::size_t parse(std::string_view bytes);
  void open_tunnel();
  void on_peer_end();
  void on_time();
  void broken(std::string why);
  void complete();
  void fail(UpstreamError error, const std::string& why);
  void end();
  bool ended() const { return stage_ == Stage::ended; }

  const std::uint64_t id_;
  const CallContext& context_;
  UpstreamReceiver* receiver_;
  const Url url_;
  const std::string origin_;
  const std::string upgrade_;
  const std::chrono::milliseconds timeout_;
  const bool is_head_, is_idempotent_;
  std::string refusal_;  ///< Why the request cannot be sent at all.

  Stage stage_ = Stage::starting;
  bool paused_ = false;
  bool reused_ = false;      ///< The wire came from the pool.
  bool fresh_only_ = false;  ///< A wire from the pool has failed already.
  bool heard_ = false;       ///< A byte of the answer has come.
  bool write_broken_ = false;
  bool spoiled_ = false;  ///< The wire cannot carry another exchange.
  std::vector<Address> addresses_;
  std::size_t next_address_ = 0;
  std::unique_ptr<Wire> wire_;
  std::string out_;
  std::size_t sent_ = 0;
  std::string waiting_;  ///< Bytes read and not yet parsed.
  std::optional<ResponseParser> parser_;
  std::chrono::microseconds deadline_;  ///< For the answer's first byte.
  std::chrono::microseconds last_byte_{0};
};

}  // namespace mimus
