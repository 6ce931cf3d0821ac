#include "host/app/admission.h"

#include <optional>
#include <string>
#include <utility>

#include "host/app/access_rules.h"
#include "host/pipeline/channel_binding.h"
#include "host/plugin/resume.h"

namespace mimus {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds compile_deadline{30};
constexpr int max_compiles = 32;  // where other plugins are published again and again

}  // namespace

/// Holds a generation only while it is decided which pipeline serves, not while a plugin has the
/// answer put off: what is replaced meanwhile must not wait for that.
class Admission::Enquiry final : public Door::Question, private mimus_resume::Waiter {
 public:
  Enquiry(Admission& door, Caller caller, Asker& asker)
      : door_(door), caller_(std::move(caller)), asker_(asker) {
    pause_.enquiry = this;
    pause_.fire = [](Timer& timer) { static_cast<Pause&>(timer).enquiry->after_pause(); };
  }
  ~Enquiry() override {
    if (wake_ != nullptr) wake_->detach();
    door_.worker_.loop.disarm(pause_);
    door_.put_off_.erase(this);
    let_go();
  }

  /// After it was put off.
  void give_up() {
    (void)look_up();
    refuse_stopping();
  }

  void ask() override {
    if (!look_up()) return refuse_unknown();
    const AccessRules& rules = *rules_;
    if (rules.attempts != 0) {
      const milliseconds wait =
          door_.attempts_.enter(channel_->id, caller_.origin.client_ip, rules.attempts,
                                std::chrono::floor<milliseconds>(door_.worker_.loop.now()));
      if (wait.count() != 0) {
        return refuse({429, "too-many-attempts", "the endpoint's maxAttemptsPerMinute is reached",
                       std::chrono::ceil<std::chrono::seconds>(wait)});
      }
    }
    if (!rules.allow_origin(caller_))
      return refuse({403, "forbidden-origin", "the endpoint's origins do not list it"});
    if (!rules.allow_token(caller_)) {
      return refuse({401, "unauthorized",
                     caller_.origin.protocol == ChannelProtocol::socket_io
                         ? "send the endpoint's token as auth.token"
                         : "send the endpoint's token as Authorization: Bearer or ?token="});
    }
    bind();
  }

 private:
  struct Pause : Timer {
    Enquiry* enquiry = nullptr;
  };

  /// Finds the endpoint as it is defined now. False: it is not there.
  bool look_up() {
    generation_ = door_.worker_.lease.acquire();
    channel_ = generation_->definitions->find_channel_by_path(caller_.origin.path);
    if (channel_ == nullptr || !channel_->enabled) return false;
    caller_.origin.api = channel_->api;
    api_ = generation_->definitions->find_api(channel_->api);
    rules_.emplace(*channel_->document);
    return true;
  }
  void let_go() {
    if (generation_ != nullptr) door_.worker_.lease.release(std::exchange(generation_, nullptr));
  }

  void bind() {
    std::shared_ptr<const Pipeline> pipeline =
        Compiler::compiled(generation_->plugins->serial, *api_, *channel_);
    if (pipeline == nullptr && compiles_ == max_compiles)
      return refuse({503, "definition-unreadable", "the endpoint's definition cannot be bound"});
    if (pipeline == nullptr) {
      ++compiles_;
      if (wake_ != nullptr) wake_->detach();
      wake_ = mimus_resume::make(door_.worker_.loop, *this, compile_deadline);
      door_.worker_.compiler.request({generation_->definitions, api_, nullptr, channel_, wake_});
      return;
    }
    if (const auto refused = no_way_in(*pipeline)) return refuse(*refused);
    if (!std::exchange(asked_plugins_, true)) {
      const mimus_handshake said = ask_handshake(*pipeline);
      refuse_with_ = said.refuse_with;
      if (said.delay_ms != 0) {
        return put_off(milliseconds(said.delay_ms));
      }
    }
    answer(std::move(pipeline));
  }

  void on_woken(mimus_resume&, mimus_resume::Woken) override { bind(); }

  /// Not beyond the host's stop. Clients of Socket.IO go with their sessions then: one that is
  /// refused would not come back.
  void put_off(milliseconds delay) {
    if (caller_.origin.protocol == ChannelProtocol::websocket) {
      if (door_.draining_) return refuse_stopping();
      door_.put_off_.insert(this);
    }
    let_go();
    door_.worker_.loop.arm(pause_, delay);
  }

  void after_pause() {
    door_.put_off_.erase(this);
    if (!look_up()) return refuse_unknown();
    bind();
  }

  void answer(std::shared_ptr<const Pipeline> pipeline) {
    if (refuse_with_ != 0)
      return refuse({refuse_with_, "handshake-refused", "a plugin refused the handshake"});
    const std::string address = caller_.origin.client_ip;
    const std::shared_ptr<AddressCount> count = pipeline->addresses();
    if (!count->enter(address, rules_->connections))
      return refuse({429, "too-many-connections", "the endpoint's maxConnectionsPerIp is reached"});
    Admitted admitted;
    admitted.endpoint = channel_->id;
    admitted.rules.messages_per_second = rules_->messages;
    admitted.origin = std::move(caller_.origin);
    admitted.origin.subprotocol = rules_->choose(caller_.subprotocols);
    admitted.behaviour = bind_channel(std::move(pipeline), [count, address] { count->leave(address); });
    let_go();
    asker_.on_admitted(std::move(admitted));
  }

  void refuse_stopping() { refuse({503, "unavailable", "the host is stopping"}); }

  void refuse_unknown() {
    channel_ = nullptr;
    refuse({404, "no-such-endpoint", "no WebSocket endpoint has the path " + caller_.origin.path});
  }

  void refuse(const Refused& refused) {
    door_.channels_.tell_refused(
        {caller_.origin, channel_ != nullptr ? &channel_->id : nullptr, refused.status, refused.code});
    let_go();
    asker_.on_refused(refused);
  }

  Admission& door_;
  Caller caller_;
  Asker& asker_;
  const Generation* generation_ = nullptr;  ///< What the next three are of.
  const ChannelRecord* channel_ = nullptr;
  const ApiRecord* api_ = nullptr;
  std::optional<AccessRules> rules_;
  mimus_resume* wake_ = nullptr;
  int compiles_ = 0;
  bool asked_plugins_ = false;
  int refuse_with_ = 0;
  Pause pause_;
};

void Admission::drain() {
  draining_ = true;
  while (!put_off_.empty()) put_off_.extract(put_off_.begin()).value()->give_up();
}

std::unique_ptr<Door::Question> Admission::question(Caller caller, Asker& asker) {
  return std::make_unique<Enquiry>(*this, std::move(caller), asker);
}

}  // namespace mimus
