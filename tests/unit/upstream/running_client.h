// A client on a running loop, and a receiver that keeps what it hears.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "host/upstream/upstream.h"
#include "mimus/clock.h"

namespace mimus {

constexpr std::chrono::seconds patience{20};  // Only a test that fails waits that long.

inline bool comes(std::future<void> event) { return event.wait_for(patience) == std::future_status::ready; }

/// Read it after `wait`.
class Recorder : public UpstreamReceiver {
 public:
  Upstream::Id id = 0;  ///< Set by RunningClient::start, on the loop.
  int status = 0;
  std::string headers;  ///< "name=value;" for each.
  std::int64_t length = -2;
  std::string body;
  std::optional<UpstreamError> error;
  std::string why;
  std::function<void()> on_first_data;  ///< Called once, on the loop.

  void on_head(int code, std::span<const Header> fields, std::int64_t size) override {
    status = code;
    length = size;
    for (const Header& field : fields) headers.append(field.name).append("=").append(field.value).append(";");
    head_.set_value();
  }
  void on_data(std::string_view data) override {
    body += data;
    if (auto first = std::exchange(on_first_data, nullptr)) first();
  }
  void on_end() override { last_.set_value(); }
  void on_error(UpstreamError what, std::string_view text) override {
    error = what;
    why = text;
    last_.set_value();
  }

  bool wait_for_head() { return comes(head_.get_future()); }
  bool wait() { return comes(last_.get_future()); }

 private:
  std::promise<void> head_, last_;
};

class RunningClient {
 public:
  explicit RunningClient(AddressPolicy policy = {}) : policy_(std::move(policy)), loop_(0, clock) {
    thread_ = std::thread([this] { loop_.run(); });
    on_loop([this] { upstream_ = make_upstream(loop_, policy_); });
  }
  ~RunningClient() {
    on_loop([this] { upstream_.reset(); });
    loop_.stop();
    thread_.join();
  }
  RunningClient(const RunningClient&) = delete;
  RunningClient& operator=(const RunningClient&) = delete;

  /// Runs `work` on the loop's thread and waits for it.
  void on_loop(std::function<void()> work) {
    struct Work : Post {
      std::function<void()> body;
      std::promise<void> done;
    } post;
    post.body = std::move(work);
    post.run = [](Post& each) {
      Work& self = static_cast<Work&>(each);
      self.body();
      self.done.set_value();
    };
    auto done = post.done.get_future();
    loop_.post(post);
    done.get();
  }

  Upstream& upstream() { return *upstream_; }  ///< For use on the loop.

  void start(Recorder& recorder, const std::string& url, std::string_view method = "GET", std::string_view body = {}) {
    UpstreamRequest request;
    request.method = method;
    request.url = *Url::parse(url);
    request.body = body;
    request.has_body = !body.empty();
    on_loop([&] { recorder.id = upstream_->start(request, recorder); });
  }

  /// Starts and waits for the last word.
  void fetch(Recorder& recorder, const std::string& url, std::string_view method = "GET", std::string_view body = {}) {
    start(recorder, url, method, body);
    ASSERT_TRUE(recorder.wait());
  }

  /// Moves the clock, so that the loop's timers of that span are due.
  void advance(std::chrono::milliseconds span) {
    clock.advance(span);
    on_loop([] {});
    on_loop([] {});
  }

  FakeClock clock;

 private:
  AddressPolicy policy_;
  Loop loop_;
  std::unique_ptr<Upstream> upstream_;
  std::thread thread_;
};

}  // namespace mimus
