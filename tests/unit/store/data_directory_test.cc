#include "store/data_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/unit/store/scratch.h"

namespace mimus {
namespace {

TEST(DataDirectory, IsMadeForItsOwnerAloneWithItsParents) {
  ScratchDir scratch;
  ASSERT_OK(make_directory(scratch.file("a/b/c")));
  struct stat made;
  ASSERT_EQ(stat(scratch.file("a/b/c").c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 0777u, 0700u);
  EXPECT_OK(make_directory(scratch.file("a/b/c"))) << "made already";
}

TEST(DataDirectory, SaysThatAFileIsInTheWay) {
  ScratchDir scratch;
  std::ofstream(scratch.file("file")) << "x";
  EXPECT_EQ(make_directory(scratch.file("file")).error().code, Code::unavailable);
  EXPECT_EQ(make_directory(scratch.file("file/below")).error().code, Code::unavailable);
}

TEST(DataDirectory, IsLockedAgainstASecondHostNamedByItsPid) {
  ScratchDir scratch;
  const auto first = DirectoryLock::take(scratch.file("data"), std::chrono::milliseconds(0));
  ASSERT_OK(first);
  const auto second = DirectoryLock::take(scratch.file("data"), std::chrono::milliseconds(30));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::conflict);
  EXPECT_EQ(second.error().message, "data directory " + scratch.file("data") +
                                        " is in use by another Mimus (pid " + std::to_string(getpid()) + ")");
}

TEST(DataDirectory, IsFreeAgainWhenTheLockIsGone) {
  ScratchDir scratch;
  ASSERT_OK(DirectoryLock::take(scratch.file("data"), std::chrono::milliseconds(0)));
  EXPECT_OK(DirectoryLock::take(scratch.file("data"), std::chrono::milliseconds(0)));
}

TEST(DataDirectory, CopiesFilesToTheByte) {
  ScratchDir scratch;
  ASSERT_OK(make_directory(scratch.file("from")));
  std::ofstream(scratch.file("from/x")) << std::string(100'000, 'x');
  std::ofstream(scratch.file("from/empty"));
  ASSERT_OK(copy_files(scratch.file("from"), scratch.file("to")));
  EXPECT_EQ(std::filesystem::file_size(scratch.file("to/x")), 100'000u);
  EXPECT_TRUE(exists(scratch.file("to/empty")));
  EXPECT_EQ(copy_files(scratch.file("nowhere"), scratch.file("to2")).error().code, Code::unavailable);
}

}  // namespace
}  // namespace mimus
