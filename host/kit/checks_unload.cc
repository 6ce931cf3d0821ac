// Checks that the code goes when it is told to: unloaded, or swapped under requests.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "host/kit/checks.h"
#include "host/kit/definitions.h"
#include "host/kit/samples.h"

namespace mimus::kit {
namespace {

constexpr int warm_cycles = 20, cycles = 200, least_cycles = 20, swaps = 100;
constexpr std::size_t bytes_per_cycle = 4096;

bool mapped(const std::string& file) {
  void* const still = ::dlopen(file.c_str(), RTLD_NOW | RTLD_NOLOAD);
  if (still != nullptr) ::dlclose(still);
  return still != nullptr;
}

/// Bytes of memory that this process holds; 0 where there is no /proc.
std::size_t resident() {
  std::ifstream in("/proc/self/statm");
  std::size_t total = 0, pages = 0;
  in >> total >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// A copy of a file under a path of its own, for as long as it lives: in memory, or, where there is no
/// /proc to name that by, among the temporary files.
class Copy {
 public:
  explicit Copy(const std::string& bytes) : fd_(::memfd_create("plugin", MFD_CLOEXEC)) {
    path_ = "/proc/self/fd/" + std::to_string(fd_);
    if (::access(path_.c_str(), F_OK) != 0) become_temporary();
    whole_ = ::write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  }
  Copy(Copy&&) = delete;
  ~Copy() {
    if (temporary_) ::unlink(path_.c_str());
    if (fd_ >= 0) ::close(fd_);
  }
  bool whole() const { return whole_; }
  const std::string& path() const { return path_; }

 private:
  void become_temporary() {
    if (fd_ >= 0) ::close(fd_);
    std::error_code failed;
    path_ = std::filesystem::temp_directory_path(failed).string() + "/mimus-check-XXXXXX";
    fd_ = ::mkostemp(path_.data(), O_CLOEXEC);
    temporary_ = fd_ >= 0;
  }

  int fd_;
  std::string path_;
  bool temporary_ = false, whole_ = false;
};

/// One image with a living instance, bound to all that it takes.
struct Version {
  Copy copy;
  std::optional<Opened> plugin;
  std::unique_ptr<testing::FakeHost> host;
  std::vector<testing::Bound*> bounds;
  std::vector<testing::Exchange*> in_flight;

  Version(const std::string& bytes, Case& t) : copy(bytes) {
    if (!copy.whole()) {
      t.error("cannot be copied to " + copy.path() + ": mount /proc, or point TMPDIR at a folder with room");
      return;
    }
    auto opened = Opened::open(copy.path());
    if (!opened) {
      t.error(opened.error().message);
      return;
    }
    plugin.emplace(*std::move(opened));
    report().step("create of the next version");
    host = std::make_unique<testing::FakeHost>(plugin->table(), plugin->manifest().text,
                                               t.setup(plugin->manifest()));
    host->collect_misuse();
    for (const testing::Definition& definition : definitions(plugin->manifest())) {
      testing::Bound& bound = host->bind(definition);
      if (bound.in_pipeline && definition.level != MIMUS_LEVEL_CHANNEL) bounds.push_back(&bound);
    }
  }

  void take(const Sample& sample) {
    for (testing::Bound* const bound : bounds) in_flight.push_back(&host->start(*bound, sample.request));
  }
  /// Requests in flight end, and all of it goes. True: it is mapped no more.
  bool go(const testing::Answer& behind) {
    report().step("quiesce of the last version");
    host->quiesce();
    report().step("the last version's requests in flight");
    for (testing::Exchange* const x : in_flight) settle(*host, *x, behind);
    report().step("destroy of the last version");
    host.reset();
    plugin->close();
    return !mapped(copy.path());
  }
};

/// Tells that the code stayed, or says that it may.
void tell_pinned(Case& t, const Manifest& manifest, const std::string& when) {
  const std::string why = "stays mapped " + when +
                          ": a host that swaps it keeps every version in memory. Look for unique symbols "
                          "(check elf), thread_local "
                          "variables with destructors (check tls), or a library that is linked -z nodelete";
  if (manifest.unload_never) return t.info(why + "; its manifest says so");
  t.error(why + "; if it cannot be helped, say \"unload\": \"never\" in the manifest");
}

}  // namespace

void check_unload(Case& t) {
  StepWatcher steps;
  [[maybe_unused]] std::size_t before = 0;  // of no use where a sanitizer keeps what was freed
  const Sample plain = samples(false).front();
  const Patience patience(t.clock);
  int i = 0;
  for (; i < warm_cycles + cycles && (i < warm_cycles + least_cycles || patience.left()); ++i) {
    if (i == warm_cycles) before = resident();
    auto plugin = t.open();
    if (!plugin) return;
    {
      testing::FakeHost host(*spied(plugin->table(), steps), plugin->manifest().text,
                             t.setup(plugin->manifest()));
      host.collect_misuse();
      if (!t.lives(host, steps)) return;
      for (const testing::Definition& definition : definitions(plugin->manifest())) {
        testing::Bound& bound = host.bind(definition);
        if (bound.in_pipeline && definition.level != MIMUS_LEVEL_CHANNEL) show(host, bound, plain);
      }
    }
    const Manifest manifest = plugin->manifest();
    plugin->close();
    if (mapped(t.file)) return tell_pinned(t, manifest, "after dlclose");
  }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const std::size_t after = resident();
  if (after == 0) return t.info("what remains in memory is not looked at: there is no /proc");
  const std::size_t each = after <= before ? 0 : (after - before) / static_cast<std::size_t>(i - warm_cycles);
  if (each > bytes_per_cycle) {
    t.error(
        "leaves " + std::to_string(each) +
        " bytes behind with each load and unload: free what static constructors and threads allocate; with a "
        "static C++ runtime, link the SDK's target, which frees its emergency pool");
  } else {
    t.info(std::to_string(each) + " bytes remain with each load and unload");
  }
#endif
}

void check_swap(Case& t) {
  std::ifstream in(t.file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const Sample plain = samples(false).front();
  auto now = std::make_unique<Version>(bytes, t);
  if (!now->host) return;
  const Patience patience(t.clock);
  for (int i = 0; i < swaps && (i < 5 || patience.left()); ++i) {
    now->take(plain);
    auto next = std::make_unique<Version>(bytes, t);
    if (!next->host) return;
    report().step("the next version's first requests");
    next->take(plain);
    const Manifest manifest = now->plugin->manifest();
    if (!now->go(plain.behind)) return tell_pinned(t, manifest, "after a swap with requests in flight");
    now = std::move(next);
  }
  now->go(plain.behind);
}

}  // namespace mimus::kit
