// Generations: what pins one, when it goes, and when what was retired is destroyed.
#include "host/pipeline/generation.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "host/plugin/plugin_host.h"
#include "host/route/definitions.h"

namespace mimus {
namespace {

class GenerationTest : public ::testing::Test {
 protected:
  GenerationTest()
      : plugins_(std::move(*PluginHost::load({}, {}, [](const OptionSpec&) { return std::string(); }))) {
    generations = std::make_unique<Generations>(*plugins_);
  }

  /// Publishes empty definitions, and returns how to see whether they live.
  std::weak_ptr<const Definitions> publish() {
    auto definitions = DefinitionsBuilder{HashSeed{}}.finish(++sequence_);
    std::weak_ptr<const Definitions> seen = definitions;
    generations->publish(std::move(definitions));
    return seen;
  }
  /// Waits until the reclaim thread has let go of it.
  static void await_end(const std::weak_ptr<const Definitions>& seen) {
    while (!seen.expired()) std::this_thread::yield();
  }

  std::unique_ptr<Generations> generations;

 private:
  std::unique_ptr<PluginHost> plugins_;
  std::uint64_t sequence_ = 0;
};

TEST_F(GenerationTest, ALeaseShowsTheNewestAndPinsWhatItGaveOut) {
  const auto first = publish();
  Generations::Lease lease(*generations);
  const Generation* const one = lease.acquire();
  const auto second = publish();
  const Generation* const two = lease.acquire();
  EXPECT_EQ(one->serial + 1, two->serial);
  EXPECT_EQ(generations->definitions(), two->definitions);
  EXPECT_FALSE(first.expired());
  EXPECT_EQ(lease.acquire(), two);
  lease.release(two);
  lease.release(one);
  await_end(first);
  lease.release(two);
  EXPECT_FALSE(second.expired());
}

TEST_F(GenerationTest, AnIdleLeaseLetsGoWhenItIsRefreshed) {
  const auto first = publish();
  Generations::Lease lease(*generations);
  lease.release(lease.acquire());
  int poked = 0;
  generations->on_publish([&] {
    ++poked;
    lease.refresh();
  });
  const auto second = publish();
  EXPECT_EQ(poked, 1);
  await_end(first);
  EXPECT_FALSE(second.expired());
}

TEST_F(GenerationTest, ManyPublishesLeaveOnlyTheNewest) {
  std::vector<std::weak_ptr<const Definitions>> seen;
  for (int i = 0; i < 500; ++i) seen.push_back(publish());
  for (int i = 0; i + 1 < 500; ++i) await_end(seen[static_cast<std::size_t>(i)]);
  EXPECT_FALSE(seen.back().expired());
  generations.reset();
  EXPECT_TRUE(seen.back().expired());
}

TEST_F(GenerationTest, ANewerGenerationWithoutUsersWaitsForAnOlderOne) {
  const auto first = publish();
  Generations::Lease old(*generations);
  const Generation* const pinned = old.acquire();
  const auto second = publish();
  const auto third = publish();
  EXPECT_FALSE(first.expired());
  EXPECT_FALSE(second.expired());
  old.refresh();  // third
  old.release(pinned);
  await_end(second);
  EXPECT_TRUE(first.expired());
  EXPECT_FALSE(third.expired());
}

TEST_F(GenerationTest, WhatIsRetiredGoesAfterEveryGenerationThatMayUseIt) {
  static_cast<void>(publish());
  Generations::Lease lease(*generations);
  const Generation* const pinned = lease.acquire();
  std::promise<void> gone;
  std::atomic<bool> destroyed{false};
  generations->retire([&] {
    destroyed = true;
    gone.set_value();
  });
  for (int i = 0; i < 10; ++i) static_cast<void>(publish());
  EXPECT_FALSE(destroyed) << "the lease may use it";
  lease.refresh();
  EXPECT_FALSE(destroyed);
  lease.release(pinned);
  gone.get_future().wait();
}

TEST_F(GenerationTest, TheDestructorDestroysWhatIsRetiredAndWhatThatRetires) {
  static_cast<void>(publish());
  int destroyed = 0;
  generations->retire([&, &own = *generations] {
    ++destroyed;
    own.retire([&] { ++destroyed; });
  });
  generations.reset();
  EXPECT_EQ(destroyed, 2);
}

TEST_F(GenerationTest, WorkersLeaseWhileDefinitionsArePublished) {
  static_cast<void>(publish());
  std::atomic<bool> stop{false};
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&] {
      Generations::Lease lease(*generations);
      std::uint64_t newest = 0;
      while (!stop) {
        const Generation* const one = lease.acquire();
        EXPECT_GE(one->serial, newest);
        newest = one->serial;
        const Generation* const two = lease.acquire();
        EXPECT_EQ(one->definitions->sequence(), one->serial);
        lease.release(one);
        EXPECT_EQ(two->definitions->sequence(), two->serial);
        lease.release(two);
      }
    });
  }
  std::vector<std::weak_ptr<const Definitions>> seen;
  for (int i = 0; i < 300; ++i) seen.push_back(publish());
  stop = true;
  for (std::thread& worker : workers) worker.join();
  for (std::size_t i = 0; i + 1 < seen.size(); ++i) await_end(seen[i]);
}

}  // namespace
}  // namespace mimus
