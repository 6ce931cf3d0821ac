// When a breaker opens, and when it closes again.
#include "host/plugin/breaker.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace mimus {
namespace {

using std::chrono::seconds;
using State = Breaker::State;

constexpr Breaker::Rule rule{4, seconds(10), seconds(30)};

/// Plays one letter each second: f - a request enters and fails, g - one enters and goes
/// well, i - one is let in and stays, x - one is refused, . - nothing. Upper case F, G: one
/// that entered before. Returns the state, and "" or the first letter that went otherwise.
struct Played {
  State state;
  std::string wrong, heard;
};
Played play(std::string_view script) {
  Breaker breaker(rule);
  Played out;
  breaker.on_change([&](bool open) { out.heard += open ? 'o' : 'c'; });
  seconds now{100};
  for (std::size_t i = 0; i < script.size(); ++i, ++now) {
    const char c = script[i];
    if (c == '.') continue;
    if (c == 'f' || c == 'g' || c == 'i' || c == 'x') {
      const bool in = breaker.calm() || breaker.lets_in(now);
      if (in == (c == 'x') && out.wrong.empty()) out.wrong = std::string(1, c) + " at " + std::to_string(i);
      if (!in) continue;
    }
    if (c == 'f' || c == 'F') breaker.failed(now);
    if ((c == 'g' || c == 'G') && !breaker.calm()) breaker.passed();
  }
  out.state = breaker.state();
  return out;
}

TEST(Breaker, OpensAndCloses) {
  struct Row {
    const char* name;
    std::string script;
    State state;
    const char* heard = "";
  };
  const std::string pause(30, '.');
  const Row rows[] = {
      {"nothing fails", "ggggg", State::calm},
      {"one failure is watched", "gf", State::watching},
      {"failures in a row open it", "ffff", State::open, "o"},
      {"open, it lets nobody in", "ffffxxx", State::open, "o"},
      {"half of them is enough", "fgfgfgf", State::open, "o"},
      {"less than half is not", "fgggfgggf", State::watching},
      {"failures too far apart", "f...f...f...f", State::watching},
      {"a window without failures ends the watch", "f..........gg", State::calm},
      {"after the pause one may try", "ffff" + pause + "ix", State::trial, "o"},
      {"whose end closes it", "ffff" + pause + "gg", State::calm, "oc"},
      {"whose failure opens it again", "ffff" + pause + "fx", State::open, "oo"},
      {"a trial that never ends is followed by another", "ffff" + pause + "i" + pause + "g", State::calm,
       "oc"},
      {"what entered before it opened changes nothing", "ffffFGx", State::open, "o"},
      {"closed again, it counts from nothing", "ffff" + pause + "gfff", State::watching, "oc"},
  };
  for (const Row& row : rows) {
    const Played played = play(row.script);
    EXPECT_EQ(played.wrong, "") << row.name;
    EXPECT_EQ(static_cast<int>(played.state), static_cast<int>(row.state)) << row.name;
    EXPECT_EQ(played.heard, row.heard) << row.name;
  }
}

}  // namespace
}  // namespace mimus
