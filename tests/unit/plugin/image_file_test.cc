// Private copies: what is copied, what is judged, and what stays.
#include "host/plugin/image_file.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/plugin/sample_image.h"

namespace mimus {
namespace {

namespace fs = std::filesystem;
using Place = ImageStore::Place;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::size_t files_in(const std::string& directory) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

unsigned mode_of(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(stat(path.c_str(), &info), 0);
  return info.st_mode & 0777;
}

class ImageStoreTest : public ::testing::TestWithParam<Place> {
 protected:
  ImageStoreTest() : trust(*Trust::open({})), store(open()) {}
  std::unique_ptr<ImageStore> open() {
    auto opened = ImageStore::open(data.path(), *trust, GetParam());
    EXPECT_TRUE(opened) << opened.error().message;
    return *std::move(opened);
  }
  bool in_memory() const { return GetParam() == Place::memory; }
  std::string images() const { return data.path() + "/plugins/images"; }

  Scratch data, operators;
  std::unique_ptr<Trust> trust;
  std::unique_ptr<ImageStore> store;
};

TEST_P(ImageStoreTest, TakesACopyThatTheOperatorCannotChange) {
  const std::string file = operators.put("sample.so", sample_image());
  const auto image = store->take(file);
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->origin, file);
  EXPECT_EQ(image->bytes, sample_image().size());
  EXPECT_EQ(image->sha256, hex(sha256(sample_image())));
  EXPECT_EQ(image->manifest.id, "test.sample");
  EXPECT_EQ(image->signature.state, Signature::State::none);
  EXPECT_TRUE(image->granted.kv);
  EXPECT_EQ(image->build_id.size(), 40U);
  EXPECT_THAT(testing::PrintToString(image->warnings), HasSubstr("is not signed"));
  operators.put("sample.so", "changed");
  EXPECT_EQ(bytes_of(image->path), sample_image());
  if (in_memory()) {
    const int fd = ::open(image->path.c_str(), O_RDWR | O_CLOEXEC);
    EXPECT_TRUE(fd < 0 || ::write(fd, "x", 1) < 0) << "it is sealed";
    if (fd >= 0) ::close(fd);
  } else {
    EXPECT_THAT(image->path,
                MatchesRegex(images() + "/test\\.sample-" + image->sha256.substr(0, 16) + "-[0-9]+\\.so"));
    EXPECT_EQ(mode_of(image->path), 0500U);
    EXPECT_EQ(mode_of(images()), 0700U);
    EXPECT_EQ(files_in(images()), 1U);
  }
}

TEST_P(ImageStoreTest, TheSameBytesTwiceAreTwoPathsAndTwoImages) {
  const std::string file = operators.put("sample.so", sample_image());
  const auto one = store->take(file), two = store->take(file);
  ASSERT_TRUE(one && two);
  EXPECT_NE(one->path, two->path);
  void* const first = dlopen(one->path.c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(first, nullptr) << dlerror();
  void* const second = dlopen(two->path.c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(second, nullptr) << dlerror();
  EXPECT_NE(first, second);
  EXPECT_NE(dlsym(first, MIMUS_ENTRY_SYMBOL), dlsym(second, MIMUS_ENTRY_SYMBOL));
  dlclose(second);
  dlclose(first);
}

TEST_P(ImageStoreTest, WhatIsForgottenIsGone) {
  const auto one = store->take_bytes(sample_image(), "one", false);
  const auto two = store->take_bytes(sample_image(), "two", false);
  ASSERT_TRUE(one && two);
  store->forget(one->path);
  store->forget(operators.put("mine.so", "x"));
  store->forget(images() + "/../../plugins");
  EXPECT_FALSE(fs::exists(one->path));
  EXPECT_TRUE(fs::exists(two->path));
  EXPECT_TRUE(fs::exists(operators.path() + "/mine.so"));
}

TEST_P(ImageStoreTest, WhatIsRefusedLeavesNoCopyAndAllReasons) {
  std::string bad = replaced(sample_image(), R"("version": "1.2.0")", R"("version": "one..")");
  bad = replaced(bad, "\"minor\": 0", "\"minor\": 9");
  const std::string file = operators.put("bad.so", bad);
  for (const auto& image : {store->take(file, true), store->take_bytes(bad, file, true)}) {
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().code, Code::invalid);
    EXPECT_TRUE(image.error().message.starts_with(file + " ")) << image.error().message;
    EXPECT_THAT(image.error().message, HasSubstr("has the version \"one..\""));
    EXPECT_THAT(image.error().message, HasSubstr("; needs plugin ABI "));
    EXPECT_THAT(image.error().message, HasSubstr("; is not signed"));
  }
  EXPECT_EQ(files_in(images()), 0U);
  EXPECT_TRUE(store->take_bytes(*sign(sample_image(), TestKey(1).signing()), "signed", false));
}

TEST_P(ImageStoreTest, TakesPlainFilesOfAtMost64MiB) {
  const std::string large = operators.put("large.so", sample_image());
  fs::resize_file(large, (64u << 20) + 1);
  const std::string pipe = operators.path() + "/pipe.so";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  fs::create_symlink(operators.put("real.so", sample_image()), operators.path() + "/link.so");
  const struct {
    const char* name;
    std::string path;
    Code code;
    const char* message;
  } rows[] = {
      {"no file", operators.path() + "/none.so", Code::not_found, "none.so cannot be read"},
      {"a directory", operators.path(), Code::invalid, "is no plain file"},
      {"a pipe", pipe, Code::invalid, "is no plain file"},
      {"a file that is too large", large, Code::invalid, "is larger than 64 MiB"},
      {"a file that is longer than it says", "/proc/self/status", Code::unavailable,
       "changed while it was copied"},
      {"an empty file", operators.put("empty.so", ""), Code::invalid, "empty.so is empty"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const auto image = store->take(row.path);
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().code, row.code);
    EXPECT_THAT(image.error().message, HasSubstr(row.message));
  }
  EXPECT_TRUE(store->take(operators.path() + "/link.so"));
  EXPECT_FALSE(store->take_bytes(bytes_of(large), "upload", false));
}

INSTANTIATE_TEST_SUITE_P(In, ImageStoreTest, ::testing::Values(Place::automatic, Place::memory),
                         [](const auto& place) {
                           return place.param == Place::memory ? "Memory" : "Directory";
                         });

TEST(ImageStore, SweepsWhatAFormerProcessLeft) {
  const Scratch data;
  const auto trust = *Trust::open({});
  std::string kept, stale;
  {
    const auto former = *ImageStore::open(data.path(), *trust);
    kept = former->take_bytes(sample_image(), "kept", false)->path;
    stale = former->take_bytes(sample_image(), "stale", false)->path;
  }
  data.put("plugins/images/.incoming-1", "half");
  const auto store = *ImageStore::open(data.path(), *trust);
  EXPECT_TRUE(fs::exists(stale)) << "opening removes nothing";
  store->sweep({kept});
  EXPECT_TRUE(fs::exists(kept));
  EXPECT_EQ(files_in(data.path() + "/plugins/images"), 1U);
  std::set<std::string> paths{kept};
  for (int i = 0; i < 4; ++i) paths.insert(store->take_bytes(sample_image(), "new", false)->path);
  EXPECT_EQ(paths.size(), 5U) << "a kept path is never given again";
}

TEST(ImageStore, IsPrivate) {
  const auto trust = *Trust::open({});
  const Scratch data;
  fs::create_directories(data.path() + "/plugins/images");
  chmod((data.path() + "/plugins/images").c_str(), 0777);
  ASSERT_TRUE(ImageStore::open(data.path(), *trust));
  EXPECT_EQ(mode_of(data.path() + "/plugins/images"), 0700U);
  const Scratch linked;
  fs::create_directory_symlink(data.path(), linked.path() + "/plugins");
  const auto through = ImageStore::open(linked.path(), *trust);
  ASSERT_FALSE(through);
  EXPECT_THAT(through.error().message, HasSubstr("is no directory of this user's"));
  EXPECT_FALSE(ImageStore::open("/nowhere/at/all", *trust));
}

}  // namespace
}  // namespace mimus
