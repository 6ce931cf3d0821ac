#include "host/pipeline/channel_binding.h"

#include <algorithm>
#include <functional>

namespace mimus {

namespace {

class BoundChannel final : public ChannelBehaviour {
 public:
  BoundChannel(std::shared_ptr<const Pipeline> pipeline, std::function<void()> leave)
      : pipeline_(std::move(pipeline)), leave_(std::move(leave)), seats_(pipeline_->steps().size()) {
    for (const Step& step : pipeline_->steps()) step.plugin->holders.channels.fetch_add(1);
  }
  ~BoundChannel() override {
    for (const Step& step : pipeline_->steps()) step.plugin->holders.channels.fetch_sub(1);
    leave_();
  }

  void on_open(Channel& channel) override {
    seat(channel);
    each(Hook::on_open,
         [](const mimus_peer_v1& peer, mimus_inst* inst, const Step& step, PluginChannel& seat) {
           if (peer.on_open != nullptr) peer.on_open(inst, step.bound, handle(seat), &seat.context);
         });
  }

  void on_rebind(Channel& channel) override {
    seat(channel);
    each(Hook::on_open, [](const mimus_peer_v1& peer, mimus_inst* inst, const Step& step,
                           PluginChannel& seat) {
      const auto hook = MIMUS_HAS(step.plugin->peer, on_rebind) && peer.on_rebind != nullptr ? peer.on_rebind
                                                                                             : peer.on_open;
      if (hook != nullptr) hook(inst, step.bound, handle(seat), &seat.context);
    });
  }

  void on_timer(Channel&, std::size_t plugin, void* ud) override {
    const Step& step = pipeline_->steps()[plugin];
    const mimus_peer_v1& peer = *step.plugin->peer;
    if (peer.on_timer != nullptr) {
      enter(Hook::on_timer, step, seats_[plugin], [&] {
        peer.on_timer(step.plugin->instance, step.bound, handle(seats_[plugin]), &seats_[plugin].context, ud);
      });
    }
  }

  void on_message(Channel& channel, bool binary, std::string_view payload) override {
    if (relay_ != nullptr) relay_->on_message(binary, payload);
    const mimus_str data{payload.data(), payload.size()};
    each(Hook::on_message,
         [&](const mimus_peer_v1& peer, mimus_inst* inst, const Step& step, PluginChannel& seat) {
           if (!MIMUS_HAS(step.plugin->peer, on_message) || peer.on_message == nullptr || !channel.is_open())
             return;
           peer.on_message(inst, step.bound, handle(seat), &seat.context, data, binary ? 1 : 0);
         });
  }

  void on_event(Channel& channel, const IncomingEvent& event) override {
    if (relay_ != nullptr) relay_->on_event(event);
    std::vector<mimus_str> binaries;
    for (const std::string_view one : event.binaries) binaries.push_back({one.data(), one.size()});
    const mimus_event told{sizeof told,
                           static_cast<std::uint32_t>(binaries.size()),
                           {event.name.data(), event.name.size()},
                           {event.args.data(), event.args.size()},
                           binaries.data(),
                           event.ack};
    each(Hook::on_message,
         [&](const mimus_peer_v1& peer, mimus_inst* inst, const Step& step, PluginChannel& seat) {
           if (!MIMUS_HAS(step.plugin->peer, on_event) || peer.on_event == nullptr || !channel.is_open())
             return;
           peer.on_event(inst, step.bound, handle(seat), &seat.context, &told);
         });
  }

  void on_flushed(Channel&) override {
    if (relay_ != nullptr) relay_->on_flushed();
  }

  void on_close(Channel&) override {
    relay_.reset();
    each(Hook::on_close,
         [](const mimus_peer_v1& peer, mimus_inst* inst, const Step& step, PluginChannel& seat) {
           if (peer.on_close != nullptr) peer.on_close(inst, step.bound, handle(seat), &seat.context);
         });
  }

  bool captures() const override { return pipeline_->capture().bodies; }

  bool uses(const void* plugin) const override {
    return std::any_of(pipeline_->steps().begin(), pipeline_->steps().end(), [&](const Step& step) {
      return step.plugin == plugin && step.plugin->peer != nullptr;
    });
  }

 private:
  void seat(Channel& channel) {
    for (std::size_t i = 0; i < seats_.size(); ++i)
      seats_[i] = {&channel, &pipeline_->steps()[i].plugin->host.services, &relay_, i, {}, nullptr};
  }
  static mimus_channel* handle(PluginChannel& seat) { return reinterpret_cast<mimus_channel*>(&seat); }

  /// An exception that comes out, past the SDK's wall, ends the channel.
  template <class Call>
  static void enter(Hook hook, const Step& step, PluginChannel& seat, Call call) {
    const CrumbScope crumb(step.plugin->host.slot, hook);
    try {
      call();
    } catch (...) {
      step.plugin->failures.fetch_add(1, std::memory_order_relaxed);
      if (seat.channel != nullptr && seat.channel->is_open()) seat.channel->close(1011, "plugin failed");
    }
  }

  template <class Call>
  void each(Hook hook, Call call) {
    for (std::size_t i = 0; i < seats_.size(); ++i) {
      const Step& step = pipeline_->steps()[i];
      if (step.bound != nullptr && step.plugin->peer != nullptr) {
        enter(hook, step, seats_[i],
              [&] { call(*step.plugin->peer, step.plugin->instance, step, seats_[i]); });
      }
    }
  }

  std::shared_ptr<const Pipeline> pipeline_;
  std::function<void()> leave_;
  std::vector<PluginChannel> seats_;
  std::unique_ptr<Relay> relay_;  ///< To a real server, where a plugin has started it.
};

}  // namespace

std::optional<Refused> no_way_in(const Pipeline& pipeline) {
  if (!pipeline.missing().empty())
    return Refused{503, "plugin-failed", "plugin " + pipeline.missing() + " is not loaded"};
  for (const Step& step : pipeline.steps()) {
    const Manifest& manifest = step.plugin->manifest();
    if (step.broken && manifest.fail_closed)
      return Refused{503, "plugin-failed", "plugin " + manifest.id + " cannot be bound"};
  }
  if (!pipeline.steps().empty()) return std::nullopt;
  return Refused{501, "no-content", "no plugin answers for this endpoint: is the one for channels loaded?"};
}

mimus_handshake ask_handshake(const Pipeline& pipeline) {
  mimus_handshake all{sizeof all, 0, 0};
  for (const Step& step : pipeline.steps()) {
    const mimus_peer_v1* const peer = step.plugin->peer;
    if (step.bound == nullptr || !MIMUS_HAS(peer, on_handshake) || peer->on_handshake == nullptr) continue;
    mimus_handshake one{sizeof one, 0, 0};
    const CrumbScope crumb(step.plugin->host.slot, Hook::on_open);
    try {
      peer->on_handshake(step.plugin->instance, step.bound, &one);
    } catch (...) {
      step.plugin->failures.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    all.delay_ms = std::min(std::max(all.delay_ms, one.delay_ms), max_handshake_delay_ms);
    if (all.refuse_with == 0 && one.refuse_with >= 400 && one.refuse_with <= 599)
      all.refuse_with = one.refuse_with;
  }
  return all;
}

std::unique_ptr<ChannelBehaviour> bind_channel(std::shared_ptr<const Pipeline> pipeline,
                                               std::function<void()> leave) {
  return std::make_unique<BoundChannel>(std::move(pipeline), std::move(leave));
}

}  // namespace mimus
