// What is a hang, and what is only work.
#include "host/app/watchdog.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <string>

namespace mimus {
namespace {

/// Plays one letter a tick: the plugin's hook that the thread is in, a new visit each time
/// it is upper case; '.': in none. Returns the tick of the first hang, 0 if there is none.
std::size_t first_hang(const std::string& script, bool worker, Hook hook, bool leaving = false) {
  CrashPage* const page = make_crash_page();
  Crumb& crumb = page->crumbs[3];
  crumb.worker = worker;
  HangJudge judge({3, 6});
  if (leaving) judge.count_tasks();
  std::size_t at = 0;
  for (std::size_t i = 0; i < script.size() && at == 0; ++i) {
    const char c = script[i];
    if (c >= 'A' && c <= 'Z') ++crumb.visits;
    crumb.where = c == '.' ? 0 : Crumb::pack(static_cast<ImageSlot>((c | 32) - 'a' + 1), hook);
    if (const auto where = judge.look(*page)) {
      EXPECT_EQ(*where, crumb.where);
      at = i + 1;
    }
  }
  ::munmap(page, sizeof *page);
  return at;
}

TEST(HangJudge, TellsAHangFromWork) {
  struct Row {
    const char* name;
    std::string script;
    bool worker;
    std::size_t tick;
    Hook hook = Hook::on_request;
    bool leaving = false;
  };
  const Row rows[] = {
      {"idle", "..........", true, 0},
      {"in one visit all the time", "Aaaaaa", true, 4},
      {"of a thread that may work for long", "Aaaaaaa", false, 7},
      {"a task, which may block", "Aaaaaaaaaaaa", false, 0, Hook::task},
      {"a task that a host which ends would wait for", "Aaaaaa", false, 4, Hook::task, true},
      {"tasks that such a host sees end", "AaaAaaAaa", false, 0, Hook::task, true},
      {"other work while it ends", "Aaaaaaa", false, 7, Hook::destroy, true},
      {"a task on a worker, which may not", "Aaaaaa", true, 4, Hook::task},
      {"one visit after the other", "AAAAAAAA", true, 0},
      {"left in time", "Aaa.aaa.", true, 0},
      {"left and entered again between two looks", "AaaAaa", true, 0},
      {"from one hook to the next", "AabbaabbA", true, 0},
      {"after much work", "AAAAAaaa", true, 8},
  };
  for (const Row& row : rows)
    EXPECT_EQ(first_hang(row.script, row.worker, row.hook, row.leaving), row.tick) << row.name;
}

}  // namespace
}  // namespace mimus
