#include "host/app/until_loaded.h"

#include <chrono>
#include <utility>

#include "host/net/responder.h"
#include "host/pipeline/problem.h"

namespace mimus {
namespace {

constexpr std::size_t max_waiting = 1u << 16;
constexpr std::chrono::minutes longest_load{1};

/// The exchange's responder while it waits; frees itself.
class Waiting final : public Responder, private mimus_resume::Waiter {
 public:
  Waiting(Exchange& exchange, std::function<void(Exchange&)> go_on)
      : exchange_(exchange), go_on_(std::move(go_on)) {
    exchange.state = static_cast<Responder*>(this);
  }

  void start(LoadGate& gate) {
    wake_ = mimus_resume::make(*exchange_.loop, *this, longest_load);
    if (gate.add(wake_)) return;
    wake_->release();  // the gate's
    refuse();
  }

  void on_body() override {}
  void on_body_too_large() override {}
  void on_writable() override {}
  void on_cancel() override {}
  void on_end() override {
    wake_->detach();
    delete this;
  }

 private:
  void on_woken(mimus_resume&, mimus_resume::Woken how) override {
    if (how == mimus_resume::Woken::deadline) return refuse();
    Exchange& exchange = exchange_;
    const auto go_on = std::move(go_on_);
    exchange.state = nullptr;
    on_end();
    go_on(exchange);
  }

  void refuse() {
    exchange_.response.status = 503;
    exchange_.response.headers.push_back({"Content-Type", problem_type});
    exchange_.response.headers.push_back({"Retry-After", "1"});
    exchange_.sink->send(exchange_.arena.copy(problem_json(
        503, "unavailable", "the definitions are still being loaded", exchange_.request.raw_path)));
  }

  Exchange& exchange_;
  std::function<void(Exchange&)> go_on_;
  mimus_resume* wake_ = nullptr;
};

}  // namespace

LoadGate::~LoadGate() {
  for (mimus_resume* const handle : waiting_) handle->release();
}

void LoadGate::open() {
  std::vector<mimus_resume*> woken;
  {
    const std::lock_guard lock(mutex_);
    open_.store(true, std::memory_order_release);
    woken.swap(waiting_);
  }
  for (mimus_resume* const handle : woken) {
    handle->resume();
    handle->release();
  }
}

bool LoadGate::add(mimus_resume* handle) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_open()) {
      if (waiting_.size() >= max_waiting) return false;
      waiting_.push_back(handle);
      return true;
    }
  }
  handle->resume();
  handle->release();
  return true;
}

void wait_until_loaded(LoadGate& gate, Exchange& exchange, std::function<void(Exchange&)> go_on) {
  (new Waiting(exchange, std::move(go_on)))->start(gate);
}

}  // namespace mimus
