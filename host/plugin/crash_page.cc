// The page's memory, its images and its crumbs.
#include "host/plugin/crash_page.h"

#include <link.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <mutex>
#include <new>
#include <utility>

#include "host/net/loop.h"

namespace mimus {

namespace crumbs {
constinit thread_local Crumb* own = nullptr;
}  // namespace crumbs

namespace {

constexpr std::string_view hook_names[] = {
    "nothing",          "load",        "create",
    "configure",        "activate",    "quiesce",
    "destroy",          "check",       "bind",
    "unbind",           "on_request",  "on_request_body",
    "on_resume",        "on_response", "on_response_body",
    "on_end",           "on_open",     "on_timer",
    "on_message",       "on_close",    "a timer",
    "a fetch callback", "a task",      "a callback",
    "an admin route",   "reset",       "enrich",
    "unload",
};
static_assert(std::size(hook_names) == static_cast<std::size_t>(Hook::count));

CrashPage* the_page = nullptr;
std::mutex& images_mutex() {
  static std::mutex* const mutex = new std::mutex;  // threads may still use it while the process ends
  return *mutex;
}

template <std::size_t n>
void put(std::array<char, n>& to, std::string_view text) {
  to.fill('\0');
  std::copy_n(text.data(), std::min(text.size(), n - 1), to.data());
}

PageImage* image_of(ImageSlot slot) {
  return the_page == nullptr || slot == no_image ? nullptr : &the_page->images[slot - 1u];
}

/// A stack on which the handler runs when the thread's own has overflowed.
class SignalStack {
 public:
  static constexpr std::size_t size = 32 << 10;
  SignalStack() {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    void* const made =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (made == MAP_FAILED) return;
    memory_ = made;
    stack_t stack{};
    stack.ss_sp = memory_;
    stack.ss_size = size;
    ::sigaltstack(&stack, nullptr);
#endif
  }
  ~SignalStack() {
    if (memory_ == nullptr) return;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    ::sigaltstack(&none, nullptr);
    ::munmap(memory_, size);
  }
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

 private:
  void* memory_ = nullptr;
};

/// Gives the thread's crumb back when it ends.
struct Adopted {
  SignalStack stack;
  Adopted() = default;
  Adopted(const Adopted&) = delete;
  Adopted& operator=(const Adopted&) = delete;
  ~Adopted() {
    // In a hook still: a plugin calls exit, and is not let off.
    if (crumbs::own == nullptr || crumbs::own->where.load(std::memory_order_relaxed) != 0) return;
    crumbs::own->thread.store(0, std::memory_order_release);
    crumbs::own = nullptr;
  }
};

}  // namespace

std::string_view hook_name(Hook hook) {
  const auto at = static_cast<std::size_t>(hook);
  return at < std::size(hook_names) ? hook_names[at] : "an unknown hook";
}

Crumb* crumbs::adopt() {
  if (the_page == nullptr) return nullptr;
  thread_local const Adopted adopted;
  const auto thread = static_cast<std::uint32_t>(::gettid());
  for (Crumb& crumb : the_page->crumbs) {
    std::uint32_t free = 0;
    if (!crumb.thread.compare_exchange_strong(free, thread, std::memory_order_acq_rel)) continue;
    crumb.worker.store(Loop::current() != nullptr, std::memory_order_relaxed);
    return own = &crumb;
  }
  return nullptr;
}

CrashPage* make_crash_page() {
  void* const memory =
      ::mmap(nullptr, sizeof(CrashPage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : new (memory) CrashPage;
}

void renew(CrashPage& page) {
  const bool safe_mode = page.safe_mode;
  new (&page) CrashPage;
  page.safe_mode = safe_mode;
}

void use_crash_page(CrashPage* page) {
  the_page = page;
  crumbs::own = nullptr;
}
CrashPage* crash_page() { return the_page; }

ImageSlot add_image(std::string_view id, std::string_view version, std::string_view hash, bool builtin) {
  if (the_page == nullptr) return no_image;
  const std::lock_guard lock(images_mutex());
  for (std::size_t i = 0; i < the_page->images.size(); ++i) {
    PageImage& image = the_page->images[i];
    if (image.generation.load(std::memory_order_relaxed) % 2 != 0) continue;
    put(image.id, id);
    put(image.version, version);
    put(image.hash, hash);
    image.builtin = builtin;
    image.on_probation = false;
    image.begin = image.end = 0;
    image.generation.fetch_add(1, std::memory_order_release);
    return static_cast<ImageSlot>(i + 1);
  }
  return no_image;
}

void locate_image(ImageSlot slot, const void* inside) {
  PageImage* const image = image_of(slot);
  if (image == nullptr) return;
  struct Search {
    std::uintptr_t inside, begin = 0, end = 0;
    bool first = true;  // the program itself comes first
  } search{reinterpret_cast<std::uintptr_t>(inside)};
  ::dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void* data) {
        auto& seek = *static_cast<Search*>(data);
        if (std::exchange(seek.first, false)) return 0;
        std::uintptr_t begin = UINTPTR_MAX;
        std::uintptr_t end = 0;
        for (int i = 0; i < object->dlpi_phnum; ++i) {
          const auto& segment = object->dlpi_phdr[i];
          if (segment.p_type != PT_LOAD) continue;
          begin = std::min<std::uintptr_t>(begin, object->dlpi_addr + segment.p_vaddr);
          end = std::max<std::uintptr_t>(end, object->dlpi_addr + segment.p_vaddr + segment.p_memsz);
        }
        if (seek.inside < begin || seek.inside >= end) return 0;
        seek.begin = begin;
        seek.end = end;
        return 1;
      },
      &search);
  image->begin = search.begin;
  image->end = search.end;
}

void set_probation(ImageSlot slot, bool on) {
  if (PageImage* const image = image_of(slot)) image->on_probation = on;
}

void remove_image(ImageSlot slot) {
  PageImage* const image = image_of(slot);
  if (image == nullptr) return;
  const std::lock_guard lock(images_mutex());
  image->begin = image->end = 0;
  image->generation.fetch_add(1, std::memory_order_release);
}

std::string built_in_hash(std::string_view id, std::string_view version) {
  return std::string("built-in:").append(id).append(":").append(version);
}

}  // namespace mimus
