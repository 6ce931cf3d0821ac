#include "host/app/admin_gateway.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "host/net/responder.h"
#include "host/pipeline/problem.h"
#include "host/plugin/resume.h"
#include "host/route/target.h"

namespace mimus {
namespace {

constexpr std::size_t max_waiting = 1024;
constexpr std::chrono::minutes longest_call{10};  // a backup of a large store

/// One call on its way: shared by the thread that answers it and the exchange that waits,
/// either of which may be done first.
struct Task {
  AdminCall call;
  AdminResult result;
  mimus_resume* wake = nullptr;  // the thread's reference
};

AdminResult refuse(int status, std::string_view code, std::string_view detail, std::string_view path) {
  return {status, {{"Content-Type", std::string(problem_type)}}, problem_json(status, code, detail, path)};
}

/// A thread that answers calls in their order.
class Lane {
 public:
  explicit Lane(std::function<AdminResult(const AdminCall&)> answer) : answer_(std::move(answer)) {
    thread_ = std::thread([this] { run(); });
  }
  ~Lane() { stop(); }

  bool add(std::shared_ptr<Task> task) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ || queue_.size() >= max_waiting) return false;
      queue_.push_back(std::move(task));
    }
    changed_.notify_one();
    return true;
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      const std::shared_ptr<Task> task = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      try {
        task->result = answer_(task->call);
      } catch (const std::exception& e) {
        task->result = refuse(500, "internal-error", e.what(), task->call.path);
      }
      task->wake->resume();
      task->wake->release();
      lock.lock();
    }
  }

  const std::function<AdminResult(const AdminCall&)> answer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Task>> queue_;  // guarded by mutex_
  bool stopping_ = false;                    // guarded by mutex_
  std::thread thread_;
};

std::string field(const RequestHead& request, std::string_view name) {
  const std::string_view* const value = request.find(name);
  return value == nullptr ? std::string() : std::string(*value);
}

}  // namespace

struct AdminGateway::State {
  State(Admin& api, const Metrics& all)
      : admin(api),
        metrics(all),
        definitions([this](const AdminCall& call) { return admin.handle(call); }),
        plugins([this](const AdminCall& call) { return admin.handle(call); }),
        query([this](const AdminCall& call) {
          return call.path == "/metrics" ? render(call) : admin.handle(call);
        }) {}

  AdminResult render(const AdminCall& call) const {
    if (call.method != "GET" && call.method != "HEAD") {
      AdminResult out = refuse(405, "method-not-allowed", "this path has GET, HEAD", call.path);
      out.headers.emplace_back("Allow", "GET, HEAD");
      return out;
    }
    if (!admin.allows(call.authorization, Role::viewer)) {
      AdminResult out = refuse(401, "unauthorized", "send Authorization: Bearer TOKEN", call.path);
      out.headers.emplace_back("WWW-Authenticate", "Bearer");
      return out;
    }
    return {200, {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}, metrics.render()};
  }

  Lane& lane_of(const AdminCall& call) {
    if (call.path == "/metrics") return query;
    if (admin.changes_plugins(call.method, call.path)) return plugins;
    return admin.writes_definitions(call.method, call.path) ? definitions : query;
  }

  Admin& admin;
  const Metrics& metrics;
  std::function<void(Exchange&, const Ulid&)> streams;
  Lane definitions;
  Lane plugins;
  Lane query;
};

namespace {

/// The exchange's side of a call; frees itself at the end.
class AdminExchange final : public Responder, private mimus_resume::Waiter {
 public:
  using Dispatch = std::function<bool(std::shared_ptr<Task>)>;
  using Streams = std::function<void(Exchange&, const Ulid&)>;
  AdminExchange(Exchange& exchange, Dispatch dispatch, const Streams& streams)
      : exchange_(exchange), dispatch_(std::move(dispatch)), streams_(streams) {}

  /// Without `max_body_bytes` the body is not read.
  void start(std::optional<std::size_t> max_body_bytes) {
    exchange_.state = static_cast<Responder*>(this);
    if (exchange_.request.has_body && max_body_bytes) {
      exchange_.sink->want_body(*max_body_bytes);
    } else {
      on_body();
    }
  }

