// A raw client and a raw server; and which relay a channel gets.
#include "host/channel/relay.h"

#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "host/channel/server_side.h"
#include "host/channel/socket_relay.h"

namespace mimus {
namespace {

/// Bytes that may wait for a client before its server is not read any more.
constexpr std::size_t enough_waiting = 256 * 1024;

class RawRelay final : public ServerSide {
 public:
  RawRelay(Channel& channel, Loop& loop, Upstream& upstream, const WebSocketTarget& target,
           const ChannelOptions& options)
      : ServerSide(channel, loop, upstream, target, options) {}
  ~RawRelay() override { server_.close(code_for_server(), channel_.end_reason()); }

  void on_message(bool binary, std::string_view payload) override {
    server_.send(binary, payload);
    hold_client();
  }
  void on_event(const IncomingEvent&) override {}

  void on_flushed() override {
    if (waiting_.empty()) return;
    while (!waiting_.empty() && has_room(waiting_.front().payload.size())) {
      const Waiting next = std::move(waiting_.front());
      waiting_.pop_front();
      deliver(next.binary, next.payload);
    }
    if (!waiting_.empty()) return;
    if (end_) return ServerSide::on_server_gone(end_->first, end_->second);
    server_.resume();
  }

 private:
  struct Waiting {
    bool binary;
    std::string payload;
  };

  void on_connected() override {}

  void on_server_message(bool binary, std::string_view payload) override {
    if (waiting_.empty() && has_room(payload.size())) return deliver(binary, payload);
    // The rest of what was read; then nothing more comes.
    waiting_.push_back({binary, std::string(payload)});
    server_.pause();
  }

  void on_server_gone(int code, std::string_view reason) override {
    if (waiting_.empty()) return ServerSide::on_server_gone(code, reason);
    end_.emplace(code, reason);
  }

  bool has_room(std::size_t size) const {
    const std::size_t queued = channel_.queued();
    return queued == 0 || queued + size <= enough_waiting;
  }

  void deliver(bool binary, std::string_view payload) {
    Outgoing message = binary ? Outgoing::binary(std::string(payload)) : Outgoing::text(std::string(payload));
    channel_.send(message);
  }

  std::deque<Waiting> waiting_;                     ///< For a slow client.
  std::optional<std::pair<int, std::string>> end_;  ///< Of the server, once those have gone.
};

}  // namespace

std::unique_ptr<Relay> make_relay(Channel& channel, Loop& loop, Upstream& upstream, WebSocketTarget target,
                                  const ChannelOptions& options) {
  if (channel.origin().protocol == ChannelProtocol::socket_io)
    return std::make_unique<SocketRelay>(channel, loop, upstream, std::move(target), options);
  target.subprotocol = channel.origin().subprotocol;
  return std::make_unique<RawRelay>(channel, loop, upstream, target, options);
}

}  // namespace mimus
