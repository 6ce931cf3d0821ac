// One fetch from its start to the plugin's `done`.
#include "host/plugin/fetch.h"

#include <string>
#include <utility>
#include <vector>

#include "host/net/tokens.h"
#include "host/plugin/capabilities.h"
#include "host/plugin/loaded.h"
#include "host/plugin/worker_rooms.h"
#include "host/upstream/upstream.h"

namespace mimus {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds usual_timeout{5000};

std::string_view view(mimus_str text) {
  return text.n == 0 ? std::string_view{} : std::string_view{text.p, text.n};
}
mimus_str str(std::string_view text) { return {text.data(), text.size()}; }

mimus_rc refuse(mimus_host* host, mimus_rc rc, std::string_view why) {
  host->api.set_error(host, str(why));
  return rc;
}

}  // namespace

class InstanceFetch final : public UpstreamReceiver, private Timer {
 public:
  using Callback = void (*)(mimus_inst*, void*, const mimus_fetched*);

  InstanceFetch(mimus_host& host, Loop& loop, Upstream& upstream, Callback done, void* ud)
      : host_(host),
        plugin_(host.self.lock()),
        loop_(loop),
        upstream_(upstream),
        worker_(loop.index()),
        done_(done),
        ud_(ud) {
    Timer::fire = [](Timer& timer) { static_cast<InstanceFetch&>(timer).on_deadline(); };
  }

  void start(const UpstreamRequest& request, std::size_t max_body) {
    max_body_ = max_body;
    InstanceFetch*& head = host_.fetching[worker_];
    next_ = head;
    if (head != nullptr) head->previous_ = this;
    head = this;
    host_.fetches.fetch_add(1, std::memory_order_relaxed);
    loop_.arm(*this, request.timeout);
    id_ = upstream_.start(request, *this);
  }

  void on_head(int status, std::span<const Header> headers, std::int64_t) override {
    status_ = status;
    for (const Header& header : headers)
      headers_.emplace_back(std::string(header.name), std::string(header.value));
  }
  void on_data(std::string_view data) override {
    if (data.size() <= max_body_ - body_.size()) {
      body_.append(data);
      return;
    }
    upstream_.cancel(id_);
    finish(MIMUS_E_NOSPC, "the answer's body is larger than " + std::to_string(max_body_) + " bytes");
  }
  void on_end() override { finish(MIMUS_OK, {}); }
  void on_error(UpstreamError, std::string_view why) override {
    finish(MIMUS_E_UNAVAILABLE, std::string(why));
  }

  /// The instance ends. Where its worker does not run any more, client and loop have gone before.
  void end() {
    if (WorkerRooms::here().upstream == &upstream_) {
      upstream_.cancel(id_);
      loop_.disarm(*this);
    }
    tell(MIMUS_E_GONE, "the plugin's instance ends");
  }

 private:
  void on_deadline() {
    upstream_.cancel(id_);
    finish(MIMUS_E_UNAVAILABLE, "no whole answer in time");
  }

  void finish(mimus_rc rc, const std::string& why) {
    loop_.disarm(*this);
    tell(rc, why);
  }

  /// Tells the plugin, frees this, and only then counts it as done: while the count is not 0
  /// the plugin's code may be running.
  void tell(mimus_rc rc, const std::string& why) {
    (previous_ != nullptr ? previous_->next_ : host_.fetching[worker_]) = next_;
    if (next_ != nullptr) next_->previous_ = previous_;
    const bool answered = rc == MIMUS_OK || rc == MIMUS_E_NOSPC;
    std::vector<mimus_field> fields;
    if (answered) {
      for (const auto& [name, value] : headers_) fields.push_back({str(name), str(value)});
    }
    const mimus_fetched fetched{sizeof(mimus_fetched),
                                rc,
                                answered ? status_ : 0,
                                fields.data(),
                                fields.size(),
                                rc == MIMUS_OK ? str(body_) : mimus_str{},
                                str(why)};
    mimus_host& host = host_;
    const PluginPtr keep = std::move(plugin_);
    {
      const CrumbScope crumb(host.slot, Hook::fetch_done);
      done_(host.instance, ud_, &fetched);
    }
    delete this;
    host.fetches.fetch_sub(1, std::memory_order_release);
  }

