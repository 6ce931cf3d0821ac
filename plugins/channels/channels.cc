// The plugin mimus.channels: does what a WebSocket endpoint's definition says, for whoever connects.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mimus/json_text.h"
#include "mimus/plugin.hpp"
#include "plugins/channels/acting.h"
#include "plugins/channels/events.h"
#include "plugins/channels/replay.h"
#include "plugins/channels/timeline.h"

namespace mimus::channels {
namespace {

/// A message as conditions see it.
class MessageFacts final : public when::Facts {
 public:
  MessageFacts(const Message& message, const Peer& peer) : message_(message), peer_(peer) {}

  bool any(std::size_t place, std::string_view, const Show& show) const override {
    const auto value = static_cast<Where>(place) == Where::event ? message_.name() : message_.text();
    return value && show(*value);
  }
  std::string_view document(std::size_t place) const override {
    return static_cast<Where>(place) == Where::data ? message_.data() : peer_.attr(MIMUS_CHANNEL_AUTH);
  }

 private:
  const Message& message_;
  const Peer& peer_;
};

bool is_rule(const Event& event) {
  return event.trigger == Trigger::message || event.trigger == Trigger::ack;
}
bool needs_message(const Act& act) { return act.what == Act::What::echo || act.payload.looks_at_message(); }

}  // namespace

class Channels {
 public:
  /// A script, sorted by when it matters. It points into itself: not to be moved.
  struct Binding {
    Script script;
    std::string connected;              ///< The payload of that event, up to the client's id.
    std::vector<const Event*> rules;    ///< For messages.
    std::vector<const Event*> opening;  ///< On connection, at once.
    std::vector<const Event*> timed;    ///< The rest.
    Event drop;                         ///< After `dropAfterMs`.
  };

  explicit Channels(Host& host) : host_(host) {}

  Status configure(std::string_view) {
    if (host_.channel == nullptr) return invalid("mimus.channel/1 is needed");
    return Done{};
  }

  void check(const View& view, Report& report) {
    for (const EventFault& fault : check_events(view.fields)) report.add(fault.pointer, fault.detail);
  }

  Result<std::unique_ptr<Binding>> bind(const View& view) {
    if (view.level != MIMUS_LEVEL_CHANNEL) return std::unique_ptr<Binding>();
    if (const auto wrong = check_events(view.fields); !wrong.empty())
      return invalid(wrong[0].pointer + " " + wrong[0].detail);
    auto binding = std::make_unique<Binding>();
    Binding& b = *binding;
    b.script = read_script(view.fields);
    b.connected = R"({"endpoint":)" + json::quoted(view.path) + R"(,"clientId":)";
    for (const Event& event : b.script.events) {
      const bool at_once = event.trigger == Trigger::connection && event.delay_ms == 0;
      (is_rule(event) ? b.rules : at_once ? b.opening : b.timed).push_back(&event);
    }
    b.drop.trigger = Trigger::close_after;
    b.drop.act.what = Act::What::fault;
    b.drop.delay_ms = b.script.faults.drop_after_ms.value_or(0);
    if (b.script.faults.drop_after_ms) b.timed.push_back(&b.drop);
    const bool idle = b.rules.empty() && b.opening.empty() && b.timed.empty();
    if (idle && !b.script.says_connected && b.script.faults == Faults{}) binding.reset();
    return binding;
  }

  void on_handshake(Binding& binding, mimus_handshake& handshake) {
    handshake.delay_ms = binding.script.faults.handshake_delay_ms;
    handshake.refuse_with = binding.script.faults.refuse_with;
  }

  void on_open(Binding& b, Peer& peer) {
    misbehave(b, peer, false);
    if (b.script.says_connected && peer.attr(MIMUS_CHANNEL_PROTOCOL) == "socket.io" &&
        peer.send_event("connected", b.connected + json::quoted(peer.client_id()) + "}") != MIMUS_OK) {
      return;
    }
    // What is due at once needs no plan, unless something else may be due before it.
    if (b.timed.empty()) {
      for (const Event* event : b.opening) {
        if (!perform(event->act, {host_, peer, nullptr, 1, ack_id(event->act, peer)})) return;
      }
      return;
    }
    start(b, peer, true);
  }

  /// An open client stays in the rooms that the definition has it join on connection.
  void on_rebind(Binding& b, Peer& peer) {
    misbehave(b, peer, true);
    for (const Event& event : b.script.events) {
      if (event.trigger != Trigger::connection) continue;
      if (!event.act.leave.empty()) peer.leave(event.act.leave);
      if (!event.act.join.empty()) peer.join(event.act.join);
    }
    if (!b.timed.empty()) start(b, peer, false);
  }

  void on_timer(Binding&, Peer& peer, void* due_ms) {
    if (timeline(peer) == nullptr) return;
    timeline(peer)->alarm_rang(reinterpret_cast<std::uintptr_t>(due_ms));
    play(*timeline(peer), peer);
  }

  void on_message(Binding& b, Peer& peer, std::string_view data, bool binary) {
    if (!b.rules.empty()) answer(b, peer, Message::raw(data, binary));
  }

  void on_event(Binding& b, Peer& peer, const mimus_event& event) {
    if (b.rules.empty() || event.name.n == 0) return;  // no rule looks at acknowledgements
    answer(b, peer,
           Message::event(view(event.name), view(event.args), {event.binaries, event.n_binaries}, event.ack));
  }

  void on_close(Binding&, Peer& peer) {
    delete timeline(peer);
    peer.context() = nullptr;
  }

