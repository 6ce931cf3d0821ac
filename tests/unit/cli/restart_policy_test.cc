// When a server is started again, and when not.
#include "host/cli/restart_policy.h"

#include <gtest/gtest.h>

#include <vector>

namespace mimus {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Life {
  microseconds lasted;
  bool ready = true;
  bool blamed = false, mended = false;
};

struct Said {
  std::vector<int> waits_ms;
  int safe_mode_at = 0;  // the end that asked for it; 0: none
  int given_up_at = 0;
};

Said say(const std::vector<Life>& lives) {
  RestartPolicy policy;
  Said out;
  microseconds now{seconds(1000)};
  for (std::size_t i = 0; i < lives.size() && out.given_up_at == 0; ++i) {
    const auto started = now;
    now += lives[i].lasted;
    const auto next = policy.after({started, now, lives[i].ready, lives[i].blamed, lives[i].mended});
    if (next.safe_mode && out.safe_mode_at == 0) out.safe_mode_at = static_cast<int>(i + 1);
    if (!next.again) out.given_up_at = static_cast<int>(i + 1);
    out.waits_ms.push_back(static_cast<int>(next.wait / milliseconds(1)));
    now += next.wait;
  }
  return out;
}

TEST(RestartPolicy, DecidesByHowTheServersEnded) {
  const Life blamed{seconds(1), true, true};
  const Life unexplained{seconds(1)};
  const Life not_ready{seconds(1), false};
  const Life not_ready_blamed{seconds(1), false, true};
  const Life calm{seconds(60), true, true};
  const Life mended{seconds(1), true, true, true};
  const Life hour{seconds(3600)};
  struct Row {
    const char* name;
    std::vector<Life> lives;
    std::vector<int> waits_ms;
    int safe_mode_at = 0, given_up_at = 0;
  };
  const Row rows[] = {
      {"the first restart is immediate", {hour}, {0}},
      {"then waits double up to ten seconds",
       {blamed, blamed, blamed, blamed, blamed, blamed, blamed, blamed, blamed, blamed},
       {0, 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000}},
      {"what is mended waits for nothing", {mended, mended, blamed, mended, blamed}, {0, 0, 0, 0, 100}},
      {"a minute of calm forgives", {blamed, blamed, calm, blamed}, {0, 100, 0, 100}},
      {"three unexplained ends in a minute ask for safe mode",
       {unexplained, unexplained, unexplained},
       {0, 100, 200},
       3},
      {"those of plugins do not count", {unexplained, blamed, unexplained, blamed}, {0, 100, 200, 400}},
      {"nor do those of long ago", {hour, hour, unexplained, hour, unexplained}, {0, 0, 100, 0, 100}},
      {"one that is not ready is tried again", {not_ready, unexplained, not_ready}, {0, 100, 200}, 3},
      {"two in a row are the end", {unexplained, not_ready, not_ready}, {0, 100, 200}, 3, 3},
      {"unless a plugin is to blame, which is left out next time",
       {not_ready_blamed, not_ready_blamed, not_ready, not_ready_blamed},
       {0, 100, 200, 400}},
  };
  for (const Row& row : rows) {
    const Said said = say(row.lives);
    EXPECT_EQ(said.waits_ms, row.waits_ms) << row.name;
    EXPECT_EQ(said.safe_mode_at, row.safe_mode_at) << row.name;
    EXPECT_EQ(said.given_up_at, row.given_up_at) << row.name;
  }
}

}  // namespace
}  // namespace mimus
