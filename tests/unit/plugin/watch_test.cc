// Watched directories: each way that a file comes, changes and goes is told once, when it has settled.
#include "host/plugin/watch.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include "tests/unit/plugin/sample_image.h"

namespace mimus {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Change = DirectoryWatch::Change;

class DirectoryWatchTest : public ::testing::Test {
 protected:
  DirectoryWatchTest() { make(); }

  void make() {
    auto opened = DirectoryWatch::open({one.path(), two.path()}, clock);
    ASSERT_TRUE(opened) << opened.error().message;
    watch = *std::move(opened);
  }
  /// What is told when `quiet` has passed after a look.
  std::vector<Change> settle() {
    EXPECT_THAT(watch->take(), IsEmpty()) << "nothing is told before it settled";
    clock.advance(100ms);
    return watch->take();
  }
  bool readable() const {
    pollfd poll_fd{watch->fd(), POLLIN, 0};
    return poll(&poll_fd, 1, 0) == 1;
  }
  Change added(const std::string& name) const { return {one.path() + "/" + name, false}; }
  Change removed(const std::string& name) const { return {one.path() + "/" + name, true}; }

  Scratch one, two;
  FakeClock clock;
  std::unique_ptr<DirectoryWatch> watch;
};

TEST_F(DirectoryWatchTest, FirstTellsAllThatIsThereOnce) {
  one.put("b.so", "b");
  one.put("a.so", "a");
  two.put("c.so", "c");
  one.put("README.md", "");
  one.put(".hidden.so", "");
  one.put(".so", "");
  one.put("d.so.tmp", "");
  one.put("sub/e.so", "");
  fs::create_directory(one.path() + "/directory.so");
  EXPECT_EQ(watch->next(), 0ms);
  auto told = watch->take();
  std::sort(told.begin(), told.end(), [](const auto& a, const auto& b) {
    return fs::path(a.path).filename() < fs::path(b.path).filename();
  });
  EXPECT_THAT(told, ElementsAre(added("a.so"), added("b.so"), Change{two.path() + "/c.so", false}));
  EXPECT_THAT(settle(), IsEmpty());
  EXPECT_EQ(watch->next(), std::nullopt);
}

TEST_F(DirectoryWatchTest, EachWayOfChangingIsToldWhenItHasSettled) {
  const std::string a = one.path() + "/a.so", other = two.path() + "/elsewhere";
  one.put("a.so", "first");
  ASSERT_THAT(watch->take(), ElementsAre(added("a.so")));
  ASSERT_THAT(settle(), IsEmpty());
  const struct {
    const char* name;
    std::function<void()> act;
    bool there;
  } rows[] = {
      {"overwritten in place", [&] { one.put("a.so", "longer than it was"); }, true},
      {"moved over",
       [&] {
         two.put("elsewhere", "x");
         fs::rename(other, a);
       },
       true},
      {"removed", [&] { fs::remove(a); }, false},
      {"copied",
       [&] {
         two.put("elsewhere", "y");
         fs::copy_file(other, a);
       },
       true},
      {"moved away", [&] { fs::rename(a, other); }, false},
      {"moved back", [&] { fs::rename(other, a); }, true},
      {"removed and put again",
       [&] {
         fs::remove(a);
         one.put("a.so", "again, and longer");
       },
       true},
      {"replaced by a directory",
       [&] {
         fs::remove(a);
         fs::create_directory(a);
       },
       false},
      {"replaced by a link",
       [&] {
         fs::remove(a);
         two.put("real", "behind a link");
         fs::create_symlink(two.path() + "/real", a);
       },
       true},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    row.act();
    EXPECT_TRUE(readable());
    EXPECT_THAT(settle(), ElementsAre(row.there ? added("a.so") : removed("a.so")));
    EXPECT_FALSE(readable());
    EXPECT_EQ(watch->next(), std::nullopt);
  }
}

TEST_F(DirectoryWatchTest, WhatComesBackBeforeItSettledWasNeverGone) {
  one.put("a.so", "a");
  ASSERT_THAT(watch->take(), ElementsAre(added("a.so")));
  ASSERT_THAT(settle(), IsEmpty());
  fs::rename(one.path() + "/a.so", two.path() + "/away");
  EXPECT_THAT(watch->take(), IsEmpty());
  clock.advance(50ms);
  fs::rename(two.path() + "/away", one.path() + "/a.so");
  EXPECT_THAT(settle(), IsEmpty());
}

TEST_F(DirectoryWatchTest, ASlowWriterIsWaitedFor) {
  ASSERT_THAT(watch->take(), IsEmpty());
  const int fd = ::open((one.path() + "/a.so").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(::write(fd, "piece", 5), 5);
    EXPECT_THAT(watch->take(), IsEmpty());
    clock.advance(400ms);
    EXPECT_THAT(watch->take(), IsEmpty()) << "it is open";
  }
  ::close(fd);
  EXPECT_THAT(settle(), ElementsAre(added("a.so")));
}

TEST_F(DirectoryWatchTest, WhatWasHalfWrittenAtFirstIsToldAgain) {
  const int fd = ::open((one.path() + "/a.so").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  ASSERT_EQ(::write(fd, "half", 4), 4);
  EXPECT_THAT(watch->take(), ElementsAre(added("a.so")));
  ASSERT_EQ(::write(fd, "whole", 5), 5);
  ::close(fd);
  EXPECT_THAT(settle(), ElementsAre(added("a.so")));
}

TEST_F(DirectoryWatchTest, AWriterThatSaysNothingForLongIsNotWaitedForForEver) {
  ASSERT_THAT(watch->take(), IsEmpty());
  const int fd = ::open((one.path() + "/a.so").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  ASSERT_EQ(::write(fd, "half", 4), 4);
  EXPECT_THAT(watch->take(), IsEmpty());
  std::vector<Change> told;
  auto waited = 0ms;
  while (told.empty() && waited < 60s) {
    ASSERT_TRUE(watch->next());
    clock.advance(*watch->next());
    waited += 100ms;
    told = watch->take();
  }
  EXPECT_THAT(told, ElementsAre(added("a.so")));
  EXPECT_EQ(waited, 5s);
  ASSERT_EQ(::write(fd, "whole", 5), 5);
  ::close(fd);
  EXPECT_THAT(settle(), ElementsAre(added("a.so"))) << "and is told again when it is whole";
}

TEST_F(DirectoryWatchTest, ADirectoryFilledThroughALinkIsSeen) {
  two.put("v1/a.so", "one");
  two.put("v2/a.so", "another");
  fs::create_directory_symlink(two.path() + "/v1", one.path() + "/..data");
  fs::create_symlink("..data/a.so", one.path() + "/a.so");
  ASSERT_THAT(watch->take(), ElementsAre(added("a.so")));
  ASSERT_THAT(settle(), IsEmpty());
  fs::create_directory_symlink(two.path() + "/v2", one.path() + "/..new");
  fs::rename(one.path() + "/..new", one.path() + "/..data");
  EXPECT_THAT(settle(), ElementsAre(added("a.so")));
}

TEST_F(DirectoryWatchTest, ADirectoryThatGoesAndComesAgainIsFoundAgain) {
  one.put("a.so", "a");
  ASSERT_THAT(watch->take(), ElementsAre(added("a.so")));
  ASSERT_THAT(settle(), IsEmpty());
  fs::rename(one.path(), two.path() + "/moved");
  EXPECT_THAT(settle(), ElementsAre(removed("a.so")));
  ASSERT_TRUE(watch->next()) << "it is looked for";
  clock.advance(*watch->next());
  EXPECT_THAT(watch->take(), IsEmpty());
  fs::rename(two.path() + "/moved", one.path());
  ASSERT_TRUE(watch->next());
  clock.advance(*watch->next());
  EXPECT_THAT(settle(), ElementsAre(added("a.so")));
  EXPECT_EQ(watch->next(), std::nullopt);
  one.put("b.so", "b");
  EXPECT_THAT(settle(), ElementsAre(added("b.so")));
}

TEST_F(DirectoryWatchTest, EventsThatWereLostAreMadeUpForByLooking) {
  std::ifstream limit("/proc/sys/fs/inotify/max_queued_events");
  int most = 0;
  limit >> most;
  if (most == 0 || most > 20'000) GTEST_SKIP() << "the queue of inotify holds " << most;
  ASSERT_THAT(watch->take(), IsEmpty());
  for (int i = 0; i <= most / 3; ++i) {  // each makes four events that are not alike
    one.put("noise.so", "x");
    fs::remove(one.path() + "/noise.so");
  }
  one.put("late.so", "x");
  EXPECT_THAT(settle(), ElementsAre(added("late.so")));
}

TEST(DirectoryWatch, NeedsItsDirectories) {
  const FakeClock clock;
  const Scratch here;
  for (const std::string& path : {here.path() + "/none", here.put("file", "")}) {
    const auto opened = DirectoryWatch::open({path}, clock);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Code::not_found);
    EXPECT_NE(opened.error().message.find(path), std::string::npos);
  }
  const auto twice = DirectoryWatch::open({here.path(), here.path() + "/"}, clock);
  ASSERT_TRUE(twice);
  here.put("a.so", "");
  EXPECT_EQ((*twice)->take().size(), 1U);
}

}  // namespace
}  // namespace mimus
