#include "host/cli/supervisor.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

#include "host/cli/binding.h"
#include "host/cli/log.h"
#include "host/cli/restart_policy.h"
#include "host/cli/system_clock.h"

namespace mimus {
namespace {

constexpr std::size_t told_crashes = 16;

int failed(const Error& error) {
  std::fprintf(stderr, "mimus: %s\n", error.message.c_str());
  return error.code == Code::invalid ? 2 : 1;
}

sigset_t passed_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

/// Makes this process the server of its parent: it dies with it, blocks the signals that
/// the server waits for, and dumps no core (RocksDB's lock would be held meanwhile). In its
/// own process group, so that a terminal's Ctrl-C reaches it once: through the supervisor.
Status become_server(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) return Error{Code::unavailable, "the parent process is gone"};
  ::setpgid(0, 0);
  const sigset_t blocked = passed_signals();
  ::sigprocmask(SIG_SETMASK, &blocked, nullptr);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  return Done{};
}

/// How a server ended.
struct Ended {
  int status = 0;        ///< As waitpid says it.
  bool stopped = false;  ///< It had been told to.
};

/// Waits for the server's end, passing signals on.
Ended wait_for(pid_t server) {
  sigset_t set = passed_signals();
  sigaddset(&set, SIGCHLD);
  Ended out;
  for (;;) {
    const int signal = sigwaitinfo(&set, nullptr);
    if (signal > 0 && signal != SIGCHLD) {
      ::kill(server, signal);
      out.stopped = out.stopped || signal != SIGHUP;
    }
    if (signal == SIGCHLD && ::waitpid(server, &out.status, WNOHANG) == server && !WIFSTOPPED(out.status))
      return out;
  }
}

/// False: SIGTERM or SIGINT came instead.
bool wait_out(std::chrono::microseconds time, const Clock& clock) {
  const sigset_t set = passed_signals();
  const auto until = clock.now() + time;
  for (;;) {
    const auto left = std::max(until - clock.now(), std::chrono::microseconds(0)).count();
    const timespec pause{left / 1'000'000, left % 1'000'000 * 1000};
    const int signal = sigtimedwait(&set, nullptr, &pause);
    if (signal == SIGTERM || signal == SIGINT) return false;
    if (signal < 0 && errno == EAGAIN) return true;
  }
}

void raise_file_limit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

std::string blamed_text(const Blame& blame) {
  return blame.image == no_image ? blame.reason : blame.reason + " of " + blame.id + " " + blame.version;
}

/// Exit code of a server whose end is the end. Says it where a signal did it.
int final_code(int status, const Blame& blame) {
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  const std::string who = blame.image == no_image ? "" : ": " + blamed_text(blame);
  std::fprintf(stderr, "mimus: server ended by signal %d (%s)%s\n", WTERMSIG(status),
               ::strsignal(WTERMSIG(status)), who.c_str());
  return 1;
}

/// One data directory's supervisor, from its first server to its last.
class Supervisor {
 public:
  using Serve = std::function<int(std::vector<Listener>, const Supervision&)>;
  Supervisor(const ServeConfig& config, std::vector<Listener> listeners, CrashPage& page, const Serve& serve)
      : config_(config), listeners_(std::move(listeners)), page_(page), serve_(serve) {
    told_.on = config.supervise;
  }

  int run() {
    start_log(config_.log_level, config_.json_log);
    for (;;) {
      renew(page_);
      const pid_t self = ::getpid();
      const auto started = clock_.now();
      const pid_t server = ::fork();  // nothing is buffered, locked or running: there is one thread
      if (server < 0) {
        return failed({Code::unavailable, std::string("cannot start the server: ") + std::strerror(errno)});
      }
      if (server == 0) return be_server(self);
      const Ended ended = wait_for(server);
      const Blame blame = blame_for(page_, ended.status);
      if (const auto code = end_of_all(ended, blame)) return *code;
      const bool mended = hold_against(blame);
      const auto next = policy_.after({started, clock_.now(), page_.ready, blame.image != no_image, mended});
      if (next.safe_mode) page_.safe_mode = true;
      tell(blame, mended);
      if (!next.again) {
        std::fprintf(stderr, "mimus: the server cannot start: it ended twice before it was ready\n");
        (void)final_code(ended.status, blame);
        return 1;
      }
      if (!wait_out(next.wait, clock_)) return 0;
    }
  }

 private:
  int be_server(pid_t supervisor) {
    if (const Status became = become_server(supervisor); !became) return failed(became.error());
    use_crash_page(&page_);
    catch_fatal_signals();
    const int code = serve_(std::move(listeners_), told_);
    page_.orderly = true;
    return code;
  }

  /// The exit code, if this end is to be no restart's beginning.
  std::optional<int> end_of_all(const Ended& ended, const Blame& blame) const {
    const bool orderly = page_.orderly && WIFEXITED(ended.status);
    const bool could_not_start_again = orderly && !page_.ready && told_.restarts > 0;
    if (!told_.on || ended.stopped || (orderly && !could_not_start_again))
      return final_code(ended.status, blame);
    return std::nullopt;
  }

  /// True: the image that is to blame is in quarantine for it.
  bool hold_against(const Blame& blame) {
    if (blame.image == no_image) return false;
    auto quarantine = read_quarantine(config_.data);
    if (!quarantine) {
      log_error("quarantine: " + quarantine.error().message);
      quarantine = Quarantine();
    }
    const bool quarantined = quarantine->strike(blame, clock_.wall_us());
    const Status kept = write_quarantine(config_.data, *quarantine);
    if (!kept) log_error("quarantine: " + kept.error().message);
    return quarantined && kept;
  }

  /// The log, and the next server.
  void tell(const Blame& blame, bool quarantined) {
    log_error("the server ended: " + blamed_text(blame) + (quarantined ? ", which is quarantined" : "") +
              (page_.safe_mode ? "; starting in safe mode" : "; starting again"));
    told_.crashes.push_back(
        {clock_.wall_us(), blame.reason, blame.id, blame.version, blame.hash, quarantined});
    if (told_.crashes.size() > told_crashes) told_.crashes.erase(told_.crashes.begin());
    told_.loaded = loaded_images(page_);
    told_.unproven = unproven_images(page_);
    ++told_.restarts;
    told_.announced = told_.announced || page_.ready;
    told_.safe_mode = page_.safe_mode;
    told_.died_us = clock_.now().count();
  }

  const ServeConfig& config_;
  std::vector<Listener> listeners_;
  CrashPage& page_;
  const Serve& serve_;
  SystemClock clock_;
  RestartPolicy policy_;
  Supervision told_;
};

}  // namespace

int run_supervisor(const ServeConfig& config,
                   const std::function<int(std::vector<Listener>, const Supervision&)>& serve) {
  // What a shell left open is closed: the server inherits the sockets and nothing else.
  ::close_range(3, ~0u, 0);
  ::signal(SIGCHLD, SIG_DFL);
  sigset_t blocked = passed_signals();
  sigaddset(&blocked, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
  raise_file_limit();

  if (const Status usable = check_tls(config.tls); !usable) return failed(usable.error());
  auto listeners = bind_all(config);
  if (!listeners) return failed(listeners.error());
  CrashPage* const page = make_crash_page();
  if (page == nullptr) return failed({Code::unavailable, "no memory to supervise the server with"});
  const pid_t self = ::getpid();
  const int code = Supervisor(config, *std::move(listeners), *page, serve).run();
  if (::getpid() == self) ::unlink(control_address(config.data).c_str() + std::strlen("unix:"));
  return code;
}

}  // namespace mimus
