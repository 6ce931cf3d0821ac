#include "host/kit/report.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <exception>

namespace mimus::kit {
namespace {

constexpr rlim_t most_memory = rlim_t{4} << 30;

std::terminate_handler told_before = nullptr;

void limit(int what, rlim_t most) {
  const rlimit bound{most, most};
  ::setrlimit(static_cast<__rlimit_resource>(what), &bound);
}

}  // namespace

bool Report::open() {
  struct stat info {};
  if (::fstat(report_fd, &info) != 0 || info.st_size != static_cast<off_t>(sizeof(ReportPage))) return false;
  void* const at = ::mmap(nullptr, sizeof(ReportPage), PROT_READ | PROT_WRITE, MAP_SHARED, report_fd, 0);
  if (at == MAP_FAILED) return false;
  page_ = static_cast<ReportPage*>(at);
  return true;
}

const char* Report::step(const char* what) noexcept {
  if (page_ != nullptr) {
    // Cut off, if need be, and always ended: the last byte is never written.
    std::strncpy(page_->step, what, sizeof page_->step - 1);
  }
  const char* const before = step_;
  step_ = what;
  return before;
}

void Report::about(std::string_view text) noexcept {
  const std::size_t n = std::min(text.size(), sizeof page_->about - 1);
  if (n != 0) std::memcpy(page_->about, text.data(), n);
  page_->about[n] = '\0';
}

void Report::add(std::string_view text) noexcept {
  const std::size_t room = sizeof page_->text - page_->text_length;
  if (text.empty() || text.size() > room) return;
  std::memcpy(page_->text + page_->text_length, text.data(), text.size());
  page_->text_length += static_cast<std::uint32_t>(text.size());
}

void Report::end() noexcept {
  page_->done = 1;
  ::_exit(0);
}

Report& report() {
  static Report one;
  return one;
}

bool begin_child(unsigned cpu_seconds) {
  if (!report().open()) return false;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // A sanitizer's handlers would make an exit of a crash.
  for (const int crash : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) ::signal(crash, SIG_DFL);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, cpu_seconds);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  limit(RLIMIT_AS, most_memory);
#endif
  told_before = std::set_terminate([] {
    report().threw();
    told_before();
  });
  return true;
}

}  // namespace mimus::kit
