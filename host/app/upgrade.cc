#include "host/app/upgrade.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "host/channel/deflate.h"
#include "host/channel/framing.h"
#include "host/net/responder.h"
#include "host/pipeline/channel_binding.h"
#include "host/pipeline/problem.h"
#include "mimus/json_text.h"

namespace mimus {
namespace {

constexpr std::chrono::seconds compile_deadline{30};
constexpr int max_compiles = 32;  // where other plugins are published again and again

/// True if a comma-separated field holds the token, in any case.
bool lists(const RequestHead& request, std::string_view name, std::string_view token) {
  for (unsigned nth = 0;; ++nth) {
    const std::string_view* const value = request.find(name, nth);
    if (value == nullptr) return false;
    std::string_view rest = *value;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      std::string_view one = rest.substr(0, comma);
      while (!one.empty() && (one.front() == ' ' || one.front() == '\t')) one.remove_prefix(1);
      while (!one.empty() && (one.back() == ' ' || one.back() == '\t')) one.remove_suffix(1);
      if (same_name(one, token)) return true;
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
}

std::string_view field(const RequestHead& request, std::string_view name) {
  const std::string_view* const value = request.find(name);
  return value == nullptr ? std::string_view{} : *value;
}

std::vector<std::string_view> all_of(const RequestHead& request, std::string_view name) {
  std::vector<std::string_view> out;
  for (unsigned nth = 0; const std::string_view* const value = request.find(name, nth); ++nth)
    out.push_back(*value);
  return out;
}

/// What the handshake needs of a definition's document.
struct Rules {
  std::optional<std::string> token;
  std::optional<std::vector<std::string>> origins;  ///< Nothing: not said.
  std::vector<std::string> subprotocols;
  std::uint64_t per_address = 0;

  explicit Rules(std::string_view document) {
    const auto strings = [](std::string_view array) {
      std::vector<std::string> out;
      json::elements(array, [&](std::string_view one) {
        out.push_back(json::unquote(one));
        return true;
      });
      return out;
    };
    json::members(document, [&](std::string_view name, std::string_view value) {
      if (name == "requireToken" && value != "null") token = json::unquote(value);
      if (name == "origins") origins = strings(value);
      if (name == "subprotocols") subprotocols = strings(value);
      if (name == "maxConnectionsPerIp")
        std::from_chars(value.data(), value.data() + value.size(), per_address);
      return true;
    });
  }

  bool allows_origin(const RequestHead& request) const {
    const std::string_view origin = field(request, "origin");
    if (origin.empty()) return true;  // no browser
    if (!origins && token) return origin.ends_with("//" + std::string(request.host));
    if (!origins) return true;
    return std::any_of(origins->begin(), origins->end(),
                       [&](const std::string& one) { return one == "*" || same_name(one, origin); });
  }

  bool allows_token(Exchange& exchange) const {
    if (!token) return true;
    std::string_view given = field(exchange.request, "authorization");
    if (given.size() > 7 && same_name(given.substr(0, 7), "bearer ")) {
      given.remove_prefix(7);
    } else {
      given = {};
      const auto query = parse_query(exchange.request.raw_query, 1000, exchange.arena);
      if (query) {
        for (const QueryField& one : *query) {
          if (one.name == "token") given = one.value;
        }
      }
    }
    return given.size() == token->size() && CRYPTO_memcmp(given.data(), token->data(), given.size()) == 0;
  }

  /// The first offered subprotocol that is listed, or "".
  std::string choose(const RequestHead& request) const {
    for (const std::string& one : subprotocols) {
      if (lists(request, "sec-websocket-protocol", one)) return one;
    }
    return {};
  }
};

class Upgrade final : public Responder, private mimus_resume::Waiter {
 public:
  Upgrade(WorkerContext& worker, ChannelTable& channels, Exchange& exchange)
      : worker_(worker), channels_(channels), exchange_(exchange), generation_(worker.lease.acquire()) {
    exchange.state = static_cast<Responder*>(this);
  }

  void start() {
    const RequestHead& request = exchange_.request;
    if (!asks_for_websocket(request)) {
      header("Upgrade", "websocket");
      return refuse(426, "not-a-websocket", "connect with a WebSocket client");
    }
    if (field(request, "sec-websocket-version") != "13") {
      header("Sec-WebSocket-Version", "13");
      return refuse(426, "not-a-websocket", "Sec-WebSocket-Version must be 13");
    }
    accept_ = websocket_accept(field(request, "sec-websocket-key"));
    if (request.method != "GET" || accept_.empty()) {
      return refuse(400, "bad-request",
                    "the handshake needs GET and a Sec-WebSocket-Key of 16 bytes in base 64");
    }
    const std::vector<std::string_view> offers = all_of(request, "sec-websocket-extensions");
    if (!are_extension_lists(offers)) {
      return refuse(400, "bad-request", "Sec-WebSocket-Extensions is no list of extensions");
    }
    deflate_ = agree_on_deflate(offers);
    const Result<ResolvedTarget> target = resolve_target(request.raw_path, 1, exchange_.arena);
    if (!target) return refuse(400, "bad-target", target.error().message);
    std::string path;
    for (const Segment& segment : target->segments) path.append("/").append(segment.text);
    channel_ = generation_->definitions->find_channel_by_path(path);
    if (channel_ == nullptr || !channel_->enabled) {
      return refuse(404, "no-such-endpoint", "no WebSocket endpoint has the path " + path);
    }
    const Rules rules(*channel_->document);
    if (!rules.allows_origin(request))
      return refuse(403, "forbidden-origin", "the endpoint's origins do not list it");
    if (!rules.allows_token(exchange_)) {
      header("WWW-Authenticate", "Bearer");
      return refuse(401, "unauthorized", "send the endpoint's token as Authorization: Bearer or ?token=");
    }
    protocol_ = rules.choose(request);
    per_address_ = rules.per_address;
    api_ = generation_->definitions->find_api(channel_->api);
    open();
  }

  void on_body() override {}
  void on_body_too_large() override {}
  void on_writable() override {}
  void on_cancel() override {}
  void on_end() override {
    if (wake_ != nullptr) wake_->detach();
    worker_.lease.release(generation_);
    delete this;
  }

 private:
  void open() {
    std::shared_ptr<const Pipeline> pipeline =
        Compiler::compiled(generation_->plugins->serial, *api_, *channel_);
    if (pipeline == nullptr && compiles_ == max_compiles) {
      return refuse(503, "definition-unreadable", "the endpoint's definition cannot be bound");
    }
    if (pipeline == nullptr) {
      ++compiles_;
      if (wake_ != nullptr) wake_->detach();
      wake_ = mimus_resume::make(worker_.loop, *this, compile_deadline);
      worker_.compiler.request({generation_->definitions, api_, nullptr, channel_, wake_});
      return;
    }
    if (!pipeline->missing().empty()) {
      return refuse(503, "plugin-failed", "plugin " + pipeline->missing() + " is not loaded");
    }
    for (const Step& step : pipeline->steps()) {
      const Manifest& manifest = step.plugin->manifest();
      if (step.broken && manifest.fail_closed)
        return refuse(503, "plugin-failed", "plugin " + manifest.id + " cannot be bound");
    }
    const std::string address(exchange_.client_ip);
    const std::shared_ptr<AddressCount> count = pipeline->addresses();
    if (!count->enter(address, per_address_)) {
      return refuse(429, "too-many-connections", "the endpoint's maxConnectionsPerIp is reached");
    }
    exchange_.response.status = 101;
    std::vector<Header> headers{{"Upgrade", "websocket"}, {"Sec-WebSocket-Accept", accept_}};
    if (!protocol_.empty()) headers.push_back({"Sec-WebSocket-Protocol", protocol_});
    if (deflate_) headers.push_back({"Sec-WebSocket-Extensions", deflate_->answer});
    ChannelOrigin origin;
    origin.path = channel_->path;
    origin.client_ip = address;
    origin.query = exchange_.request.raw_query;
    origin.subprotocol = protocol_;
    ChannelRules rules;
    if (deflate_) rules.deflate_window_bits = deflate_->server_window_bits;
    exchange_.sink->upgrade(
        headers,
        channels_.make(channels_.next_id(), channel_->id, std::move(origin), rules,
                       bind_channel(std::move(pipeline), [count, address] { count->leave(address); })));
  }

  void on_woken(mimus_resume&, mimus_resume::Woken) override { open(); }

  void header(std::string_view name, std::string_view value) {
    exchange_.response.headers.push_back({name, value});
  }

  void refuse(int status, std::string_view code, std::string_view detail) {
    exchange_.response.status = status;
    header("Content-Type", problem_type);
    exchange_.sink->send(
        exchange_.arena.copy(problem_json(status, code, detail, exchange_.request.raw_path)));
  }

  WorkerContext& worker_;
  ChannelTable& channels_;
  Exchange& exchange_;
  const Generation* generation_;
  const ChannelRecord* channel_ = nullptr;
  const ApiRecord* api_ = nullptr;
  std::uint64_t per_address_ = 0;
  int compiles_ = 0;
  std::string accept_, protocol_;
  std::optional<DeflateTerms> deflate_;
  mimus_resume* wake_ = nullptr;
};

}  // namespace

bool asks_for_websocket(const RequestHead& request) {
  return lists(request, "upgrade", "websocket") && lists(request, "connection", "upgrade");
}

void take_upgrade(WorkerContext& worker, ChannelTable& channels, Exchange& exchange) {
  (new Upgrade(worker, channels, exchange))->start();
}

}  // namespace mimus