  void replay(std::string_view session, AdminReply& reply) {
    const Replay made = replay_of(session);
    if (made.left_out > 0) {
      host_.log(MIMUS_LOG_WARN, "a recorded session is longer than a definition may be: its last " +
                                    std::to_string(made.left_out) + " messages were left out");
    }
    reply.json(200, made.patch);
  }

 private:
  static Timeline* timeline(Peer& peer) { return static_cast<Timeline*>(peer.context()); }
  static Timeline& made_timeline(Peer& peer) {
    if (peer.context() == nullptr) peer.context() = new Timeline();
    return *timeline(peer);
  }
  static std::int64_t ack_id(const Act& act, Peer& peer) {
    return act.asks_ack ? made_timeline(peer).next_ack_id() : 0;
  }

  static void misbehave(const Binding& b, Peer& peer, bool again) {
    const Faults& faults = b.script.faults;
    if (faults.ignore_pings) peer.fault(MIMUS_FAULT_IGNORE_PINGS);
    if (again || faults.bytes_per_second > 0) peer.fault(MIMUS_FAULT_SLOW, faults.bytes_per_second);
  }

  void start(const Binding& b, Peer& peer, bool opens) {
    Timeline& times = made_timeline(peer);
    const std::uint64_t now = host_.now_ms();
    times.reserve(b.timed.size() + (opens ? b.opening.size() : 0));
    const auto add = [&](const Event& event) {
      if (event.trigger == Trigger::connection && !opens) return;
      std::uint64_t after = event.delay_ms + event.interval_ms;
      if (event.trigger == Trigger::schedule) after = event.steps.front().after_ms;
      times.add({.due_ms = now + after, .rank = event.rank, .event = &event});
    };
    for (const Event* event : b.opening) add(*event);
    for (const Event* event : b.timed) add(*event);
    play(times, peer);
  }

  /// Does what is due, earliest first, then sets a timer for what is next.
  void play(Timeline& times, Peer& peer) {
    while (!times.empty()) {
      const std::uint64_t now = host_.now_ms(), due = times.first().due_ms;
      if (due > now) {
        if (times.set_alarm(due) &&
            peer.start_timer(due - now, reinterpret_cast<void*>(std::uintptr_t{due})) == MIMUS_E_NOSPC) {
          peer.close(1013, "too many timers");
        }
        return;
      }
      Plan plan = times.take();
      if (!follow(plan, peer)) return;
      if (goes_on(plan, now)) times.add(std::move(plan));
    }
  }

  /// False: the channel is closing.
  bool follow(Plan& plan, Peer& peer) {
    const Event& event = *plan.event;
    if (plan.step == 0 && !is_rule(event)) ++plan.count;
    const Act& act = event.trigger == Trigger::schedule ? event.steps[plan.step].act : event.act;
    std::optional<Message> message;
    if (plan.message != nullptr) message.emplace(plan.message->look());
    const Occasion on{host_, peer, message ? &*message : nullptr, plan.count, ack_id(act, peer)};
    return event.trigger == Trigger::ack ? acknowledge(act, on, plan.ack) : perform(act, on);
  }

  /// Whether a plan that was followed has more to do, and then when.
  static bool goes_on(Plan& plan, std::uint64_t now) {
    const Event& event = *plan.event;
    const bool last = event.times != 0 && plan.count >= event.times;
    if (event.trigger == Trigger::interval) {
      // Counted from the due time, so that it does not drift; what was missed is left out.
      plan.due_ms += ((now - plan.due_ms) / event.interval_ms + 1) * event.interval_ms;
      return !last;
    }
    if (event.trigger != Trigger::schedule) return false;
    if (++plan.step == event.steps.size()) {
      if (last) return false;
      plan.step = 0;
      plan.due_ms = now;
    }
    plan.due_ms += event.steps[plan.step].after_ms;
    return true;
  }

  void answer(const Binding& b, Peer& peer, const Message& message) {
    const MessageFacts facts(message, peer);
    when::Subject subject(facts);
    bool acknowledged = false, put_off = false;
    for (std::size_t i = 0; i < b.rules.size(); ++i) {
      const Event& rule = *b.rules[i];
      const bool acks = rule.trigger == Trigger::ack;
      if (acks && (acknowledged || message.ack() < 0)) continue;
      if (rule.times != 0 && timeline(peer) != nullptr && timeline(peer)->counted(i) >= rule.times) continue;
      if (rule.condition && !rule.condition->holds(subject)) continue;
      acknowledged = acknowledged || acks;
      const std::uint64_t count = rule.counts ? made_timeline(peer).count(i) : 1;
      if (rule.delay_ms == 0) {
        const Occasion on{host_, peer, &message, count, ack_id(rule.act, peer)};
        if (!(acks ? acknowledge(rule.act, on, message.ack()) : perform(rule.act, on))) return;
        continue;
      }
      put_off = true;
      Plan plan{
          .due_ms = host_.now_ms() + rule.delay_ms, .event = &rule, .count = count, .ack = message.ack()};
      if (needs_message(rule.act)) plan.message = std::make_unique<KeptMessage>(message);
      if (!made_timeline(peer).add_answer(std::move(plan)))
        return peer.close(1013, "too many delayed answers");
    }
    if (put_off) play(*timeline(peer), peer);
  }

  Host& host_;
};

}  // namespace mimus::channels

MIMUS_MANIFEST =
#include "manifest.inc"
    ;
MIMUS_PLUGIN(mimus::channels::Channels, "mimus.channels", "0.1.0")
