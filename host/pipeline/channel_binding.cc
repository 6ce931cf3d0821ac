#include "host/pipeline/channel_binding.h"

#include <functional>

namespace mimus {

namespace {

class BoundChannel final : public ChannelBehaviour {
 public:
  BoundChannel(std::shared_ptr<const Pipeline> pipeline, std::function<void()> leave)
      : pipeline_(std::move(pipeline)), leave_(std::move(leave)), seats_(pipeline_->steps().size()) {}
  ~BoundChannel() override { leave_(); }

  void on_open(Channel& channel) override {
    for (std::size_t i = 0; i < seats_.size(); ++i) seats_[i] = {&channel, i, channel.id().text(), nullptr};
    each(Hook::on_open,
         [](const mimus_peer_v1& peer, mimus_inst* inst, const Step& step, PluginChannel& seat) {
           if (peer.on_open != nullptr) peer.on_open(inst, step.bound, handle(seat), &seat.context);
         });
  }

  void on_timer(Channel&, std::size_t plugin, void* ud) override {
    const Step& step = pipeline_->steps()[plugin];
    const mimus_peer_v1& peer = *step.plugin->peer;
    if (peer.on_timer != nullptr) {
      const CrumbScope crumb(step.plugin->host.slot, Hook::on_timer);
      peer.on_timer(step.plugin->instance, step.bound, handle(seats_[plugin]), &seats_[plugin].context, ud);
    }
  }

  // No trigger of today looks at what the client says.
  void on_message(Channel&, bool, std::string_view) override {}

  void on_close(Channel&) override {
    each(Hook::on_close,
         [](const mimus_peer_v1& peer, mimus_inst* inst, const Step& step, PluginChannel& seat) {
           if (peer.on_close != nullptr) peer.on_close(inst, step.bound, handle(seat), &seat.context);
         });
  }

 private:
  static mimus_channel* handle(PluginChannel& seat) { return reinterpret_cast<mimus_channel*>(&seat); }

  template <class Call>
  void each(Hook hook, Call call) {
    for (std::size_t i = 0; i < seats_.size(); ++i) {
      const Step& step = pipeline_->steps()[i];
      if (step.bound != nullptr && step.plugin->peer != nullptr) {
        const CrumbScope crumb(step.plugin->host.slot, hook);
        call(*step.plugin->peer, step.plugin->instance, step, seats_[i]);
      }
    }
  }

  std::shared_ptr<const Pipeline> pipeline_;
  std::function<void()> leave_;
  std::vector<PluginChannel> seats_;
};

}  // namespace

std::unique_ptr<ChannelBehaviour> bind_channel(std::shared_ptr<const Pipeline> pipeline,
                                               std::function<void()> leave) {
  return std::make_unique<BoundChannel>(std::move(pipeline), std::move(leave));
}

}  // namespace mimus
