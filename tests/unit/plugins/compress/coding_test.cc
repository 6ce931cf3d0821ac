// Reading Accept-Encoding.
#include "plugins/compress/coding.h"

#include <gtest/gtest.h>

#include <vector>

namespace mimus::compress {
namespace {

TEST(AcceptedCodings, TheHighestWeightIsPreferred) {
  const Coding identity = Coding::identity, gzip = Coding::gzip, br = Coding::br;
  const struct {
    const char* name;
    std::vector<const char*> lines;
    Coding want;
    bool refuses_identity;
  } cases[] = {
      {"no field", {}, identity, false},
      {"an empty field", {""}, identity, false},
      {"gzip", {"gzip"}, gzip, false},
      {"br", {"br"}, br, false},
      {"a browser's", {"gzip, deflate, br"}, br, false},
      {"what we have not", {"deflate, zstd, compress"}, identity, false},
      {"another case", {"GZip;Q=0.5"}, gzip, false},
      {"the old name of gzip", {"x-gzip"}, gzip, false},
      {"by weight", {"br;q=0.1, gzip;q=0.2"}, gzip, false},
      {"spaces around the weight", {"br ; q=0.1 ,\tgzip\t;\tq=0.2"}, gzip, false},
      {"a thousandth more", {"br;q=0.501,gzip;q=0.502"}, gzip, false},
      {"a small weight is above what was not asked for", {"gzip;q=0.001"}, gzip, false},
      {"identity is preferred by weight", {"gzip;q=0.5, identity"}, identity, false},
      {"a coding wins over identity of equal weight", {"identity, gzip"}, gzip, false},
      {"several lines are one list", {"gzip;q=0.5", "br;q=0.4"}, gzip, false},
      {"any", {"*"}, br, false},
      {"any but br", {"br;q=0, *"}, gzip, false},
      {"any is the weight of those unnamed", {"*;q=0.9, br;q=0.1"}, gzip, false},
      {"none at all", {"*;q=0"}, identity, true},
      {"none but gzip", {"gzip, *;q=0"}, gzip, true},
      {"gzip refused", {"gzip;q=0"}, identity, false},
      {"gzip refused in decimals", {"gzip;q=0.000"}, identity, false},
      {"no identity", {"identity;q=0, gzip;q=0.1"}, gzip, true},
      {"no identity and nothing that we have", {"identity;q=0, deflate"}, identity, true},
      {"identity spared by name", {"*;q=0, identity"}, identity, false},
      {"the first of a repeated coding", {"gzip;q=0, gzip"}, identity, false},
      // What is no list member counts as absent.
      {"a weight above 1", {"gzip;q=1.001"}, identity, false},
      {"a weight of 2", {"gzip;q=2"}, identity, false},
      {"a weight of four decimals", {"gzip;q=0.1234"}, identity, false},
      {"a negative weight", {"gzip;q=-1"}, identity, false},
      {"no digits", {"gzip;q="}, identity, false},
      {"a comma for a point", {"gzip;q=0,5"}, identity, false},
      {"a digit for a point", {"gzip;q=01"}, identity, false},
      {"1 with a point", {"gzip;q=1."}, gzip, false},
      {"another parameter", {"gzip;level=9"}, identity, false},
      {"two parameters", {"gzip;q=1;level=9"}, identity, false},
      {"a semicolon alone", {"gzip;"}, identity, false},
      {"quoted", {"\"gzip\""}, identity, false},
      {"part of a name", {"gzipped, xbr"}, identity, false},
      {"garbage before a member", {"\x01;;=,,gzip"}, gzip, false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    AcceptedCodings accepted;
    for (const char* const line : c.lines) accepted.read(line);
    EXPECT_EQ(accepted.preferred(), c.want);
    EXPECT_EQ(accepted.refuses_identity(), c.refuses_identity);
  }
}

}  // namespace
}  // namespace mimus::compress
