// All workers are asked, and an answer is that of all or none.
#include "host/app/ask_workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "host/cli/system_clock.h"

namespace mimus {
namespace {

/// Is never called: the server listens nowhere.
class NoService final : public Service {
 public:
  void on_head(Exchange& /*exchange*/) override {}
  void on_body(Exchange& /*exchange*/) override {}
  void on_body_too_large(Exchange& /*exchange*/) override {}
  void on_writable(Exchange& /*exchange*/) override {}
  void on_cancel(Exchange& /*exchange*/) override {}
  void on_end(Exchange& /*exchange*/) override {}
  std::string refusal(int /*status*/, std::string_view /*detail*/) override { return {}; }
};

TEST(AskWorkers, SaysNothingOfSomeOnly) {
  const SystemClock clock;
  Server server(clock, Limits(), 3, [](Loop&) { return std::make_unique<NoService>(); });
  ASSERT_TRUE(server.start());
  std::atomic<unsigned> asked{0};
  const std::function<void(unsigned, unsigned&)> add = [&](unsigned worker, unsigned& sum) {
    sum += worker + 1;
    ++asked;
  };
  const auto all = ask_workers<unsigned>(server, std::chrono::hours(1), add);
  ASSERT_TRUE(all);
  EXPECT_EQ(*all, 6u);

  std::promise<void> freed;
  post_to(server, 1, [done = freed.get_future().share()] { done.wait(); });
  const auto some = ask_workers<unsigned>(server, std::chrono::milliseconds(1), add);
  freed.set_value();
  ASSERT_FALSE(some);
  EXPECT_EQ(some.error().code, Code::unavailable);
  EXPECT_EQ(*ask_workers<unsigned>(server, std::chrono::hours(1), add), 6u) << "and not what came late";
  EXPECT_EQ(asked, 9u) << "it did as it was told, later";
}

}  // namespace
}  // namespace mimus
