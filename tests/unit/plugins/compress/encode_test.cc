// zlib and brotli: what goes in comes out, and the same each time.
#include "plugins/compress/encode.h"

#include <gtest/gtest.h>

#include "tests/unit/plugins/compress/decoded.h"

namespace mimus::compress {
namespace {

/// Bytes that no coding makes smaller.
std::string noise(std::size_t bytes) {
  std::string out(bytes, '\0');
  std::uint64_t state = 1;
  for (char& c : out) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    c = static_cast<char>(state >> 56);
  }
  return out;
}

TEST(Encode, AClientReadsWhatWasCoded) {
  const struct {
    const char* name;
    std::string body;
  } cases[] = {
      {"a byte", "x"},           {"text", "hello, hello, hello, hello"}, {"NUL", std::string(300, '\0')},
      {"noise", noise(100'000)}, {"1 MiB", std::string(1 << 20, 'x')},
  };
  for (const auto& c : cases) {
    for (const Coding coding : {Coding::gzip, Coding::br}) {
      SCOPED_TRACE(std::string(c.name) + ", " + std::string(name_of(coding)));
      const Result<std::string> coded = encode(coding, c.body);
      ASSERT_TRUE(coded);
      EXPECT_EQ(decoded(name_of(coding), *coded), c.body);
      EXPECT_EQ(*encode(coding, c.body), *coded);
    }
  }
}

}  // namespace
}  // namespace mimus::compress
