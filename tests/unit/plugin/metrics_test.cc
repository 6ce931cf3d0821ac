// Metrics: counters from many threads, and the text that Prometheus reads.
#include "host/plugin/metrics.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace mimus {
namespace {

TEST(Metrics, AreRenderedWithHelpAndType) {
  const auto metrics = std::make_unique<Metrics>();
  const std::uint32_t hits = metrics->counter("hits_total", "Hits");
  EXPECT_EQ(metrics->counter("hits_total", "again"), hits);
  const std::uint32_t misses = metrics->counter("misses_total", "Misses");
  metrics->add(hits, 2);
  metrics->add(misses, 123'456'789'000);
  metrics->source([](std::vector<Metrics::Sample>& out) {
    out.push_back({"mimus_open", "Open now", "gauge", 1'000'000});
    out.push_back({"mimus_share", "A share", "gauge", 0.25});
  });
  EXPECT_EQ(
      metrics->render(),
      "# HELP mimus_hits_total Hits\n# TYPE mimus_hits_total counter\nmimus_hits_total 2\n"
      "# HELP mimus_misses_total Misses\n# TYPE mimus_misses_total counter\nmimus_misses_total 123456789000\n"
      "# HELP mimus_open Open now\n# TYPE mimus_open gauge\nmimus_open 1000000\n"
      "# HELP mimus_share A share\n# TYPE mimus_share gauge\nmimus_share 0.25\n");
}

TEST(Metrics, TheSixtyFifthCounterIsRefusedAndAddingToItDoesNothing) {
  const auto metrics = std::make_unique<Metrics>();
  for (std::uint32_t i = 0; i < 64; ++i) EXPECT_EQ(metrics->counter("c" + std::to_string(i), ""), i);
  EXPECT_EQ(metrics->counter("more", ""), Metrics::overflow);
  EXPECT_EQ(metrics->counter("c63", ""), 63U);
  const std::string before = metrics->render();
  metrics->add(Metrics::overflow, 5);
  EXPECT_EQ(metrics->render(), before);
}

TEST(Metrics, LoseNothingBetweenThreads) {
  const auto metrics = std::make_unique<Metrics>();
  const std::uint32_t hits = metrics->counter("hits", "Hits");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 10'000; ++n) metrics->add(hits, 1);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_NE(metrics->render().find("mimus_hits 40000\n"), std::string::npos);
}

}  // namespace
}  // namespace mimus
