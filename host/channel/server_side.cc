#include "host/channel/server_side.h"

namespace mimus {
namespace {

/// Bytes that may wait for a server before its client is held back. What was read by then, and
/// what comes in a way that cannot be held, still adds to it.
constexpr std::size_t enough_waiting = 256 * 1024;

}  // namespace

ServerSide::ServerSide(Channel& channel, Loop& loop, Upstream& upstream, const WebSocketTarget& target,
                       const ChannelOptions& options)
    : channel_(channel),
      server_(loop, upstream, target,
              {options.max_message_bytes, options.ping_interval, options.ping_timeout}, *this),
      most_waiting_(4 * enough_waiting + 2 * options.max_message_bytes) {}

void ServerSide::hold_client(std::size_t more) {
  const std::size_t waiting = server_.queued() + more;
  if (waiting > most_waiting_) return channel_.close(1013, "the server takes too little");
  if (holding_ || waiting <= enough_waiting) return;
  holding_ = true;
  channel_.pause();
}

void ServerSide::on_server_took_all() {
  if (!holding_) return;
  holding_ = false;
  channel_.resume();
}

void ServerSide::on_server_gone(int code, std::string_view reason) {
  channel_.close(code == 1006 ? 1014 : code, reason);
}

int ServerSide::code_for_server() const {
  const int code = channel_.end_code();
  return code == 1005 || valid_close_code(code) ? code : 1001;
}

}  // namespace mimus
