// A carried file has a path, with /proc and without, for this process and for its children.
#include "host/app/shared_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace mimus {
namespace {

namespace fs = std::filesystem;

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// What libraries do with a path: open it to read, and map it shared.
bool maps(const std::string& path, std::string_view bytes) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  void* const at = ::mmap(nullptr, bytes.size(), PROT_READ, MAP_SHARED, fd, 0);
  ::close(fd);
  if (at == MAP_FAILED) return false;
  const bool same = std::string_view(static_cast<const char*>(at), bytes.size()) == bytes;
  ::munmap(at, bytes.size());
  return same;
}

class SharedFilesTest : public ::testing::Test {
 protected:
  SharedFilesTest() {
    char path[] = "/tmp/mimus-shared-XXXXXX";
    data_ = ::mkdtemp(path);
  }
  ~SharedFilesTest() override { fs::remove_all(data_); }

  std::string data_;
  const std::string bytes_ = std::string(100'000, 'c') + '\0' + "end";
  const EmbeddedFile carried_[1] = {{"country.mmdb", bytes_}};
};

TEST_F(SharedFilesTest, AreTheInstallationsWhereItHasAFolder) {
  SharedFiles files("/opt/share", data_, carried_);
  const auto path = files.path("country.mmdb");
  ASSERT_TRUE(path);
  EXPECT_EQ(*path, "/opt/share/country.mmdb");
}

TEST_F(SharedFilesTest, AreMemoryThatNobodyCanChange) {
  SharedFiles files("", data_, carried_);
  const auto path = files.path("country.mmdb");
  ASSERT_TRUE(path);
  EXPECT_TRUE(maps(*path, bytes_)) << *path;
  EXPECT_TRUE(fs::is_empty(data_));
  const int fd = ::open(path->c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  EXPECT_LT(::write(fd, "x", 1), 0);
  EXPECT_NE(::ftruncate(fd, 0), 0);
  ::close(fd);
  const auto again = files.path("country.mmdb");
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *path);
}

TEST_F(SharedFilesTest, CanBeOpenedByAChildThatInheritedNothing) {
  SharedFiles files("", data_, carried_);
  const auto path = files.path("country.mmdb");
  ASSERT_TRUE(path);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close_range(3, ~0u, 0);
    ::_exit(maps(*path, bytes_) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(SharedFilesTest, AreBelowTheDataDirectoryWithoutProc) {
  const std::string path = data_ + "/share/country.mmdb";
  struct Row {
    const char* name;
    const char* before;  // nullptr: nothing
    bool kept;
  };
  for (const Row& row : {Row{"the first start", nullptr, false}, Row{"another version's", "older", false},
                         Row{"a longer one that begins alike", "+", false}, Row{"the same", "=", true}}) {
    SCOPED_TRACE(row.name);
    fs::remove_all(data_ + "/share");
    if (row.before != nullptr) {
      fs::create_directory(data_ + "/share");
      const std::string before = row.before;
      std::ofstream(path, std::ios::binary) << (before == "="   ? bytes_
                                                : before == "+" ? bytes_ + "+"
                                                                : before);
    }
    struct stat earlier {};
    ::stat(path.c_str(), &earlier);
    SharedFiles files("", data_, carried_, "/nowhere");
    const auto found = files.path("country.mmdb");
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(*found, path);
    EXPECT_TRUE(contents(path) == bytes_);
    struct stat later {};
    ASSERT_EQ(::stat(path.c_str(), &later), 0);
    EXPECT_EQ(later.st_ino == earlier.st_ino, row.kept);
    EXPECT_EQ(later.st_mode & 0777, row.kept ? earlier.st_mode & 0777 : 0600u);
    EXPECT_FALSE(fs::exists(path + ".new"));
  }
}

TEST_F(SharedFilesTest, SayWhyThereIsNone) {
  SharedFiles carried("", data_, carried_);
  const auto unknown = carried.path("city.mmdb");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::not_found);
  EXPECT_NE(unknown.error().message.find("city.mmdb"), std::string::npos);

  const std::string file = data_ + "/file";
  std::ofstream(file) << "no folder";
  SharedFiles nowhere("", file, carried_, "/nowhere");
  const auto refused = nowhere.path("country.mmdb");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unavailable);
}

}  // namespace
}  // namespace mimus
