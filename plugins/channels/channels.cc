// The plugin mimus.channels: sends a WebSocket endpoint's events to whoever connects.
#include <algorithm>
#include <memory>

#include "mimus/plugin.hpp"
#include "plugins/channels/events.h"

namespace mimus::channels {
namespace {

class Channels {
 public:
  struct Binding {
    std::vector<Event> events;
  };

  explicit Channels(Host& host) : host_(host) {}

  Status configure(std::string_view) {
    if (host_.channel == nullptr) return invalid("mimus.channel/1 is needed");
    return Done{};
  }

  void check(const View& view, Report& report) {
    for (const EventFault& fault : check_events(view.fields))
      report.add(fault.pointer, fault.detail, fault.code);
  }

  Result<std::unique_ptr<Binding>> bind(const View& view) {
    auto binding = std::make_unique<Binding>(Binding{read_events(view.fields)});
    if (binding->events.empty()) binding.reset();
    return binding;
  }

  void on_open(Binding& binding, Peer& peer) {
    auto live = std::make_unique<Live>();
    const std::uint64_t now = host_.now_ms();
    live->reserve(binding.events.size());
    for (const Event& event : binding.events)
      if (!event.echo) live->push_back({&event, now + event.delay_ms + event.interval_ms});
    peer.context() = live.get();
    send_due(*live.release(), peer);
  }

  void on_timer(Binding&, Peer& peer, void*) { send_due(*static_cast<Live*>(peer.context()), peer); }

  void on_message(Binding& binding, Peer& peer, std::string_view data, bool binary) {
    for (const Event& event : binding.events) {
      if (event.echo && (binary ? peer.send_binary(data) : peer.send_text(data)) != MIMUS_OK) return;
    }
  }

  void on_close(Binding&, Peer& peer) {
    delete static_cast<Live*>(peer.context());
    peer.context() = nullptr;
  }

 private:
  /// One event on one connection.
  struct Plan {
    const Event* event;
    std::uint64_t due_ms;
    std::uint64_t count = 0;
    bool done = false;
  };
  using Live = std::vector<Plan>;  ///< Of a connection, in the order of the definition.

  /// Sends what is due, earliest first, then sets the connection's one timer.
  void send_due(Live& live, Peer& peer) {
    for (;;) {
      const auto next = std::min_element(live.begin(), live.end(), [](const Plan& a, const Plan& b) {
        return a.done != b.done ? b.done : a.due_ms < b.due_ms;
      });
      if (next == live.end() || next->done) return;
      const std::uint64_t now = host_.now_ms();
      if (next->due_ms > now) {
        if (peer.start_timer(next->due_ms - now, nullptr) == MIMUS_E_NOSPC)
          peer.close(1013, "too many timers");
        return;
      }
      if (!send(*next, peer)) return;
      const Event& event = *next->event;
      next->done = !event.repeats || next->count == event.times;
      // Counted from the due time, so that it does not drift; what was missed is left out.
      if (event.repeats) next->due_ms += ((now - next->due_ms) / event.interval_ms + 1) * event.interval_ms;
    }
  }

  /// False: the connection is closing.
  bool send(Plan& plan, Peer& peer) {
    const Moment moment{++plan.count, host_.wall_us(), peer.client_id()};
    return peer.send_event(plan.event->name, plan.event->payload.render(moment)) == MIMUS_OK;
  }

  Host& host_;
};

}  // namespace
}  // namespace mimus::channels

MIMUS_MANIFEST =
#include "manifest.inc"
    ;
MIMUS_PLUGIN(mimus::channels::Channels, "mimus.channels", "0.1.0")
