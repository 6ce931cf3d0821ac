// Tasks of plugins: each is called once, with OK or GONE, and none after its instance's end.
#include "host/plugin/task_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "host/plugin/loaded.h"

namespace mimus {
namespace {

struct Counts {
  std::atomic<int> ok{0}, gone{0};
};
void count(mimus_inst*, void* ud, mimus_rc rc) {
  Counts& counts = *static_cast<Counts*>(ud);
  ++(rc == MIMUS_OK ? counts.ok : counts.gone);
}

/// A task that a test holds up.
struct Gate {
  std::promise<void> entered, open;
  static void run(mimus_inst*, void* ud, mimus_rc) {
    Gate& gate = *static_cast<Gate*>(ud);
    gate.entered.set_value();
    gate.open.get_future().wait();
  }
};

TEST(TaskPool, RunsWhatItTakesAndRefusesWhatIsTooMuch) {
  TaskPool pool(1, 3);
  mimus_host host("test.tasks");
  Gate gate;
  ASSERT_EQ(pool.spawn(host, Gate::run, &gate), MIMUS_OK);
  gate.entered.get_future().wait();
  Counts counts;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pool.spawn(host, count, &counts), MIMUS_OK);
  EXPECT_EQ(pool.spawn(host, count, &counts), MIMUS_E_NOSPC);
  EXPECT_EQ(host.tasks, 4U);
  gate.open.set_value();
  while (host.tasks != 0) std::this_thread::yield();
  EXPECT_EQ(counts.ok, 3);
  EXPECT_EQ(counts.gone, 0);
  pool.end(host);
}

TEST(TaskPool, AtTheEndOfAnInstanceWhatWaitsIsToldGoneAndWhatRunsIsWaitedFor) {
  TaskPool pool(1, 16);
  mimus_host ends("test.ends"), stays("test.stays");
  Gate gate;
  Counts counts, others;
  ASSERT_EQ(pool.spawn(ends, Gate::run, &gate), MIMUS_OK);
  gate.entered.get_future().wait();
  ASSERT_EQ(pool.spawn(ends, count, &counts), MIMUS_OK);
  ASSERT_EQ(pool.spawn(stays, count, &others), MIMUS_OK);
  std::atomic<bool> ended{false};
  std::thread ending([&] {
    pool.end(ends);
    ended = true;
  });
  while (counts.gone == 0) std::this_thread::yield();
  EXPECT_FALSE(ended) << "a task of it still runs";
  EXPECT_EQ(pool.spawn(ends, count, &counts), MIMUS_E_UNAVAILABLE);
  gate.open.set_value();
  ending.join();
  EXPECT_EQ(ends.tasks, 0U);
  while (stays.tasks != 0) std::this_thread::yield();
  EXPECT_EQ(others.ok, 1);
  EXPECT_EQ(others.gone, 0);
  EXPECT_EQ(counts.ok, 0);
  EXPECT_EQ(counts.gone, 1);
  pool.end(stays);
}

TEST(TaskPool, IsRefusedWhereThereIsNone) {
  mimus_host host("test.tasks");
  EXPECT_EQ(task_table.spawn(&host, count, nullptr), MIMUS_E_UNAVAILABLE);
  TaskPool pool(1);
  host.services.tasks = &pool;
  EXPECT_EQ(task_table.spawn(&host, nullptr, nullptr), MIMUS_E_INVAL);
  pool.end(host);
}

}  // namespace
}  // namespace mimus
