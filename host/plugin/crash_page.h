// What outlives a crash: which plugin's hook each thread was in, where each image lay, what
// the fatal signal said. Shared memory that the supervisor makes before it forks the server.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mimus {

/// Where in a plugin a thread is. The names are those of mimus/plugin.h.
enum class Hook : std::uint16_t {
  none,
  load,  ///< dlopen and the entry function.
  create,
  configure,
  activate,
  quiesce,
  destroy,
  check,
  bind,
  unbind,
  on_request,
  on_request_body,
  on_resume,
  on_response,
  on_response_body,
  on_end,
  on_open,
  on_timer,
  on_message,
  on_close,
  timer,       ///< A callback of mimus.timer/1.
  fetch_done,  ///< A callback of a fetch.
  task,        ///< Work that a plugin handed to another thread, or to a worker.
  callback,    ///< What a plugin lent to one call of the host.
  admin,
  reset,
  enrich,
  unload,  ///< dlclose, and the destructors that it runs.
  count
};
std::string_view hook_name(Hook hook);

/// Names an image in the page. 0: none, the host itself.
using ImageSlot = std::uint16_t;
inline constexpr ImageSlot no_image = 0;

/// One thread's place, written by that thread alone and read by the watchdog and, after
/// the end of the server, by the supervisor.
struct alignas(64) Crumb {
  std::atomic<std::uint32_t> where{0};   ///< slot << 16 | hook; 0: in no plugin.
  std::atomic<std::uint32_t> visits{0};  ///< Hooks entered so far: tells one visit from the next.
  std::atomic<std::uint32_t> thread{0};  ///< The thread's id; 0: the crumb is free.
  std::atomic<bool> worker{false};       ///< The thread runs a loop.

  static constexpr std::uint32_t pack(ImageSlot image, Hook hook) {
    return static_cast<std::uint32_t>(image) << 16 | static_cast<std::uint32_t>(hook);
  }
  static constexpr ImageSlot image_of(std::uint32_t where) { return static_cast<ImageSlot>(where >> 16); }
  static constexpr Hook hook_of(std::uint32_t where) { return static_cast<Hook>(where & 0xffff); }
};

/// What is known of one loaded image. Texts are cut to fit and end with NUL.
struct PageImage {
  std::atomic<std::uint32_t> generation{0};  ///< Counts the images that had this slot; odd: in use.
  std::atomic<bool> on_probation{false};
  bool builtin = false;
  std::array<char, 128> id{};
  std::array<char, 48> version{};
  std::array<char, 192> hash{};                  ///< 64 hexadecimal digits, or "built-in:ID:VERSION".
  std::atomic<std::uintptr_t> begin{0}, end{0};  ///< Its mapping; 0, 0: it has none of its own.
};

/// How the server ended, if it could still say so.
enum class Ending : std::uint32_t { unsaid, writing, signal, hang, exit, sanitizer };

struct Fatal {
  std::atomic<Ending> ending{Ending::unsaid};
  std::int32_t signal = 0, code = 0;  ///< si_code.
  std::uint32_t sender = 0;           ///< Of a signal that a process sent; else 0.
  std::uint32_t where = 0;            ///< The thread's crumb, as Crumb::where.
  std::uintptr_t address = 0, pc = 0;
};

/// The page. Standard layout, without pointers: two processes read it.
struct CrashPage {
  static constexpr std::size_t max_threads = 320, max_images = 256;
  std::array<Crumb, max_threads> crumbs;
  std::array<PageImage, max_images> images;  ///< [slot - 1]
  Fatal fatal;
  std::atomic<bool> ready{false};      ///< The server said that it serves.
  std::atomic<bool> orderly{false};    ///< It ends because it decided to: no restart.
  std::atomic<bool> safe_mode{false};  ///< Only built-in plugins at the next start, too.
};

/// Maps a new page, which children inherit. nullptr: the system has no memory. It is never
/// unmapped: threads may hold their crumbs until the very end.
CrashPage* make_crash_page();

/// Makes it as if the next server's: only safe_mode stays. REQUIRES: no server runs.
void renew(CrashPage& page);

/// The page of this process, in which add_image and the crumbs write. Before any thread of
/// the server starts; without it (tools, tests) both do nothing.
void use_crash_page(CrashPage* page);
CrashPage* crash_page();  ///< nullptr: none.

/// Catches SEGV, BUS, ILL, FPE and ABRT, and calls of exit: writes what is known into the
/// page, and lets the process end as it would. A sanitizer's own handlers are left alone,
/// and only the crumb of the thread that dies is noted. After use_crash_page, before any
/// thread starts.
void catch_fatal_signals();

/// Writes that the thread of this crumb hangs, and ends the process by SIGABRT.
[[noreturn]] void end_by_hang(std::uint32_t where);

/// A slot for an image that is about to be loaded; it has no addresses yet. `hash` is the
/// SHA-256 in hexadecimal, or built_in_hash. no_image: there is no page, or it is full (the
/// image is then blamed for nothing). Thread-safe.
ImageSlot add_image(std::string_view id, std::string_view version, std::string_view hash, bool builtin);
/// The addresses of the object that `inside` (its table, its entry) lies in. For code that
/// is linked into the program it has no effect: crumbs alone tell. Thread-safe.
void locate_image(ImageSlot slot, const void* inside);
void set_probation(ImageSlot slot, bool on);
void remove_image(ImageSlot slot);  ///< It is unmapped, or will never run again.

/// The hashes of the images that have a slot now.
std::vector<std::string> loaded_images(const CrashPage& page);
/// Of those that were on probation, or a canary.
std::vector<std::string> unproven_images(const CrashPage& page);

std::string built_in_hash(std::string_view id, std::string_view version);

namespace crumbs {
/// This thread's crumb. nullptr: it has none yet, or there is no page.
extern constinit thread_local Crumb* own __attribute__((tls_model("initial-exec")));
/// Gives this thread a crumb and a stack for signals; both go back when it ends. nullptr:
/// there is no page, or no crumb is left.
Crumb* adopt();
}  // namespace crumbs

/// While it lives this thread is in a hook of an image: two relaxed stores, then one. They
/// nest; the innermost is blamed. An image of the slot no_image leaves no crumb.
class CrumbScope {
 public:
  CrumbScope(ImageSlot image, Hook hook) : crumb_(crumbs::own) {
    if (crumb_ == nullptr && (crumb_ = crumbs::adopt()) == nullptr) return;
    before_ = crumb_->where.load(std::memory_order_relaxed);
    crumb_->visits.store(crumb_->visits.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    crumb_->where.store(image == no_image ? 0 : Crumb::pack(image, hook), std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  ~CrumbScope() {
    if (crumb_ == nullptr) return;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    crumb_->where.store(before_, std::memory_order_relaxed);
  }
  CrumbScope(const CrumbScope&) = delete;
  CrumbScope& operator=(const CrumbScope&) = delete;

 private:
  Crumb* crumb_;
  std::uint32_t before_ = 0;
};

/// Who ended the server, read from the page.
struct Blame {
  ImageSlot image = no_image;  ///< no_image: the host, or a signal from outside.
  bool certain = false;        ///< By address, or by the crumb of the thread that died.
  std::string id, version, hash;
  bool builtin = false, on_probation = false;
  std::string reason;  ///< "SIGSEGV in on_request", "hang in bind", "SIGKILL", "exit 3".
};
/// `status` is what waitpid said. Address first, then the crumb of the thread that died;
/// where neither is known, the image that all crumbs agree on, which is a doubt.
Blame blame_for(const CrashPage& page, int status);

}  // namespace mimus
