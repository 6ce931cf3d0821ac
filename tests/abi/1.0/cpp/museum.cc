// A plugin of ABI 1.0 in C++, kept as it was compiled: it answers, throws, and speaks on channels.
#include <stdexcept>
#include <string>

#include "mimus/json_text.h"
#include "mimus/plugin.hpp"

namespace {

class Museum {
 public:
  struct Binding {
    std::string value;
  };

  explicit Museum(mimus::Host&) {}

  mimus::Status self_test() { return mimus::Done{}; }

  void check(const mimus::View& view, mimus::Report& report) {
    if (mimus::json::member(view.config, "value") == "\"\"") report.add("/value", "is empty");
  }

  mimus::Result<std::unique_ptr<Binding>> bind(const mimus::View& view) {
    const bool channel = view.level == MIMUS_LEVEL_CHANNEL;
    const auto value = mimus::json::member(channel ? view.fields : view.config, channel ? "museum" : "value");
    if (!value || view.level == MIMUS_LEVEL_API) return std::unique_ptr<Binding>();
    return std::make_unique<Binding>(Binding{mimus::json::unquote(*value)});
  }

  mimus_action on_request(Binding&, mimus::Request& r) {
    if (r.get(MIMUS_REQUEST_HEADERS, "X-Do") == "throw") throw std::runtime_error("as it did then");
    const mimus_field type = mimus::field("Content-Type", "text/x-museum");
    if (r.attr(MIMUS_METHOD) == "PUT") return r.respond(200, {&type, 1}, r.attr(MIMUS_PATH));
    return MIMUS_NEXT;
  }

  mimus_action on_response(Binding& b, mimus::Request& r) {
    r.set("X-Museum-Cpp", b.value);
    r.vary("Accept");
    return MIMUS_NEXT;
  }

  void on_open(Binding& b, mimus::Peer& peer) {
    peer.join("hall");
    peer.send_event("opened", mimus::json::quoted(b.value));
    peer.start_timer(10, &b);
  }

  void on_timer(Binding& b, mimus::Peer& peer, void* ud) {
    peer.send_event("ticked", ud == &b ? "true" : "false");
  }

  void on_message(Binding&, mimus::Peer& peer, std::string_view data, bool) {
    if (data == "bye") return peer.close(4000, "seen");
    peer.broadcast("hall", "said", mimus::json::quoted(data));
  }

  void on_close(Binding&, mimus::Peer&) {}
};

}  // namespace

MIMUS_MANIFEST =
#include "manifest.inc"
    ;
MIMUS_PLUGIN(Museum, "com.example.museum-cpp", "1.0.0")
