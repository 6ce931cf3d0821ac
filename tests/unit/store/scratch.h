// What the store's tests share: a directory of their own and the two kinds of database.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <ostream>
#include <string>

#include "store/database.h"

namespace mimus {

/// A fresh directory, gone afterwards.
class ScratchDir {
 public:
  ScratchDir() : path_((std::filesystem::temp_directory_path() / "mimus-store-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~ScratchDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline StoreOptions options_in(const ScratchDir& scratch) {
  return {scratch.file("data"), 64u << 20, std::chrono::milliseconds(0)};
}

/// What readers of a journal wait for its writer: only a test that fails waits that long.
constexpr std::chrono::seconds patience{60};

enum class Backing { rocks, memory };
inline void PrintTo(Backing backing, std::ostream* out) {
  *out << (backing == Backing::rocks ? "Rocks" : "Memory");
}

/// A test of one promise against each kind of database.
class DatabaseContract : public testing::TestWithParam<Backing> {
 protected:
  DatabaseContract() { make(64u << 20); }

  void make(std::uint64_t kv_bytes) {
    database_.reset();
    if (GetParam() == Backing::memory) {
      database_ = memory_database(clock_, kv_bytes);
      return;
    }
    StoreOptions options = options_in(scratch_);
    options.kv_bytes = kv_bytes;
    auto opened = open_database(options, clock_);
    if (!opened) throw std::runtime_error(opened.error().message);
    database_ = *std::move(opened);
  }

  ScratchDir scratch_;
  FakeClock clock_;
  std::unique_ptr<Database> database_;
};

inline std::string backing_name(const testing::TestParamInfo<Backing>& tested) {
  return tested.param == Backing::rocks ? "Rocks" : "Memory";
}

#define MIMUS_BOTH_DATABASES(suite) \
  INSTANTIATE_TEST_SUITE_P(All, suite, testing::Values(Backing::rocks, Backing::memory), backing_name)

inline Ulid ulid(unsigned last) {
  Ulid out;
  out.bytes[0] = 1;
  out.bytes[14] = static_cast<std::uint8_t>(last >> 8);
  out.bytes[15] = static_cast<std::uint8_t>(last);
  return out;
}

/// Ok, or the reason why it is not.
template <class T>
testing::AssertionResult ok(const Result<T>& result) {
  return result ? testing::AssertionSuccess() : testing::AssertionFailure() << result.error().message;
}
#define EXPECT_OK(expression) EXPECT_TRUE(ok(expression))
#define ASSERT_OK(expression) ASSERT_TRUE(ok(expression))

}  // namespace mimus
