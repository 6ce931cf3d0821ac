#include "host/kit/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

#include "host/kit/report.h"

extern "C" {  // glibc 2.36 forgets to say so
#include <sys/pidfd.h>
}

namespace mimus::kit {
namespace {

using std::chrono::milliseconds, std::chrono::nanoseconds;

constexpr std::size_t most_said = 2048;
constexpr int most_timeouts = 12;  // of a child that others keep from running

/// A descriptor of ours, above those that the child is given by number.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {
    if (fd < 0 || fd > lent_fd) return;
    fd_ = ::fcntl(fd, F_DUPFD_CLOEXEC, lent_fd + 1);
    ::close(fd);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { close(); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

Error cannot(const char* what) {
  return {Code::unavailable,
          std::string("a child process cannot be started: ") + what + ": " + std::strerror(errno)};
}

/// Memory with this content, readable from its start.
Descriptor memory_with(std::string_view text, std::size_t size) {
  Descriptor fd(::memfd_create("mimus", MFD_CLOEXEC));
  if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return {};
  if (::pwrite(fd.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) return {};
  return fd;
}

bool set_timer(int fd, nanoseconds after) {
  itimerspec when{};
  when.it_value.tv_sec = after.count() / 1'000'000'000;
  when.it_value.tv_nsec = static_cast<long>(after.count() % 1'000'000'000 + 1);
  return ::timerfd_settime(fd, 0, &when, nullptr) == 0;
}

/// For how long a task of /proc could have run and had no CPU; 0 where the kernel does not say.
nanoseconds starved(const std::string& task) {
  std::ifstream file("/proc/" + task + "/schedstat");
  std::int64_t ran = 0, waited = 0;
  return file >> ran >> waited ? nanoseconds(waited) : nanoseconds(0);
}

/// When a child has had its time, at the latest after `most_timeouts`.
class Deadline {
 public:
  explicit Deadline(nanoseconds timeout)
      : timeout_(timeout), timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
    if (timer_ && !set_timer(timer_.get(), timeout)) timer_.close();
  }
  int fd() const { return timer_.get(); }
  explicit operator bool() const { return static_cast<bool>(timer_); }
  /// Whether it is over: not while time is left that others had of it.
  bool is_over(pid_t child) {
    const nanoseconds starved_now = std::min(starved(std::to_string(child)), (most_timeouts - 1) * timeout_);
    const nanoseconds more = starved_now - std::exchange(given_, starved_now);
    return more < milliseconds(1) || !set_timer(timer_.get(), more);
  }

 private:
  const nanoseconds timeout_;
  nanoseconds given_{0};
  Descriptor timer_;
};

/// posix_spawn with nothing inherited but what is named here; its error number.
int spawn(const ChildTask& task, int in, int out, int page, int lent, pid_t& pid) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&files, in, 0);
  ::posix_spawn_file_actions_adddup2(&files, out, 1);
  ::posix_spawn_file_actions_adddup2(&files, out, 2);
  ::posix_spawn_file_actions_adddup2(&files, page, report_fd);
  if (lent >= 0) ::posix_spawn_file_actions_adddup2(&files, lent, lent_fd);
  ::posix_spawn_file_actions_addclosefrom_np(&files, lent >= 0 ? lent_fd + 1 : lent_fd);
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  std::vector<std::string> words{"mimus"};
  words.insert(words.end(), task.arguments.begin(), task.arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const int failed = ::posix_spawn(&pid, task.program.c_str(), &files, &attributes, pointers.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&files);
  return failed;
}

/// Takes what the child has written so far; keeps its end. False once there will be no more.
bool drain(int fd, std::string& said) {
  char buffer[4096];
  for (;;) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN;
    if (n == 0) return false;
    said.append(buffer, static_cast<std::size_t>(n));
    if (said.size() > most_said) said.erase(0, said.size() - most_said);
  }
}

/// Until the child has ended or the deadline; true for the deadline. A grandchild that holds the
/// pipe open keeps nobody waiting.
bool wait_for(pid_t pid, int child, int out, Deadline& deadline, std::string& said) {
  pollfd watched[] = {{child, POLLIN, 0}, {deadline.fd(), POLLIN, 0}, {out, POLLIN, 0}};
  for (;;) {
    if (::poll(watched, 3, -1) < 0 && errno != EINTR) return true;
    if (watched[2].revents != 0 && !drain(out, said)) watched[2].fd = -1;
    if (watched[0].revents != 0) return false;
    if (watched[1].revents != 0 && deadline.is_over(pid)) return true;
  }
}

void read_page(int fd, ChildEnd& end, bool& done, bool& threw) {
  const auto page = std::make_unique<ReportPage>();
  if (::pread(fd, page.get(), sizeof *page, 0) != static_cast<ssize_t>(sizeof *page)) return;
  done = page->done == 1;
  threw = page->threw == 1;
  end.step.assign(page->step, ::strnlen(page->step, sizeof page->step));
  end.about.assign(page->about, ::strnlen(page->about, sizeof page->about));
  end.text.assign(page->text, std::min<std::size_t>(page->text_length, sizeof page->text));
}

}  // namespace

std::string own_program() {
  constexpr const char* link = "/proc/self/exe";
  if (::access(link, X_OK) == 0) return link;
  std::error_code failed;
  const std::string executed_as = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
  return std::filesystem::absolute(executed_as, failed).string();
}

std::chrono::microseconds starved() {
  return std::chrono::duration_cast<std::chrono::microseconds>(starved("thread-self"));
}

Result<ChildEnd> run_child(const ChildTask& task) {
  const Descriptor input = memory_with(task.input, task.input.size());
  const Descriptor page = memory_with({}, sizeof(ReportPage));
  // Above the numbers that the child is given.
  const Descriptor lent(task.lent < 0 ? -1 : ::fcntl(task.lent, F_DUPFD_CLOEXEC, lent_fd + 1));
  Deadline deadline(task.timeout);
  int ends[2] = {-1, -1};
  if (!input || !page || !deadline || ::pipe2(ends, O_CLOEXEC) != 0) return cannot("its descriptors");
  const Descriptor out(ends[0]);
  Descriptor out_of_child(ends[1]);
  ::fcntl(out.get(), F_SETFL, O_NONBLOCK);
  pid_t pid = -1;
  if (const int failed = spawn(task, input.get(), out_of_child.get(), page.get(), lent.get(), pid);
      failed != 0) {
    errno = failed;
    return cannot(task.program.c_str());
  }
  out_of_child.close();
  // Nobody else reaps it, so that its number is its own until waitid below.
  const Descriptor child(::pidfd_open(pid, 0));
  ChildEnd end;
  bool hung = false;
  if (child) {
    hung = wait_for(pid, child.get(), out.get(), deadline, end.said);
    if (hung) ::pidfd_send_signal(child.get(), SIGKILL, nullptr, 0);
  } else {
    ::kill(pid, SIGKILL);
  }
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0 && errno == EINTR) {
  }
  if (!child) return cannot("pidfd_open");
  drain(out.get(), end.said);
  bool done = false, threw = false;
  read_page(page.get(), end, done, threw);
  end.number = info.si_status;
  end.how = done                         ? ChildEnd::How::done
            : hung                       ? ChildEnd::How::hung
            : threw                      ? ChildEnd::How::threw
            : info.si_code == CLD_EXITED ? ChildEnd::How::left
                                         : ChildEnd::How::crashed;
  return end;
}