  mimus_host& host_;
  PluginPtr plugin_;
  Loop& loop_;
  Upstream& upstream_;
  const unsigned worker_;
  const Callback done_;
  void* const ud_;
  Upstream::Id id_ = 0;
  std::size_t max_body_ = 0;
  int status_ = 0;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::string body_;
  InstanceFetch* previous_ = nullptr;
  InstanceFetch* next_ = nullptr;

  friend std::uint32_t in_flight(const mimus_host& host, unsigned worker);
};

/// At most max_fetches, so that counting is cheap.
std::uint32_t in_flight(const mimus_host& host, unsigned worker) {
  std::uint32_t n = 0;
  for (const InstanceFetch* each = host.fetching[worker]; each != nullptr; each = each->next_) ++n;
  return n;
}

void end_fetches(mimus_host& host, unsigned worker) {
  host.ending.store(true, std::memory_order_relaxed);
  while (host.fetching[worker] != nullptr) host.fetching[worker]->end();
}

namespace {

mimus_rc start(mimus_host* host, const mimus_fetch* to, InstanceFetch::Callback done, void* ud) {
  Loop* const loop = Loop::current();
  Upstream* const upstream = WorkerRooms::here().upstream;
  if (loop == nullptr || upstream == nullptr)
    return refuse(host, MIMUS_E_UNAVAILABLE, "fetch is for the workers' threads");
  if (host->ending.load(std::memory_order_relaxed))
    return refuse(host, MIMUS_E_UNAVAILABLE, "the plugin's instance is ending");
  if (to->size < sizeof(mimus_fetch) || done == nullptr)
    return refuse(host, MIMUS_E_INVAL, "mimus_fetch is not filled in");
  Result<Url> url = Url::parse(view(to->url));
  if (!url) return refuse(host, MIMUS_E_INVAL, "the URL " + url.error().message);
  if (!fetch_allowed(host->granted, url->host, url->port))
    return refuse(host, MIMUS_E_INVAL,
                  "this plugin may not fetch from " + url->host + ":" + std::to_string(url->port));
  const std::string_view method = to->method.n == 0 ? "GET" : view(to->method);
  if (!is_token(method) || method == "CONNECT") return refuse(host, MIMUS_E_INVAL, "the method is not one");
  if (to->max_body > most_fetched) return refuse(host, MIMUS_E_INVAL, "max_body is more than 16 MiB");
  std::vector<Header> headers;
  headers.reserve(to->n_headers);
  for (std::size_t i = 0; i < to->n_headers; ++i) {
    headers.push_back({view(to->headers[i].name), view(to->headers[i].value)});
    if (!is_token(headers.back().name) || !is_safe_value(headers.back().value))
      return refuse(host, MIMUS_E_INVAL, "a header field is not one");
  }
  if (in_flight(*host, loop->index()) >= max_fetches)
    return refuse(host, MIMUS_E_NOSPC, "64 fetches are in flight on this worker");
  const bool has_body = to->body.n != 0 || method == "POST" || method == "PUT" || method == "PATCH";
  const milliseconds timeout = to->timeout_ms == 0 ? usual_timeout : milliseconds(to->timeout_ms);
  const UpstreamRequest request{method, *std::move(url), headers, view(to->body), has_body, timeout};
  auto* const fetch = new InstanceFetch(*host, *loop, *upstream, done, ud);
  fetch->start(request, to->max_body == 0 ? fetched_by_default : to->max_body);
  return MIMUS_OK;
}

}  // namespace

const mimus_fetch_v1 fetch_table{sizeof(mimus_fetch_v1), start};

}  // namespace mimus
