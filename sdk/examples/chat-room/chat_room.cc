// A chat. A client's first message is {"join":"<room>","as":"<name>"}; whatever text it sends after that goes
// to everyone in the room as the event "message". "joined" and "left" tell who comes and goes. A Socket.IO
// client emits "join" with that object, then "message" with the text.
#include <mimus/json_text.h>
#include <mimus/plugin.hpp>

#include <charconv>
#include <memory>
#include <string>

namespace {

using mimus::Peer;

class ChatRoom {
 public:
  struct Binding {
    std::size_t longest = 1000;
  };

  explicit ChatRoom(mimus::Host& host) : host_(host) {}

  mimus::Status self_test() {
    if (host_.channel != nullptr && MIMUS_HAS(host_.channel, broadcast)) return mimus::Done{};
    return mimus::invalid("chat-room needs the capability channel");
  }
  mimus::Result<std::unique_ptr<Binding>> bind(const mimus::View& view) {
    auto binding = std::make_unique<Binding>();
    if (view.level != MIMUS_LEVEL_CHANNEL || view.config.empty()) return std::unique_ptr<Binding>();
    const std::string_view longest = mimus::json::member(view.config, "maxLength").value_or("1000");
    std::from_chars(longest.data(), longest.data() + longest.size(), binding->longest);
    return binding;
  }

  void on_message(Binding& binding, Peer& peer, std::string_view data, bool binary) {
    if (binary) return peer.close(1003, "text only");
    if (peer.context() == nullptr) return join(peer, data);
    if (data.size() > binding.longest) return peer.close(1009, "too long");
    tell(peer, "message", data, false);
  }
  /// Hosts of ABI 1.0 know no Socket.IO, and never call it.
  void on_event(Binding& binding, Peer& peer, const mimus_event& event) {
    const std::string_view name = mimus::view(event.name), args = mimus::view(event.args);
    const std::string_view first = mimus::json::at(args, {"0"}).value_or("");
    if (name == "join" && peer.context() == nullptr) {
      join(peer, first);
    } else if (name == "message" && first.starts_with('"')) {
      on_message(binding, peer, mimus::json::unquote(first), false);
    }
    if (event.ack >= 0) peer.acknowledge({sizeof event, 0, {}, mimus::str("[]"), nullptr, event.ack});
  }
  void on_close(Binding&, Peer& peer) {
    if (peer.context() == nullptr) return;
    tell(peer, "left", {}, true);
    delete &member_of(peer);
  }

 private:
  struct Member {
    std::string room, name;
  };
  static Member& member_of(Peer& peer) { return *static_cast<Member*>(peer.context()); }

  static void join(Peer& peer, std::string_view said) {
    auto member = std::make_unique<Member>();
    member->room = mimus::json::unquote(mimus::json::member(said, "join").value_or(""));
    member->name = mimus::json::unquote(mimus::json::member(said, "as").value_or(""));
    if (member->name.empty() || peer.join(member->room) != MIMUS_OK) {
      peer.send_event("error", R"({"detail":"send {\"join\":\"<room>\",\"as\":\"<name>\"} first"})");
      return;
    }
    peer.context() = member.release();
    tell(peer, "joined", {}, false);
  }

  static void tell(Peer& peer, std::string_view event, std::string_view text, bool but_me) {
    const Member& member = member_of(peer);
    std::string payload =
        R"({"room":)" + mimus::json::quoted(member.room) + R"(,"from":)" + mimus::json::quoted(member.name);
    if (!text.empty()) payload += R"(,"text":)" + mimus::json::quoted(text);
    peer.broadcast(member.room, event, payload + "}", but_me);
  }

  mimus::Host& host_;
};

}  // namespace

MIMUS_MANIFEST =
#include "manifest.inc"
    ;
MIMUS_PLUGIN(ChatRoom, "com.example.chat-room", "1.0.0")
