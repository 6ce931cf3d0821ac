#include "mimus/testing/swap.h"

#include <link.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

namespace mimus::testing {
namespace {

namespace fs = std::filesystem;

/// Whether the dynamic loader still has an object of that path.
bool is_mapped(const std::string& path) {
  struct Search {
    const std::string& path;
    bool found = false;
  } search{path};
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto& wanted = *static_cast<Search*>(data);
        wanted.found = wanted.found || wanted.path == info->dlpi_name;
        return 0;
      },
      &search);
  return search.found;
}

/// One copy of the plugin, loaded and bound.
struct Copy {
  Copy(const std::string& path, const SwapPlan& plan) : file(path), host(file, plan.setup) {
    if (host.rc() != MIMUS_OK) {
      refusal = host.error();
      return;
    }
    bound = &host.bind(plan.definition);
    refusal = bound->error;
  }
  std::string file;
  FakeHost host;
  Bound* bound = nullptr;
  std::string refusal;  // why it is not fit to serve
};

/// Runs requests through whichever copy is the newest.
class Load {
 public:
  explicit Load(const SwapPlan& plan) : plan_(plan) {}
  ~Load() { end(); }

  /// From now on requests run through `next`; waits until a request has, and none runs
  /// through the one before. Returns that one.
  std::unique_ptr<Copy> hand_over(std::unique_ptr<Copy> next) {
    std::unique_lock lock(mutex_);
    next_ = std::move(next);
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    changed_.wait(lock, [this] { return next_ == nullptr; });
    return std::move(old_);
  }
  void end() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    current_.reset();
  }

  std::uint64_t requests() const { return requests_; }
  std::string wrong() {
    const std::lock_guard lock(mutex_);
    return wrong_;
  }

 private:
  void run() {
    while (!stopping_) {
      {
        std::unique_lock lock(mutex_);
        if (next_ != nullptr) {
          old_ = std::move(current_);
          current_ = std::move(next_);
          lock.unlock();
          ask();
          changed_.notify_all();
          continue;
        }
      }
      ask();
    }
  }
  void ask() {
    const Exchange& x = current_->host.run(*current_->bound, plan_.request, plan_.behind);
    ++requests_;
    std::string found;
    if (plan_.judge) {
      found = plan_.judge(x);
    } else if (x.state != Exchange::State::ended || x.failed) {
      found = "an exchange failed or did not end";
    }
    if (found.empty()) return;
    const std::lock_guard lock(mutex_);
    if (wrong_.empty()) wrong_ = found;
  }

  const SwapPlan& plan_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<Copy> next_;     // guarded by mutex_
  std::unique_ptr<Copy> old_;      // guarded by mutex_
  std::string wrong_;              // guarded by mutex_
  std::unique_ptr<Copy> current_;  // of the thread alone
  std::atomic<std::uint64_t> requests_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

/// A directory that is removed with all in it.
struct Scratch {
  Scratch() {
    std::string name = (fs::temp_directory_path() / "mimus-swap-XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) path = name;
  }
  ~Scratch() {
    std::error_code ignored;
    if (!path.empty()) fs::remove_all(path, ignored);
  }
  fs::path path;
};

}  // namespace

Swaps swap_under_load(const std::string& file, const SwapPlan& plan) {
  Swaps out;
#if defined(MIMUS_KEEP_LIBRARIES)
  out.checked = false;
#endif
  const Scratch scratch;
  Load load(plan);
  for (unsigned i = 0; i <= plan.swaps && out.wrong.empty(); ++i) {
    const fs::path copy = scratch.path / ("copy" + std::to_string(i) + ".so");
    std::error_code failed;
    fs::copy_file(file, copy, failed);
    if (failed) {
      out.wrong = "cannot copy " + file + ": " + failed.message();
      break;
    }
    auto next = std::make_unique<Copy>(copy.string(), plan);
    if (next->bound == nullptr || next->bound->rc != MIMUS_OK) {
      out.wrong = "copy " + std::to_string(i) + " refuses: " + next->refusal;
      break;
    }
    std::unique_ptr<Copy> old = load.hand_over(std::move(next));
    if (old == nullptr) continue;
    const std::string gone = old->file;
    old.reset();
    ++out.swaps;
    if (!is_mapped(gone)) {
      ++out.unmapped;
    } else if (out.checked) {
      out.wrong = "swap " + std::to_string(out.swaps) +
                  ": the old image is still mapped. A thread_local with " +
                  "a destructor, a unique symbol (-fno-gnu-unique), or NODELETE pins it";
    }
    if (out.wrong.empty()) out.wrong = load.wrong();
  }
  load.end();
  out.requests = load.requests();
  if (out.wrong.empty()) out.wrong = load.wrong();
  return out;
}

}  // namespace mimus::testing
