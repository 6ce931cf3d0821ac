// A channel that does what a test says, for those that are told of it.
#pragma once

#include <memory>
#include <string_view>

#include "host/channel/base_channel.h"

namespace mimus {

struct Idle final : ChannelBehaviour {
  explicit Idle(bool keeps) : captured(keeps) {}
  void on_open(Channel&) override {}
  void on_rebind(Channel&) override {}
  void on_timer(Channel&, std::size_t, void*) override {}
  void on_message(Channel&, bool, std::string_view) override {}
  void on_event(Channel&, const IncomingEvent&) override {}
  void on_close(Channel&) override {}
  bool uses(const void*) const override { return false; }
  bool captures() const override { return captured; }
  const bool captured;
};

/// A channel whose peer takes everything.
class Told final : public BaseChannel {
 public:
  Told(ChannelTable& table, const Ulid& endpoint, const Ulid& api, bool captured)
      : BaseChannel(table.state(), table.next_id(), endpoint,
                    {ChannelProtocol::socket_io, api, "/ws/a", "192.0.2.1", "curl", "q=1", "", ""}, {},
                    std::make_unique<Idle>(captured)) {
    open();
  }
  ~Told() override { detach(); }
  void say(std::string_view text) {
    count_in();
    take_message(false, text);
  }
  void say(const IncomingEvent& event) { take_event(event); }
  void close(int code, std::string_view reason) override { end_with(code, reason); }
  bool fault(ChannelFault, std::uint64_t) override { return true; }

 private:
  Sent transmit(Outgoing&) override { return Sent::sent; }
  std::uint64_t bytes_out() const override { return 0; }
  void disarm() override {}
};

}  // namespace mimus
