// The client of one loop: it owns the calls and gives them their turns.
#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "host/upstream/call.h"

namespace mimus {
namespace {

constexpr std::size_t max_calls = 65536;

class Client final : public Upstream, private CallContext::Owner {
 public:
  Client(Loop& loop, const AddressPolicy& policy)
      : loop_(loop),
        turn_(new Turn(*this)),
        pool_(loop),
        resolver_(
            loop, [this] { defer_turn(); }, Resolver::Servers{}),
        context_{loop, policy, pool_, resolver_, tls_, scratch_, *this} {}

  ~Client() override {
    if (turn_->queued) {
      turn_->client = nullptr;  // The loop still knows it; it frees itself.
    } else {
      delete turn_;
    }
  }

  Id start(const UpstreamRequest& request, UpstreamReceiver& receiver) override {
    const Id id = ++last_id_;
    if (calls_.size() >= max_calls) {
      turned_away_.emplace_back(id, &receiver);
      defer_turn();
      return id;
    }
    auto call = std::make_unique<Call>(id, context_, request, receiver);
    wake(*call);
    calls_.emplace(id, std::move(call));
    return id;
  }

  void cancel(Id id) override {
    if (Call* const call = find(id)) call->cancel();
    std::erase_if(turned_away_, [&](const auto& each) { return each.first == id; });
  }

  void pause(Id id) override {
    if (Call* const call = find(id)) call->pause();
  }

  void resume(Id id) override {
    if (Call* const call = find(id)) call->resume();
  }

  void send(Id id, std::string_view data) override {
    if (Call* const call = find(id)) call->write(data);
  }

  std::size_t queued(Id id) const override {
    const auto found = calls_.find(id);
    return found == calls_.end() ? 0 : found->second->queued();
  }

  void finish(Id id) override {
    if (Call* const call = find(id)) return call->finish();
    cancel(id);
  }

 private:
  /// Work for the loop that may outlive the client.
  struct Turn : Post {
    explicit Turn(Client& owner) : client(&owner) {
      run = [](Post& post) {
        Turn& turn = static_cast<Turn&>(post);
        turn.queued = false;
        if (turn.client) {
          turn.client->take_turn();
        } else {
          delete &turn;
        }
      };
    }
    Client* client;
    bool queued = false;
  };

  Call* find(Id id) {
    const auto found = calls_.find(id);
    return found == calls_.end() ? nullptr : found->second.get();
  }

  void defer_turn() {
    if (turn_->queued) return;
    turn_->queued = true;
    loop_.defer(*turn_);
  }

  void wake(Call& call) override {
    if (awake_.empty() || awake_.back() != call.id()) awake_.push_back(call.id());
    defer_turn();
  }

  void retire(Call& call) override {
    auto node = calls_.extract(call.id());
    if (node) retired_.push_back(std::move(node.mapped()));
    defer_turn();
  }

  void take_turn() {
    retired_.clear();  // Nothing of theirs is on the stack: this is the loop's own call.
    for (const Id id : std::exchange(awake_, {})) {
      if (Call* const call = find(id)) call->advance();
    }
    for (Resolver::Answer& answer : resolver_.take()) {
      if (Call* const call = find(answer.id)) call->resolved(std::move(answer));
    }
    for (std::size_t left = turned_away_.size(); left > 0 && !turned_away_.empty(); --left) {
      UpstreamReceiver* const receiver = turned_away_.front().second;
      turned_away_.erase(turned_away_.begin());
      receiver->on_error(UpstreamError::unreachable, "too many exchanges with upstreams at a time");
    }
  }

  Loop& loop_;
  Turn* const turn_;
  Id last_id_ = 0;
  std::array<char, 65536> scratch_;
  TlsClient tls_;
  Pool pool_;
  Resolver resolver_;
  const CallContext context_;
  std::vector<Id> awake_;
  std::vector<std::pair<Id, UpstreamReceiver*>> turned_away_;
  std::vector<std::unique_ptr<Call>> retired_;
  std::unordered_map<Id, std::unique_ptr<Call>> calls_;
};

}  // namespace

std::unique_ptr<Upstream> make_upstream(Loop& loop, const AddressPolicy& policy) {
  return std::make_unique<Client>(loop, policy);
}

}  // namespace mimus
