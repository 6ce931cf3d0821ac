// Lets a request in if an authorisation service accepts its bearer token. The service is asked while the
// request is suspended; its verdict is kept in KV. When it cannot be asked, the plugin fails closed.
#include <mimus/header_text.h>
#include <mimus/json_text.h>
#include <mimus/plugin.hpp>

#include <charconv>
#include <memory>
#include <string>

namespace {

using mimus::Request;

constexpr std::uint32_t patience_ms = 3000;

class TokenCheck {
 public:
  struct Binding {
    std::string url;
  };

  explicit TokenCheck(mimus::Host& host) : host_(host) {}

  mimus::Status configure(std::string_view options) {
    const std::string_view ttl = mimus::json::member(options, "token-check-ttl").value_or("60");
    std::from_chars(ttl.data(), ttl.data() + ttl.size(), ttl_s_);
    return mimus::Done{};
  }
  mimus::Status self_test() {
    if (host_.kv != nullptr && host_.fetching != nullptr) return mimus::Done{};
    return mimus::invalid("token-check needs the capabilities kv and fetch");
  }

  mimus::Result<std::unique_ptr<Binding>> bind(const mimus::View& view) {
    const auto url = mimus::json::member(view.config, "url");
    if (view.level == MIMUS_LEVEL_CHANNEL || !url) return std::unique_ptr<Binding>();
    return std::make_unique<Binding>(Binding{mimus::json::unquote(*url)});
  }

  mimus_action on_request(Binding& binding, Request& request) {
    const auto authorization = request.get(MIMUS_REQUEST_HEADERS, "Authorization");
    if (!authorization || !mimus::header::same_name(authorization->substr(0, 7), "Bearer "))
      return refuse(request, "a bearer token is needed");
    auto ask = std::make_shared<Ask>();
    ask->authorization = *authorization;
    ask->key = key_of(binding.url, *authorization);
    request.context() = new std::shared_ptr<Ask>(ask);
    return look_up(binding, request, ask);
  }
  mimus_action on_resume(Binding& binding, Request& request) {
    const std::shared_ptr<Ask> ask = ask_of(request);
    if (ask->asked) return decide(request, ask->verdict);
    return look_up(binding, request, ask);  // the key has come from disk
  }
  mimus_action on_response(Binding&, Request& request) {
    if (request.status() == 401) request.set("WWW-Authenticate", "Bearer");
    return MIMUS_NEXT;
  }
  void on_end(Binding&, Request& request) { delete static_cast<std::shared_ptr<Ask>*>(request.context()); }

 private:
  enum class Verdict { unknown, yes, no };
  /// What a request and the fetch for it share: whichever ends last frees it.
  struct Ask {
    std::string authorization, key;
    mimus::Hold hold;
    Verdict verdict = Verdict::unknown;
    bool asked = false;
  };
  static const std::shared_ptr<Ask>& ask_of(Request& request) {
    return *static_cast<std::shared_ptr<Ask>*>(request.context());
  }

  mimus_action look_up(Binding& binding, Request& request, const std::shared_ptr<Ask>& ask) {
    ask->hold = request.hold(patience_ms + 1000);
    if (!ask->hold) return MIMUS_FAIL;
    const auto read = [](void* ud, mimus_str value) {
      *static_cast<Verdict*>(ud) = mimus::view(value) == "yes" ? Verdict::yes : Verdict::no;
    };
    const mimus_rc rc =
        host_.kv->get(host_.get(), mimus::str(ask->key), ask->hold.get(), read, &ask->verdict);
    if (rc == MIMUS_OK) return decide(request, ask->verdict);
    if (rc == MIMUS_PENDING) return MIMUS_SUSPEND;
    const mimus_field headers[] = {mimus::field("Authorization", ask->authorization)};
    const mimus_rc started = host_.fetch({.url = binding.url, .headers = headers, .timeout_ms = patience_ms},
                                         [this, ask](const mimus::Fetched& answer) { hear(*ask, answer); });
    ask->asked = true;
    return started == MIMUS_OK ? MIMUS_SUSPEND : MIMUS_FAIL;
  }

  /// May come after the request has gone: then the hold's resume does nothing.
  void hear(Ask& ask, const mimus::Fetched& answer) const {
    if (answer.rc() == MIMUS_OK && answer.status() / 100 == 2) ask.verdict = Verdict::yes;
    if (answer.rc() == MIMUS_OK && (answer.status() == 401 || answer.status() == 403))
      ask.verdict = Verdict::no;
    if (ask.verdict != Verdict::unknown) {
      const std::string_view said = ask.verdict == Verdict::yes ? "yes" : "no";
      host_.kv->put(host_.get(), mimus::str(ask.key), mimus::str(said), ttl_s_ * 1000);
    } else {
      host_.log(MIMUS_LOG_WARN, "the authorisation service said " + std::to_string(answer.status()) + " " +
                                    std::string(answer.why()));
    }
    ask.hold.resume();
  }

  static mimus_action decide(Request& request, Verdict verdict) {
    if (verdict == Verdict::unknown) return MIMUS_FAIL;  // closed: 503
    return verdict == Verdict::yes ? MIMUS_NEXT : refuse(request, "the token is not accepted");
  }
  static mimus_action refuse(Request& request, std::string_view why) {
    return request.problem(401, "not-authorised", why);
  }

  /// No token is stored as it is.
  std::string key_of(std::string_view url, std::string_view authorization) const {
    const mimus_str parts[] = {mimus::str(url), mimus::str(" "), mimus::str(authorization)};
    std::string digest(32, '\0');
    host_.hash->sha256(parts, 3, reinterpret_cast<std::uint8_t*>(digest.data()));
    return digest;
  }

  mimus::Host& host_;
  std::uint64_t ttl_s_ = 60;
};

}  // namespace

MIMUS_MANIFEST =
#include "manifest.inc"
    ;
MIMUS_PLUGIN(TokenCheck, "com.example.token-check", "1.0.0")
