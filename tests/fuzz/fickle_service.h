// A service that answers as a plan says: at once, later, in a stream, with the body, by giving
// the connection away, by throwing. It checks what it is promised on the way.
#pragma once

#include <stdexcept>
#include <utility>

#include "host/net/exchange.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/net/request_reader.h"

namespace mimus::fuzz {

/// What becomes of one exchange.
enum class Conduct {
  body,        ///< Wants the body, answers at once.
  body_later,  ///< Wants the body, answers later.
  now,
  later,
  large,         ///< From its own memory, more than a socket takes.
  stream,        ///< In chunks, some now, some later.
  known_stream,  ///< The same with a length.
  unfinished,    ///< Ends before its length.
  overlong,      ///< Writes more than its length.
  bodiless,      ///< 204.
  unsendable,
  abort,
  upgrade,
  thrown,
  count,
};

class FickleService final : public Service {
 public:
  struct Story {
    std::vector<std::string> methods;  ///< Of the requests that came, in order.
    std::vector<std::string> seen;     ///< Of those that were answered with what was seen.
    bool refused = false;              ///< No request may come any more.
    bool upgraded = false;
  };

  explicit FickleService(std::string plan) : plan_(std::move(plan)) {}
  ~FickleService() override { require(current_ == nullptr, "every exchange ends before its service"); }

  Story& story() { return story_; }

  /// A step of the exchange that waits, if there is one.
  void go_on() {
    if (current_ == nullptr) return;
    ResponseSink& sink = *current_->sink;
    switch (conduct_) {
      case Conduct::body_later:
        if (has_body_) sink.send(current_->arena.copy(story_.seen.back()));
        return;
      case Conduct::later:
        return sink.send("later");
      case Conduct::stream:
      case Conduct::known_stream:
        sink.write("second");
        return sink.finish();
      case Conduct::unfinished:
        return sink.finish();
      case Conduct::overlong:
        sink.write(std::string(20, 'o'));
        return;
      default:
        return;
    }
  }

  void on_head(Exchange& x) override {
    require(!story_.refused, "no request is read after a refusal", x.request.raw_path);
    require(!story_.upgraded, "no request is read after an upgrade", x.request.raw_path);
    require(current_ == nullptr, "exchanges come one at a time");
    current_ = &x;
    conduct_ = conduct_of(story_.methods.size());
    has_body_ = false;
    story_.methods.emplace_back(x.request.method);
    begin(x, conduct_);
  }
  void on_body(Exchange& x) override {
    require(current_ == &x && !has_body_, "a body comes once, for its exchange");
    has_body_ = true;
    story_.seen.push_back(seen(x.request, x.body));
    if (conduct_ == Conduct::body) x.sink->send(x.arena.copy(story_.seen.back()));
  }
  void on_body_too_large(Exchange& x) override {
    x.response.status = 413;
    x.sink->send("too large");
  }
  void on_writable(Exchange&) override {}
  void on_cancel(Exchange& x) override { require(current_ == &x, "what is cancelled is there"); }
  void on_end(Exchange& x) override {
    require(std::exchange(current_, nullptr) == &x, "an exchange ends once");
  }
  std::string refusal(int status, std::string_view) override {
    story_.refused = story_.refused || status != 500;
    return "{\"status\":" + std::to_string(status) + "}";
  }

 private:
  class Talk final : public Takeover {
   public:
    void on_start(Wire& wire) override { wire_ = &wire; }
    void on_bytes(std::string_view data) override {
      wire_->write(data);
      if (data.find('q') != data.npos) wire_->close_after_write();
      if (data.find('x') != data.npos) wire_->close_now();
    }
    void on_drain() override {}
    void on_closed() override {}

   private:
    Wire* wire_ = nullptr;
  };

  Conduct conduct_of(std::size_t request) const {
    if (plan_.empty()) return Conduct::body;
    const auto byte = static_cast<unsigned char>(plan_[request % plan_.size()]);
    return static_cast<Conduct>(byte % static_cast<unsigned>(Conduct::count));
  }

  void begin(Exchange& x, Conduct conduct) {
    ResponseSink& sink = *x.sink;  // The exchange may end within a call.
    x.response.status = 200;
    switch (conduct) {
      case Conduct::body:
      case Conduct::body_later:
        return sink.want_body(table_body_limit);
      case Conduct::now:
        return sink.send("now");
      case Conduct::large:
        return sink.send(large_);
      case Conduct::stream:
        sink.begin(-1);
        sink.write("first");
        return;
      case Conduct::known_stream:
      case Conduct::unfinished:
      case Conduct::overlong:
        sink.begin(11);
        sink.write("first");
        return;
      case Conduct::bodiless:
        x.response.status = 204;
        return sink.send("");
      case Conduct::unsendable:
        x.response.headers.push_back({"X", "a\r\nX-Evil: 1"});
        return sink.send("unsendable");
      case Conduct::abort:
        sink.begin(-1);
        sink.write("first");
        return sink.abort();
      case Conduct::upgrade:
        story_.upgraded = true;
        return sink.upgrade({{"Upgrade", "talk"}}, std::make_unique<Talk>());
      case Conduct::thrown:
        throw std::runtime_error("thrown by the service");
      default:
        return;  // Later.
    }
  }

  const std::string plan_;
  const std::string large_ = std::string(20'000, 'L');
  Story story_;
  Exchange* current_ = nullptr;
  Conduct conduct_ = Conduct::body;
  bool has_body_ = false;
};

}  // namespace mimus::fuzz
