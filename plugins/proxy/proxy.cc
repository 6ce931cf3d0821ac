// The plugin mimus.proxy: answers with what an upstream answers, and relays channels to one.
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mimus/json_text.h"
#include "mimus/plugin.hpp"
#include "plugins/proxy/channel_target.h"
#include "plugins/proxy/headers.h"
#include "plugins/proxy/target.h"

namespace mimus::proxy {
namespace {

std::optional<std::uint32_t> milliseconds(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 100 || value > 30'000)
    return std::nullopt;
  return value;
}

}  // namespace

/// Keeps nothing between requests; hooks run on workers.
class Proxy {
 public:
  struct Binding {
    Target target;            ///< Of an endpoint.
    std::string channels_to;  ///< Of a channel: its target.
    HeaderRules headers;
    std::optional<std::uint32_t> timeout_ms;
  };

  explicit Proxy(Host& host) : host_(host) {}

  Status configure(std::string_view options) {
    if (host_.forward == nullptr) return invalid("mimus.forward/1 is needed");
    const auto timeout = milliseconds(json::member(options, "proxy-default-timeout").value_or("5000"));
    if (!timeout) return invalid("proxy-default-timeout is not a number of milliseconds from 100 to 30000");
    default_timeout_ms_ = *timeout;
    if (host_.journal != nullptr) flag_ = host_.journal_field("proxied");
    return Done{};
  }

  void check(const View& view, Report& report) {
    const auto target = json::member(view.fields, "proxyTarget");
    if (target && view.level == MIMUS_LEVEL_CHANNEL) {
      check_channel_target(json::unquote(*target), report);
    } else if (target) {
      check_target(json::unquote(*target), view.path, report);
    } else if (json::member(view.fields, "proxyMode") == "true") {
      report.add("/proxyTarget", "is needed where proxyMode is true");
    }
    if (const auto timeout = json::member(view.fields, "proxyTimeout"); timeout && !milliseconds(*timeout)) {
      report.add("/proxyTimeout",
                 "must be a whole number of milliseconds from 100 to 30000, without fraction or exponent");
    }
    header_rules(json::member(view.fields, "proxyHeaders").value_or(""), &report);
  }

  Result<std::unique_ptr<Binding>> bind(const View& view) {
    const auto url = json::member(view.fields, "proxyTarget");
    auto binding = std::make_unique<Binding>();
    if (view.level == MIMUS_LEVEL_CHANNEL) {
      if (!url) return std::unique_ptr<Binding>{};
      if (host_.relay == nullptr) return invalid("mimus.relay/1 is needed");
      binding->channels_to = json::unquote(*url);
    } else {
      const bool on = view.level == MIMUS_LEVEL_ENDPOINT && json::member(view.fields, "proxyMode") == "true";
      if (!on) return std::unique_ptr<Binding>{};
      if (!url) return invalid("proxyMode is true but there is no proxyTarget");
      Result<Target> target = parse_target(json::unquote(*url), view.path);
      if (!target) return std::move(target).error();
      binding->target = *std::move(target);
    }
    binding->headers = header_rules(json::member(view.fields, "proxyHeaders").value_or(""), nullptr);
    if (const auto timeout = json::member(view.fields, "proxyTimeout"))
      binding->timeout_ms = milliseconds(*timeout);
    return binding;
  }

  mimus_action on_request(Binding& binding, Request& request) {
    if (flag_ >= 0) request.record(flag_, true);
    const std::string url =
        target_url(binding.target, request.attr(MIMUS_RAW_PATH), request.attr(MIMUS_RAW_QUERY),
                   [&](std::string_view name) { return request.get(MIMUS_PARAMS, name).value_or(""); });
    std::vector<mimus_field> came;
    while (const auto f = request.at(MIMUS_REQUEST_HEADERS, static_cast<std::uint32_t>(came.size()))) {
      came.push_back(field(f->name, f->value));
    }
    std::vector<mimus_field> headers;
    upstream_fields(binding.headers, came, headers);
    const mimus_forward forward{sizeof(mimus_forward),
                                binding.timeout_ms.value_or(default_timeout_ms_),
                                str(url),
                                str(request.attr(MIMUS_METHOD)),
                                headers.data(),
                                headers.size()};
    const mimus_rc rc = host_.forward->forward(request.get(), &forward);
    if (rc == MIMUS_OK) return MIMUS_RESPONDED;
    if (rc == MIMUS_E_INVAL)
      return request.problem(502, "upstream-unreachable", "the target is not a URL: " + url);
    return MIMUS_FAIL;
  }

  mimus_action on_response(Binding&, Request& request) {
    if (host_.forward->forwarded(request.get()) == 1) request.set("X-Mock-Proxied", "true");
    return MIMUS_NEXT;
  }

  void on_open(Binding& binding, Peer& peer) {
    const bool socket_io = peer.attr(MIMUS_CHANNEL_PROTOCOL) == "socket.io";
    const std::string url = channel_url(binding.channels_to, peer.attr(MIMUS_CHANNEL_QUERY), socket_io);
    std::vector<mimus_field> headers;
    upstream_fields(binding.headers, {}, headers);
    const mimus_relay to{sizeof(mimus_relay), binding.timeout_ms.value_or(default_timeout_ms_), str(url),
                         headers.data(), headers.size()};
    const mimus_rc rc = peer.relay(to);
    if (rc == MIMUS_OK || rc == MIMUS_E_GONE) return;
    peer.close(1014, rc == MIMUS_E_INVAL ? "the target may not be connected to" : "there is no relay");
  }

 private:
  void check_channel_target(std::string_view url, Report& report) {
    const Result<std::string> target = http_form(url);
    if (!target) return report.add("/proxyTarget", target.error().message);
    check_address(*target, report);
  }
  void check_target(std::string_view url, std::string_view endpoint_path, Report& report) {
    const Result<Target> target = parse_target(url, endpoint_path);
    if (!target) return report.add("/proxyTarget", target.error().message);
    check_address(target_url(*target, "/x", "", [](std::string_view) { return "x"; }), report);
  }
  void check_address(std::string_view url, Report& report) {
    mimus_str why{};
    if (host_.forward->check(host_.get(), str(url), &why) == MIMUS_OK) return;
    report.add("/proxyTarget",
               why.n == 0 ? std::string_view("the host does not forward there") : mimus::view(why));
  }

  Host& host_;
  std::uint32_t default_timeout_ms_ = 5000;
  int flag_ = -1;
};

}  // namespace mimus::proxy

MIMUS_MANIFEST =
#include "manifest.inc"
    ;
MIMUS_PLUGIN(mimus::proxy::Proxy, "mimus.proxy", "0.1.0")
