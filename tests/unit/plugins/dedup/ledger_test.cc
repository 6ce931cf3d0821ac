// Counting, also from several workers at once.
#include "plugins/dedup/ledger.h"

#include <gtest/gtest.h>

#include <thread>

namespace mimus::dedup {
namespace {

Digest digest(std::uint32_t n) {
  Digest d{};
  for (std::size_t i = 0; i < 4; ++i) d[i] = d[31 - i] = static_cast<std::uint8_t>(n >> (8 * i));
  return d;
}

TEST(DedupLedger, CountsAnEntryOnceUntilItExpires) {
  Ledger ledger(1);
  ledger.entered("A", digest(1), 10, 100, 0);
  ledger.entered("A", digest(1), 20, 200, 50);
  ledger.entered("B", digest(2), 5, 100, 50);
  EXPECT_EQ(ledger.counts(99)["A"].bytes, 20u);
  EXPECT_EQ(ledger.counts(99)["A"].entries, 1u);
  EXPECT_EQ(ledger.counts(99)["B"].entries, 1u);
  EXPECT_EQ(ledger.counts(100).count("B"), 0u);
  EXPECT_EQ(ledger.counts(199)["A"].entries, 1u);
  EXPECT_EQ(ledger.counts(200).size(), 0u);
}

TEST(DedupLedger, ForgetsEntriesByKeyOrEndpoint) {
  Ledger ledger(1);
  ledger.entered("A", digest(1), 1, 100, 0);
  ledger.entered("A", digest(2), 1, 100, 0);
  ledger.entered("B", digest(3), 1, 100, 0);
  ledger.removed(digest(1));
  EXPECT_EQ(ledger.counts(0)["A"].entries, 1u);
  ledger.emptied("A");
  EXPECT_EQ(ledger.counts(0).count("A"), 0u);
  EXPECT_EQ(ledger.counts(0)["B"].entries, 1u);
  ledger.emptied("");
  EXPECT_EQ(ledger.counts(0).size(), 0u);
}

TEST(DedupLedger, IsBounded) {
  Ledger ledger(1);
  for (std::uint32_t n = 0; n < Ledger::max_entries * 2; ++n) ledger.entered("A", digest(n), 1, 100, 0);
  EXPECT_LE(ledger.counts(0)["A"].entries, Ledger::max_entries);
  EXPECT_GE(ledger.counts(0)["A"].entries, Ledger::max_entries / 2);
}

TEST(DedupLedger, AddsUpWhatEveryWorkerCounts) {
  constexpr unsigned workers = 4;
  constexpr std::uint32_t each = 2000;
  Ledger ledger(workers);
  const auto counters = ledger.counters("A");
  std::vector<std::thread> threads;
  for (unsigned w = 0; w < workers; ++w) {
    threads.emplace_back([&, w] {
      for (std::uint32_t n = 0; n < each; ++n) {
        counters->add(w, Counters::miss);
        counters->add(w, Counters::hit);
        ledger.entered("A", digest(w * each + n), 1, 100, 0);
        if (n % 500 == 0) ledger.counts(0);
      }
    });
  }
  for (std::thread& t : threads) t.join();
  const Counts sum = ledger.counts(0)["A"];
  EXPECT_EQ(sum.hits, workers * each);
  EXPECT_EQ(sum.misses, workers * each);
  EXPECT_EQ(sum.coalesced, 0u);
  EXPECT_EQ(sum.entries, workers * each);
  ledger.clear_counters();
  EXPECT_EQ(ledger.counts(0)["A"].hits, 0u);
  EXPECT_EQ(ledger.counters("A"), counters);
}

}  // namespace
}  // namespace mimus::dedup
