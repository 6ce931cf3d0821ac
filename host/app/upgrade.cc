#include "host/app/upgrade.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/channel/deflate.h"
#include "host/channel/handshake.h"
#include "host/net/responder.h"
#include "host/pipeline/problem.h"
#include "host/route/target.h"
#include "mimus/header_text.h"

namespace mimus {
namespace {

/// The values of a field that may be there more than once.
std::vector<std::string_view> fields(const RequestHead& request, std::string_view name) {
  std::vector<std::string_view> out;
  for (unsigned nth = 0;; ++nth) {
    const std::string_view* const value = request.find(name, nth);
    if (value == nullptr) return out;
    out.push_back(*value);
  }
}

/// A slash that is part of a segment stays apart from those between segments.
void append_segment(std::string& path, std::string_view segment) {
  path += '/';
  for (const char c : segment) c == '/' ? path.append("%2F") : path.append(1, c);
}

class Upgrade final : public Responder, private Door::Asker {
 public:
  Upgrade(ChannelTable& channels, Exchange& exchange) : channels_(channels), exchange_(exchange) {
    exchange.state = static_cast<Responder*>(this);
  }

  void start(Door& door) {
    const RequestHead& request = exchange_.request;
    if (!asks_for_websocket(request)) {
      header("Upgrade", "websocket");
      return refuse(426, "not-a-websocket", "connect with a WebSocket client");
    }
    if (field_of(request, "sec-websocket-version") != "13") {
      header("Sec-WebSocket-Version", "13");
      return refuse(426, "not-a-websocket", "Sec-WebSocket-Version must be 13");
    }
    accept_ = handshake_accept(request);
    if (accept_.empty()) {
      return refuse(400, "bad-request",
                    "the handshake needs GET, HTTP/1.1 and one Sec-WebSocket-Key of 16 bytes in base 64");
    }
    const std::vector<std::string_view> extensions = fields(request, "sec-websocket-extensions");
    if (!are_extension_lists(extensions))
      return refuse(400, "bad-request", "Sec-WebSocket-Extensions is no list of extensions");
    deflate_ = agree_on_deflate(extensions);
    const Result<ResolvedTarget> target = resolve_target(request.raw_path, 1, exchange_.arena);
    if (!target) return refuse(400, "bad-target", target.error().message);
    Caller caller;
    for (const Segment& segment : target->segments) append_segment(caller.origin.path, segment.text);
    caller.origin.client_ip = exchange_.client_ip;
    caller.origin.query = request.raw_query;
    caller.origin.user_agent = field_of(request, "user-agent");
    caller.web_origin = field_of(request, "origin");
    caller.host = request.host;
    caller.bearer = bearer_token(request);
    for (const std::string_view value : fields(request, "sec-websocket-protocol"))
      header::members(value, [&](std::string_view one) { caller.subprotocols.emplace_back(one); });
    question_ = door.question(std::move(caller), *this);
    question_->ask();
  }

  void on_body() override {}
  void on_body_too_large() override {}
  void on_writable() override {}
  void on_cancel() override {}
  void on_end() override { delete this; }

 private:
  void on_admitted(Admitted admitted) override {
    exchange_.response.status = 101;
    std::vector<Header> headers{{"Upgrade", "websocket"}, {"Sec-WebSocket-Accept", accept_}};
    const std::string protocol = admitted.origin.subprotocol;
    if (!protocol.empty()) headers.push_back({"Sec-WebSocket-Protocol", protocol});
    const std::string extension = deflate_ ? deflate_->answer : std::string();
    if (deflate_) {
      headers.push_back({"Sec-WebSocket-Extensions", extension});
      admitted.rules.deflate_window_bits = deflate_->server_window_bits;
    }
    exchange_.sink->upgrade(headers,
                            channels_.make(channels_.next_id(), admitted.endpoint, std::move(admitted.origin),
                                           admitted.rules, std::move(admitted.behaviour)));
  }

  void on_refused(const Refused& refused) override {
    if (refused.status == 401) header("WWW-Authenticate", "Bearer");
    if (refused.retry_after.count() != 0)
      header("Retry-After", exchange_.arena.copy(std::to_string(refused.retry_after.count())));
    refuse(refused.status, refused.code, refused.detail);
  }

  void header(std::string_view name, std::string_view value) {
    exchange_.response.headers.push_back({name, value});
  }

  void refuse(int status, std::string_view code, std::string_view detail) {
    exchange_.response.status = status;
    header("Content-Type", problem_type);
    exchange_.sink->send(
        exchange_.arena.copy(problem_json(status, code, detail, exchange_.request.raw_path)));
  }

  ChannelTable& channels_;
  Exchange& exchange_;
  std::unique_ptr<Door::Question> question_;
  std::optional<DeflateTerms> deflate_;
  std::string accept_;
};

}  // namespace

void take_upgrade(ChannelTable& channels, Door& door, Exchange& exchange) {
  (new Upgrade(channels, exchange))->start(door);
}

}  // namespace mimus
