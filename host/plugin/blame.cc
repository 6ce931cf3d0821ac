// Who ended the server, and what it had loaded: read from the page by the supervisor.
#include <signal.h>
#include <sys/wait.h>

#include <cstring>

#include "host/plugin/crash_page.h"

namespace mimus {
namespace {

/// The server may have scribbled on the page: whatever it says is looked at with doubt.
template <std::size_t n>
std::string text(const std::array<char, n>& from) {
  std::string out(from.data(), ::strnlen(from.data(), n));
  for (char& c : out) {
    if (c < 0x20 || c == 0x7F) c = '?';
  }
  return out;
}

std::string signal_name(int signal) {
  const char* const name = ::sigabbrev_np(signal);
  return name == nullptr ? "signal " + std::to_string(signal) : "SIG" + std::string(name);
}

std::string what_ended(int status) {
  return WIFSIGNALED(status) ? signal_name(WTERMSIG(status)) : "exit " + std::to_string(WEXITSTATUS(status));
}

const PageImage* living(const CrashPage& page, ImageSlot slot) {
  if (slot == no_image || slot > page.images.size()) return nullptr;
  const PageImage& image = page.images[slot - 1u];
  return image.generation.load() % 2 != 0 ? &image : nullptr;
}

ImageSlot image_at(const CrashPage& page, std::uintptr_t address) {
  for (std::size_t i = 0; i < page.images.size(); ++i) {
    const PageImage& image = page.images[i];
    if (image.generation.load() % 2 == 0 || image.begin >= image.end) continue;
    if (address >= image.begin && address < image.end) return static_cast<ImageSlot>(i + 1);
  }
  return no_image;
}

/// The place that all threads that are in a plugin agree on, as to the image; 0: none.
std::uint32_t agreed(const CrashPage& page) {
  std::uint32_t out = 0;
  for (const Crumb& crumb : page.crumbs) {
    const std::uint32_t where = crumb.where.load();
    if (where == 0) continue;
    if (out != 0 && Crumb::image_of(out) != Crumb::image_of(where)) return 0;
    out = where;
  }
  return out;
}

void accuse(Blame& blame, const CrashPage& page, std::uint32_t where, std::string what, bool certain) {
  const ImageSlot slot = Crumb::image_of(where);
  const PageImage* const image = living(page, slot);
  blame.reason = std::move(what);
  if (image == nullptr) {
    blame.reason += " in the host";
    return;
  }
  const Hook hook = Crumb::hook_of(where);
  blame.reason += hook == Hook::none ? " outside its hooks" : " in " + std::string(hook_name(hook));
  blame.image = slot;
  blame.certain = certain;
  blame.id = text(image->id);
  blame.version = text(image->version);
  blame.hash = text(image->hash);
  blame.builtin = image->builtin;
  blame.on_probation = image->on_probation.load();
}

std::vector<std::string> hashes(const CrashPage& page, bool unproven_only) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < page.images.size(); ++i) {
    const PageImage* const image = living(page, static_cast<ImageSlot>(i + 1));
    if (image != nullptr && (!unproven_only || image->on_probation)) out.push_back(text(image->hash));
  }
  return out;
}

}  // namespace

std::vector<std::string> loaded_images(const CrashPage& page) { return hashes(page, false); }

std::vector<std::string> unproven_images(const CrashPage& page) { return hashes(page, true); }

Blame blame_for(const CrashPage& page, int status) {
  Blame blame;
  const Fatal& fatal = page.fatal;
  switch (fatal.ending.load()) {
    case Ending::signal: {
      if (fatal.sender != 0) {
        blame.reason = signal_name(fatal.signal) + " from process " + std::to_string(fatal.sender);
        return blame;
      }
      // The code that faulted, else what the thread was called for: a plugin may hand the
      // host or a library a pointer that is none.
      const ImageSlot at = fatal.code > 0 ? image_at(page, fatal.pc) : no_image;
      const bool elsewhere = at != no_image && at != Crumb::image_of(fatal.where);
      accuse(blame, page, elsewhere ? Crumb::pack(at, Hook::none) : fatal.where, signal_name(fatal.signal),
             true);
      return blame;
    }
    case Ending::hang:
      if (fatal.where == 0) {
        blame.reason = "a worker hangs in the host";
        return blame;
      }
      accuse(blame, page, fatal.where, "hang", true);
      return blame;
    case Ending::exit:
      accuse(blame, page, fatal.where, what_ended(status), true);
      return blame;
    case Ending::sanitizer:
      accuse(blame, page, fatal.where, "sanitizer report", true);
      return blame;
    case Ending::unsaid:
    case Ending::writing:
      break;
  }
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {  // no plugin's fault ends so
    blame.reason = what_ended(status);
    return blame;
  }
  accuse(blame, page, agreed(page), what_ended(status), false);
  return blame;
}

}  // namespace mimus
