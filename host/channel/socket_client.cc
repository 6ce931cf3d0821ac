#include "host/channel/socket_client.h"

#include <algorithm>
#include <utility>

#include "mimus/json_text.h"

namespace mimus {

/// A namespace that is asked for, is open, or was left by this side.
struct SocketClient::Seat final : Door::Asker {
  Seat(SocketClient& owner, std::string_view name) : client(owner), ns(name) {}

  bool is_open() const { return channel != nullptr && channel->is_open(); }
  bool was_left() const { return question == nullptr && !is_open(); }

  void on_admitted(Admitted admitted) override { client.admit(*this, std::move(admitted)); }
  void on_refused(const Refused& refused) override {
    SocketClient& mine = client;
    mine.refuse(ns, refused);
    mine.remove(*this);
  }

  SocketClient& client;
  const std::string ns;
  std::unique_ptr<Door::Question> question;
  std::unique_ptr<NamespaceChannel> channel;
};

SocketClient::SocketClient(EngineSession& session, ChannelTable& channels, Door& door,
                           const SocketOptions& options)
    : session_(session),
      channels_(channels),
      door_(door),
      options_(options),
      decoder_({options.max_packet_bytes, options.max_json_depth}) {
  patience_.client = broom_.client = this;
  patience_.fire = [](Timer& timer) { static_cast<Watch&>(timer).client->expire(); };
  broom_.fire = [](Timer& timer) { static_cast<Watch&>(timer).client->sweep(); };
  channels_.state().loop.arm(patience_, options_.connect_timeout);
}

SocketClient::~SocketClient() { on_closed(); }

void SocketClient::on_message(bool binary, std::string_view data) {
  if (!over_ && !decoder_.take(binary, data, *this)) give_up();
}

void SocketClient::on_packet(const SocketPacket& packet) {
  if (packet.type == SocketType::connect) return connect(packet);
  Seat* const seat = find(packet.ns);
  if (seat == nullptr || seat->question != nullptr || packet.type == SocketType::connect_error)
    return give_up();
  if (packet.type != SocketType::disconnect) {
    if (seat->channel != nullptr) seat->channel->take(packet);
    return;
  }
  if (seat->channel != nullptr) seat->channel->end(0, {});
  remove(*seat);
}

void SocketClient::connect(const SocketPacket& packet) {
  Seat* seat = find(packet.ns);
  if (seat != nullptr && seat->is_open()) return give_up();
  if (seat == nullptr) {
    if (!has_room())
      return refuse(packet.ns, {429, "too-many-connections", "this client has too many namespaces", {}});
    seats_.push_back(std::make_unique<Seat>(*this, packet.ns));
    seat = seats_.back().get();
  }
  seat->channel.reset();
  const EngineOrigin& from = session_.origin();
  Caller caller;
  caller.origin.protocol = ChannelProtocol::socket_io;
  caller.origin.path = packet.ns;
  caller.origin.client_ip = from.client_ip;
  caller.origin.user_agent = from.user_agent;
  caller.origin.query = from.query;
  caller.origin.auth = packet.data;
  caller.web_origin = from.origin;
  caller.host = from.host;
  caller.bearer = from.bearer;
  seat->question = door_.question(std::move(caller), *seat);
  seat->question->ask();  // the seat may be gone now
}

void SocketClient::admit(Seat& seat, Admitted admitted) {
  const std::unique_ptr<Door::Question> answered = std::move(seat.question);
  if (over_ || !session_.is_open()) return;
  channels_.state().loop.disarm(patience_);
  NamespaceChannel::Owner& owner = *this;
  seat.channel = std::make_unique<NamespaceChannel>(channels_, std::move(admitted), session_, owner);
  seat.channel->start();
}

void SocketClient::refuse(std::string_view ns, const Refused& refused) {
  std::string payload = R"({"message":"Invalid namespace"})";
  if (refused.code != "no-such-endpoint") {
    payload =
        "{\"message\":" + json::quoted(refused.detail) + ",\"data\":{\"code\":" + json::quoted(refused.code);
    if (refused.retry_after.count() != 0)
      payload += ",\"retryAfter\":" + std::to_string(refused.retry_after.count());
    payload += "}}";
  }
  EngineMessages answer;
  answer.add(false, socket_packet(SocketType::connect_error, ns, -1, payload));
  session_.send(answer);
}

SocketClient::Seat* SocketClient::find(std::string_view ns) {
  const auto at = std::find_if(seats_.begin(), seats_.end(), [&](const auto& one) { return one->ns == ns; });
  return at == seats_.end() ? nullptr : at->get();
}

void SocketClient::remove(const Seat& seat) {
  const auto at =
      std::find_if(seats_.begin(), seats_.end(), [&](const auto& one) { return one.get() == &seat; });
  const std::unique_ptr<Seat> gone = std::move(*at);
  seats_.erase(at);
}

/// Whether there may be one more namespace. Those that were left give theirs up.
bool SocketClient::has_room() {
  if (seats_.size() < options_.max_namespaces) return true;
  const auto left =
      std::find_if(seats_.begin(), seats_.end(), [](const auto& one) { return one->was_left(); });
  if (left == seats_.end()) return false;
  remove(**left);
  return true;
}

void SocketClient::expire() {
  if (!over_) session_.close();
}

void SocketClient::on_channel_ended() { channels_.state().loop.arm(broom_, std::chrono::milliseconds(0)); }

void SocketClient::sweep() {
  for (const auto& seat : seats_) {
    if (seat->was_left()) seat->channel.reset();
  }
}

void SocketClient::give_up() {
  over_ = true;
  for (const auto& seat : seats_) {
    seat->question.reset();
    if (seat->channel != nullptr) seat->channel->end(1002, "parse error");
  }
  session_.close();
}

void SocketClient::on_drain() {
  over_ = true;
  for (const auto& seat : seats_) {
    seat->question.reset();
    if (seat->channel != nullptr) seat->channel->end(1001, {});
  }
}

void SocketClient::on_closed() {
  over_ = true;
  channels_.state().loop.disarm(patience_);
  channels_.state().loop.disarm(broom_);
  while (!seats_.empty()) remove(*seats_.back());
}

}  // namespace mimus
