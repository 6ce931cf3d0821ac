// A plugin whose every hook throws when it is told to: "hook" a std::runtime_error,
// "hook!" an int; and whose other hooks misuse the host when told to.
#include <stdexcept>

#include "mimus/json_text.h"
#include "mimus/plugin.hpp"

namespace {

void throw_if(std::string_view wanted, std::string_view here) {
  if (wanted == here) throw std::runtime_error("thrown in " + std::string(here));
  if (wanted.size() == here.size() + 1 && wanted.starts_with(here) && wanted.back() == '!') throw 42;
}

class Thrower {
 public:
  struct Binding {
    std::string in;
    mimus::Hold kept;
  };

  explicit Thrower(mimus::Host& host) : host_(host) {}

  mimus::Status configure(std::string_view json) {
    in_ = mimus::json::unquote(mimus::json::member(json, "thrower-lifecycle").value_or(""));
    number_ = mimus::json::member(json, "thrower-number").value_or("");
    throw_if(in_, "configure");
    if (in_ == "refuse") return mimus::invalid("refused on purpose");
    return mimus::Done{};
  }
  mimus::Status self_test() {
    throw_if(in_, "self_test");
    if (in_ == "sick") return mimus::invalid("not well");
    return mimus::Done{};
  }
  mimus::Status activate() {
    throw_if(in_, "activate");
    return mimus::Done{};
  }
  void quiesce() { throw_if(in_, "quiesce"); }
  void check(const mimus::View& view, mimus::Report& report) {
    const std::string in = wanted(view);
    throw_if(in, "check");
    if (in == "fault") report.add("/throwIn", "a fault on purpose");
  }
  mimus::Result<std::unique_ptr<Binding>> bind(const mimus::View& view) {
    auto binding = std::make_unique<Binding>();
    binding->in = wanted(view);
    throw_if(binding->in, "bind");
    if (binding->in == "nothing") return std::unique_ptr<Binding>();
    return binding;
  }
  mimus_action on_request(Binding& b, mimus::Request& r) {
    throw_if(b.in, "on_request");
    if (b.in == "on_request_body" || b.in == "on_request_body!") return MIMUS_NEED_BODY;
    if (b.in == "on_resume" || b.in == "on_resume!" || b.in == "hold") {
      b.kept = r.hold(5000);
      if (b.in != "hold") b.kept.resume();
      return MIMUS_SUSPEND;
    }
    if (b.in == "suspend-without-hold") return MIMUS_SUSPEND;
    if (b.in == "replace-early") r.replace_body("x");
    if (b.in == "forget-early") r.forget_length();
    if (b.in == "answer-twice") {
      r.respond(200, {}, "one");
      return r.respond(200, {}, "two");
    }
    if (b.in == "answer-nothing") return MIMUS_RESPONDED;
    return MIMUS_NEXT;
  }
  mimus_action on_request_body(Binding& b, mimus::Request&, std::string_view) {
    throw_if(b.in, "on_request_body");
    return MIMUS_NEXT;
  }
  mimus_action on_resume(Binding& b, mimus::Request&) {
    b.kept = {};
    throw_if(b.in, "on_resume");
    return MIMUS_NEXT;
  }
  mimus_action on_response(Binding& b, mimus::Request&) {
    throw_if(b.in, "on_response");
    return b.in.starts_with("on_response_body") ? MIMUS_NEED_BODY : MIMUS_NEXT;
  }
  mimus_action on_response_body(Binding& b, mimus::Request&, std::string_view, mimus_rc) {
    throw_if(b.in, "on_response_body");
    return MIMUS_NEXT;
  }
  void on_end(Binding& b, mimus::Request&) {
    b.kept = {};
    throw_if(b.in, "on_end");
  }
  void admin(const mimus::AdminRequest& request, mimus::AdminReply& reply) {
    throw_if(request.path.substr(1), "admin");
    reply.json(200, number_);
  }
  void reset(std::string_view what) { throw_if(what, "reset"); }
  void enrich(std::span<mimus_record* const>) { throw 42; }
  void on_open(Binding& b, mimus::Peer& peer) {
    peer.start_timer(10, nullptr);
    throw_if(b.in, "on_open");
  }
  void on_timer(Binding& b, mimus::Peer&, void*) { throw_if(b.in, "on_timer"); }
  void on_close(Binding& b, mimus::Peer&) { throw_if(b.in, "on_close"); }
  void on_event(Binding& b, mimus::Peer&, const mimus_event&) { throw_if(b.in, "on_event"); }
  void on_rebind(Binding& b, mimus::Peer&) { throw_if(b.in, "on_rebind"); }
  void on_handshake(Binding& b, mimus_handshake& handshake) {
    handshake.delay_ms = 5;
    throw_if(b.in, "on_handshake");
  }
  void replay(std::string_view session, mimus::AdminReply& reply) {
    throw_if(session, "replay");
    reply.json(200, session);
  }
  void on_message(Binding& b, mimus::Peer& peer, std::string_view data, bool binary) {
    throw_if(b.in, "on_message");
    if (binary) return static_cast<void>(peer.send_binary(data));
    if (data == "fetch") {
      host_.fetch({.url = "http://up.test/"},
                  [](const mimus::Fetched&) { throw std::runtime_error("thrown in a fetch"); });
    } else if (data == "task") {
      host_.spawn([](mimus_rc) { throw 42; });
    } else if (data == "fetch in a task") {
      host_.spawn([this](mimus_rc) {
        const mimus_rc rc = host_.fetch({.url = "http://up.test/"}, [](const mimus::Fetched&) {});
        host_.log(MIMUS_LOG_INFO, "a fetch was " + std::to_string(rc));
      });
    } else if (data == "after") {
      host_.after(10, [](mimus_rc) { throw std::runtime_error("thrown in a timer"); });
    } else {
      peer.send_text(data);
    }
  }

 private:
  static std::string wanted(const mimus::View& view) {
    return mimus::json::unquote(mimus::json::member(view.fields, "throwIn").value_or(""));
  }

  mimus::Host& host_;
  std::string in_, number_;
};

}  // namespace

MIMUS_MANIFEST =
#include "manifest.inc"
    ;
MIMUS_PLUGIN(Thrower, "test.thrower", "0.1.0")
