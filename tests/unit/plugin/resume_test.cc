// mimus_resume: of resume, deadline and end exactly one wins, from whatever thread.
#include "host/plugin/resume.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/unit/channel/loop_thread.h"

namespace mimus {
namespace {

struct Waiting : mimus_resume::Waiter {
  void on_woken(mimus_resume& handle, mimus_resume::Woken how) override {
    (how == mimus_resume::Woken::resumed ? resumed : expired) += 1;
    handle.detach();
  }
  int resumed = 0, expired = 0;
};

class ResumeTest : public ::testing::Test {
 protected:
  void make() {
    loop.on([this] { handle = mimus_resume::make(loop.loop, waiting, std::chrono::milliseconds(100)); });
  }
  void expect(int resumed, int expired) {
    loop.advance(std::chrono::milliseconds(0));
    EXPECT_EQ(waiting.resumed, resumed);
    EXPECT_EQ(waiting.expired, expired);
  }

  LoopThread loop;
  Waiting waiting;
  mimus_resume* handle = nullptr;
};

TEST_F(ResumeTest, WakesOnce) {
  make();
  EXPECT_TRUE(handle->resume());
  EXPECT_FALSE(handle->resume());
  expect(1, 0);
  loop.advance(std::chrono::milliseconds(200));
  expect(1, 0);
  handle->release();
}

TEST_F(ResumeTest, AtTheDeadlineItIsOver) {
  make();
  loop.advance(std::chrono::milliseconds(99));
  expect(0, 0);
  loop.advance(std::chrono::milliseconds(2));
  expect(0, 1);
  EXPECT_FALSE(handle->resume());
  handle->release();
}

TEST_F(ResumeTest, AfterTheWaiterLeftNothingIsCalled) {
  make();
  loop.on([this] {
    EXPECT_TRUE(handle->live());
    handle->detach();
    EXPECT_FALSE(handle->live());
  });
  EXPECT_FALSE(handle->resume());
  loop.advance(std::chrono::milliseconds(200));
  expect(0, 0);
  handle->release();
}

TEST_F(ResumeTest, AWaiterThatLeavesBeforeTheResumeArrivesIsNotCalled) {
  make();
  loop.on([this] {
    EXPECT_TRUE(handle->resume());
    handle->detach();
    handle->release();
  });
  expect(0, 0);
}

TEST_F(ResumeTest, AResumeAtTheDeadlineWakesOnce) {
  for (int round = 0; round < 50; ++round) {
    waiting = {};
    make();
    std::thread other([this] { static_cast<void>(handle->resume()); });
    loop.advance(std::chrono::milliseconds(101));
    other.join();
    loop.advance(std::chrono::milliseconds(0));
    EXPECT_EQ(waiting.resumed + waiting.expired, 1);
    handle->release();
  }
}

TEST_F(ResumeTest, OfEightThreadsOneWins) {
  for (int round = 0; round < 50; ++round) {
    waiting = {};
    make();
    std::atomic<int> won{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      handle->retain();
      threads.emplace_back([&] {
        if (handle->resume()) ++won;
        handle->release();
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(won, 1);
    expect(1, 0);
    handle->release();
  }
}

}  // namespace
}  // namespace mimus
