// The crumbs that threads leave, and who is blamed for what end.
#include "host/plugin/crash_page.h"
#include "mimus/plugin.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>

#include "host/net/loop.h"

namespace mimus {
namespace {

class Page : public testing::Test {
 protected:
  Page() : page(make_crash_page()) { use_crash_page(page); }
  ~Page() override {
    use_crash_page(nullptr);
    ::munmap(page, sizeof *page);
  }
  CrashPage* page;
};

TEST_F(Page, ACrumbSaysWhereItsThreadIsAndHooksNest) {
  const ImageSlot a = add_image("a", "1", "h", false);
  const ImageSlot b = add_image("b", "1", "h", false);
  {
    const CrumbScope outer(a, Hook::on_request);
    const Crumb& own = *crumbs::own;
    EXPECT_EQ(own.where, Crumb::pack(a, Hook::on_request));
    const auto visits = own.visits.load();
    {
      const CrumbScope inner(b, Hook::on_close);
      EXPECT_EQ(Crumb::image_of(own.where), b);
      EXPECT_EQ(Crumb::hook_of(own.where), Hook::on_close);
      EXPECT_EQ(own.visits, visits + 1);
    }
    EXPECT_EQ(own.where, Crumb::pack(a, Hook::on_request));
    {
      const CrumbScope unknown(no_image, Hook::bind);
      EXPECT_EQ(own.where, 0u) << "an image that has no slot is nobody else's fault";
    }
  }
  EXPECT_EQ(crumbs::own->where, 0u);
  EXPECT_EQ(crumbs::own->thread, static_cast<std::uint32_t>(::gettid()));
  EXPECT_FALSE(crumbs::own->worker);
}

TEST_F(Page, AThreadGivesItsCrumbBack) {
  const Crumb* first = nullptr;
  for (int i = 0; i < 3; ++i) {
    std::thread([&] {
      const CrumbScope scope(1, Hook::bind);
      if (first == nullptr) first = crumbs::own;
      EXPECT_EQ(crumbs::own, first);
    }).join();
    EXPECT_EQ(first->thread, 0u);
  }
}

TEST_F(Page, ThereIsRoomForSoManyImages) {
  for (std::size_t i = 0; i < CrashPage::max_images; ++i)
    EXPECT_NE(add_image("x", "1", "h", false), no_image);
  EXPECT_EQ(add_image("x", "1", "h", false), no_image);
  EXPECT_EQ(loaded_images(*page).size(), CrashPage::max_images);
  set_probation(7, true);
  EXPECT_EQ(unproven_images(*page).size(), 1U);
  remove_image(7);
  EXPECT_EQ(loaded_images(*page).size(), CrashPage::max_images - 1);
  EXPECT_EQ(unproven_images(*page).size(), 0U);
  EXPECT_EQ(add_image("y", "1", "h", false), 7);
}

TEST(NoPage, CostsNothingAndDoesNothing) {
  use_crash_page(nullptr);
  EXPECT_EQ(add_image("x", "1", "h", false), no_image);
  const CrumbScope scope(1, Hook::bind);
  EXPECT_EQ(crumbs::own, nullptr);
}

TEST_F(Page, BlamesByAddressThenByTheThreadsCrumbThenNobody) {
  const ImageSlot a = add_image("com.example.a", "1.0", "aa", false);
  const ImageSlot b = add_image("com.example.b", "2.0", "bb", true);
  page->images[a - 1].begin = 0x1000;
  page->images[a - 1].end = 0x2000;
  set_probation(a, true);
  struct Row {
    const char* name;
    Ending ending;
    int signal, code;
    std::uint32_t sender;
    std::uintptr_t pc;
    std::uint32_t where;
    ImageSlot image;
    bool certain;
    const char* reason;
  };
  const std::uint32_t in_a = Crumb::pack(a, Hook::on_request);
  const std::uint32_t in_b = Crumb::pack(b, Hook::bind);
  const Row rows[] = {
      {"its code, in its hook", Ending::signal, SIGSEGV, 1, 0, 0x1800, in_a, a, true,
       "SIGSEGV in on_request"},
      {"its code, on a thread of its own", Ending::signal, SIGBUS, 1, 0, 0x1000, 0, a, true,
       "SIGBUS outside its hooks"},
      {"its code, in another's hook", Ending::signal, SIGFPE, 1, 0, 0x1fff, in_b, a, true,
       "SIGFPE outside its hooks"},
      {"the host's code, in its hook", Ending::signal, SIGSEGV, 1, 0, 0x2000, in_b, b, true,
       "SIGSEGV in bind"},
      {"the host's code, in no hook", Ending::signal, SIGSEGV, 1, 0, 0x500, 0, no_image, false,
       "SIGSEGV in the host"},
      {"abort in its hook", Ending::signal, SIGABRT, SI_TKILL, 0, 0x500, in_a, a, true,
       "SIGABRT in on_request"},
      {"sent to itself in its hook", Ending::signal, SIGSEGV, SI_TKILL, 0, 0x500, in_b, b, true,
       "SIGSEGV in bind"},
      {"sent from outside, in its code", Ending::signal, SIGSEGV, SI_USER, 42, 0x1800, in_a, no_image, false,
       "SIGSEGV from process 42"},
      {"hangs", Ending::hang, 0, 0, 0, 0, in_b, b, true, "hang in bind"},
      {"a worker hangs in the host", Ending::hang, 0, 0, 0, 0, 0, no_image, false,
       "a worker hangs in the host"},
      {"a sanitizer's report", Ending::sanitizer, 0, 0, 0, 0, in_a, a, true,
       "sanitizer report in on_request"},
      {"a slot that is none", Ending::signal, SIGSEGV, 1, 0, 0x500, Crumb::pack(77, Hook::bind), no_image,
       false, "SIGSEGV in the host"},
  };
  for (const Row& row : rows) {
    page->fatal.signal = row.signal;
    page->fatal.code = row.code;
    page->fatal.sender = row.sender;
    page->fatal.pc = row.pc;
    page->fatal.where = row.where;
    page->fatal.ending = row.ending;
    const Blame blame = blame_for(*page, SIGABRT);
    EXPECT_EQ(blame.image, row.image) << row.name;
    EXPECT_EQ(blame.certain, row.certain) << row.name;
    EXPECT_EQ(blame.reason, row.reason) << row.name;
    EXPECT_EQ(blame.id, row.image == a ? "com.example.a" : row.image == b ? "com.example.b" : "") << row.name;
    EXPECT_EQ(blame.on_probation, row.image == a) << row.name;
    EXPECT_EQ(blame.builtin, row.image == b) << row.name;
  }
}

TEST_F(Page, SuspectsWhatAllCrumbsAgreeOnWhenNothingWasSaid) {
  const ImageSlot a = add_image("com.example.a", "1.0", "aa", false);
  const ImageSlot b = add_image("com.example.b", "2.0", "bb", true);
  struct Row {
    const char* name;
    std::uint32_t first, second;
    int status;
    ImageSlot image;
    const char* reason;
  };
  const auto in = Crumb::pack;
  const Row rows[] = {
      {"one in a hook", in(a, Hook::bind), 0, SIGSEGV, a, "SIGSEGV in bind"},
      {"two in one plugin", in(a, Hook::on_request), in(a, Hook::on_request), SIGSEGV, a,
       "SIGSEGV in on_request"},
      {"two in two", in(a, Hook::bind), in(b, Hook::bind), SIGSEGV, no_image, "SIGSEGV in the host"},
      {"killed, for which no plugin can be blamed", in(a, Hook::bind), 0, SIGKILL, no_image, "SIGKILL"},
      {"left by _exit", in(b, Hook::on_end), 0, 3 << 8, b, "exit 3 in on_end"},
  };
  for (const Row& row : rows) {
    page->crumbs[0].where = row.first;
    page->crumbs[9].where = row.second;
    const Blame blame = blame_for(*page, row.status);
    EXPECT_EQ(blame.image, row.image) << row.name;
    EXPECT_FALSE(blame.certain) << row.name;
    EXPECT_EQ(blame.reason, row.reason) << row.name;
  }
}

// A sanitizer's own handlers would answer.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

/// Runs `end` in a child that uses the page, as the server does; returns waitpid's status.
int end_of(const std::function<void()>& end) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(STDERR_FILENO);
    catch_fatal_signals();
    end();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

int dig(int depth) {
  volatile char much[4096];
  much[0] = static_cast<char>(depth);
  return depth < 0 ? 0 : dig(depth + 1) + much[0];
}

TEST_F(Page, IsWrittenByWhateverEndsTheProcess) {
  const ImageSlot a = add_image("com.example.a", "1.0", "aa", false);
  struct Row {
    const char* name;
    std::function<void()> end;
    const char* reason;
    bool blamed;
  };
  const auto visit = [&](Hook hook, const std::function<void()>& end) {
    return [=] {
      std::thread([&] {
        const CrumbScope scope(a, hook);
        end();
      }).join();
    };
  };
  const Row rows[] = {
      {"a null pointer", visit(Hook::on_request, [] { *static_cast<volatile int*>(nullptr) = 1; }),
       "SIGSEGV in on_request", true},
      {"abort", visit(Hook::on_end, [] { std::abort(); }), "SIGABRT in on_end", true},
      {"a stack that overflows", visit(Hook::bind, [] { dig(0); }), "SIGSEGV in bind", true},
      {"a trap", visit(Hook::admin, [] { __builtin_trap(); }), "SIGILL in an admin route", true},
      {"exit", visit(Hook::timer, [] { std::exit(4); }), "exit 4 in a timer", true},
      {"a hang", [&] { end_by_hang(Crumb::pack(a, Hook::enrich)); }, "hang in enrich", true},
      {"the host's own null pointer", [] { *static_cast<volatile int*>(nullptr) = 1; }, "SIGSEGV in the host",
       false},
  };
  for (const Row& row : rows) {
    page->fatal.ending = Ending::unsaid;
    const int status = end_of(row.end);
    EXPECT_NE(status, 0) << row.name;
    const Blame blame = blame_for(*page, status);
    EXPECT_EQ(blame.reason, row.reason) << row.name;
    EXPECT_EQ(blame.image, row.blamed ? a : no_image) << row.name;
    EXPECT_EQ(blame.certain, row.blamed) << row.name;
  }
}

TEST_F(Page, NamesTheProcessThatSentTheSignal) {
  const ImageSlot a = add_image("com.example.a", "1.0", "aa", false);
  const int status = end_of([&] {
    const CrumbScope scope(a, Hook::on_request);
    const pid_t self = ::getpid();
    const pid_t sender = ::fork();
    if (sender == 0) {
      ::kill(self, SIGSEGV);
      ::_exit(0);
    }
    for (;;) ::pause();
  });
  EXPECT_EQ(WTERMSIG(status), SIGSEGV);
  const Blame blame = blame_for(*page, status);
  EXPECT_EQ(blame.image, no_image) << blame.reason;
  EXPECT_EQ(blame.reason.substr(0, 21), "SIGSEGV from process ") << blame.reason;
}

#endif

TEST_F(Page, KnowsWhereASharedObjectLies) {
  const ImageSlot slot = add_image("sample", "1", "h", false);
  void* const library = ::dlopen(SAMPLE_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << ::dlerror();
  void* const entry = ::dlsym(library, MIMUS_ENTRY_SYMBOL);
  ASSERT_NE(entry, nullptr);
  locate_image(slot, entry);
  const PageImage& image = page->images[slot - 1u];
  const auto address = reinterpret_cast<std::uintptr_t>(entry);
  EXPECT_LE(image.begin, address);
  EXPECT_LT(address, image.end);
  static const int here = 0;
  locate_image(slot, &here);
  EXPECT_EQ(image.end, 0u) << "the program's own code is no image's";
  ::dlclose(library);
}

}  // namespace
}  // namespace mimus