std::string one_line(std::string_view text, std::size_t limit) {
  std::string out;
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (control && (out.empty() || out.back() == ' ')) continue;
    out += control ? ' ' : c;
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  if (out.size() > limit) out = "…" + out.substr(out.size() - limit);
  return out;
}

std::string told(const ChildEnd& end, std::chrono::milliseconds timeout) {
  const std::string step = end.step.empty() ? "the start of the child process" : one_line(end.step);
  std::string out;
  switch (end.how) {
    case ChildEnd::How::hung: {
      const auto seconds = timeout.count() % 1000 == 0 ? std::to_string(timeout.count() / 1000) + " s"
                                                       : std::to_string(timeout.count()) + " ms";
      out = "did not return from " + step + " within " + seconds +
            ": nothing that the host calls may wait for something or loop without end";
      break;
    }
    case ChildEnd::How::threw:
      out = "let an exception out of " + step +
            ": catch it there, or write the plugin with mimus/plugin.hpp, whose wall does";
      break;
    case ChildEnd::How::crashed: {
      const char* const name = ::sigabbrev_np(end.number);
      out = "crashed with " +
            (name == nullptr ? "signal " + std::to_string(end.number) : "SIG" + std::string(name)) + " in " +
            step;
      if (end.number == SIGXCPU) out += ": it used up its seconds of CPU";
      break;
    }
    case ChildEnd::How::left:
      out = "ended the process (exit code " + std::to_string(end.number) + ") in " + step +
            ": a plugin must never call exit";
      break;
    case ChildEnd::How::done:
      break;
  }
  if (!end.about.empty()) out += " (" + one_line(end.about) + ")";
  if (const std::string said = one_line(end.said); !said.empty()) out += "; it wrote: " + said;
  return out;
}

}  // namespace mimus::kit