  void on_body() override {
    const RequestHead& request = exchange_.request;
    const Result<ResolvedTarget> target = resolve_target(request.raw_path, 1, exchange_.arena);
    if (!target) return answer(refuse(400, "bad-target", target.error().message, request.raw_path));
    AdminCall call;
    call.method = request.method;
    for (const Segment& segment : target->segments) call.path.append("/").append(segment.text);
    call.query = request.raw_query;
    call.body = exchange_.body;
    call.authorization = field(request, "authorization");
    call.if_match = field(request, "if-match");
    call.if_none_match = field(request, "if-none-match");
    call.content_type = field(request, "content-type");
    send_off(std::move(call));
  }

  void on_body_too_large() override {
    answer(refuse(413, "body-too-large", "the body is larger than maxBodyBytes", exchange_.request.raw_path));
  }
  void on_writable() override {}
  void on_cancel() override {}
  void on_end() override {
    if (wake_ != nullptr) wake_->detach();
    delete this;
  }

 private:
  void send_off(AdminCall call) {
    task_ = std::make_shared<Task>();
    task_->call = std::move(call);
    wake_ = mimus_resume::make(*exchange_.loop, *this, longest_call);
    task_->wake = wake_;
    if (dispatch_(task_)) return;
    wake_->release();  // the thread that did not take it
    answer(refuse(503, "unavailable", "too many admin calls are waiting, or the host is stopping",
                  exchange_.request.raw_path));
  }

  void on_woken(mimus_resume&, mimus_resume::Woken how) override {
    if (how != mimus_resume::Woken::resumed) {
      return answer(
          refuse(503, "unavailable", "the call took longer than ten minutes", exchange_.request.raw_path));
    }
    AdminResult result = std::move(task_->result);
    if (result.next != nullptr) {
      std::exchange(wake_, nullptr)->detach();
      return send_off(*result.next);
    }
    if (result.stream && exchange_.request.method != "HEAD") return hand_on(*result.stream);
    answer(std::move(result));
  }

  /// Somebody else answers.
  void hand_on(const Ulid& endpoint) {
    Exchange& exchange = exchange_;
    const Streams& streams = streams_;
    wake_->detach();
    exchange.state = nullptr;
    delete this;
    streams(exchange, endpoint);
  }

  void answer(AdminResult result) {
    result_ = std::move(result);
    exchange_.response.status = result_.status;
    exchange_.response.headers.clear();
    for (const auto& [name, value] : result_.headers) exchange_.response.headers.push_back({name, value});
    exchange_.response.headers.push_back({"Cache-Control", "no-store"});
    exchange_.sink->send(result_.body);
  }

  Exchange& exchange_;
  const Dispatch dispatch_;
  const Streams& streams_;
  std::shared_ptr<Task> task_;
  mimus_resume* wake_ = nullptr;
  AdminResult result_;
};

}  // namespace

AdminGateway::AdminGateway(Admin& admin, const Metrics& metrics)
    : state_(std::make_unique<State>(admin, metrics)) {}
AdminGateway::~AdminGateway() = default;

void AdminGateway::stream_by(std::function<void(Exchange&, const Ulid&)> streams) {
  state_->streams = std::move(streams);
}

void AdminGateway::take(Exchange& exchange, std::size_t max_body_bytes) {
  // Who has no token is refused at once: nothing of his is kept in memory.
  const bool known = !exchange.request.has_body ||
                     state_->admin.allows(field(exchange.request, "authorization"), Role::viewer);
  auto* const taken = new AdminExchange(
      exchange,
      [state = state_.get()](std::shared_ptr<Task> task) {
        Lane& lane = state->lane_of(task->call);
        return lane.add(std::move(task));
      },
      state_->streams);
  taken->start(known ? std::optional(max_body_bytes) : std::nullopt);
}

void AdminGateway::stop() {
  state_->definitions.stop();
  state_->plugins.stop();
  state_->query.stop();
}

}  // namespace mimus
