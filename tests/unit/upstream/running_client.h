// A client on a running loop, and a receiver that keeps what it hears.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "host/upstream/upstream.h"
#include "running_loop.h"

namespace mimus {

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

class RunningClient : public RunningLoop {
 public:
  explicit RunningClient(AddressPolicy policy = {}) : policy_(std::move(policy)) {
    on_loop([this] { upstream_ = make_upstream(loop, policy_); });
  }
  ~RunningClient() {
    on_loop([this] { upstream_.reset(); });
  }

  Upstream& upstream() { return *upstream_; }  ///< For use on the loop.

  void start(Recorder& recorder, const std::string& url, std::string_view method = "GET",
             std::string_view body = {}) {
    UpstreamRequest request;
    request.method = method;
    request.url = *Url::parse(url);
    request.body = body;
    request.has_body = !body.empty();
    on_loop([&] { recorder.id = upstream_->start(request, recorder); });
  }

  /// Starts, and returns once it is paused within the first of the body.
  void start_and_pause(Recorder& recorder, const std::string& url) {
    std::promise<void> paused;
    recorder.on_first_data = [&] {
      upstream_->pause(recorder.id);
      paused.set_value();
    };
    start(recorder, url);
    ASSERT_TRUE(comes(paused.get_future()));
  }

  /// Starts and waits for the last word.
  void fetch(Recorder& recorder, const std::string& url, std::string_view method = "GET",
             std::string_view body = {}) {
    start(recorder, url, method, body);
    ASSERT_TRUE(recorder.wait());
  }

 private:
  const AddressPolicy policy_;
  std::unique_ptr<Upstream> upstream_;
};

}  // namespace mimus
