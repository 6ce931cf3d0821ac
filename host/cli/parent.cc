#include "host/cli/parent.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "host/cli/system_clock.h"
#include "store/data_directory.h"

namespace mimus {
namespace {

constexpr int control_tries = 100;
constexpr int control_pause_ms = 20;

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

Result<Listener> bind_public(const ServeConfig& config, const std::string& address, const char* flag) {
  auto listener = listen_on(address, config.workers);
  if (listener) {
    constexpr std::string_view plain = "http:";
    if (!config.tls.pairs.empty() && listener->url.starts_with(plain))
      listener->url.replace(0, plain.size(), "https:");
    return listener;
  }
  return Error{listener.error().code, std::string(flag) + ": " + listener.error().message};
}

Result<Listener> bind_control(const std::string& data) {
  if (Status made = make_directory(data); !made) return std::move(made).error();
  auto listener = listen_on(control_address(data), 1);
  // The server of a parent that was killed holds it until the kernel has buried it.
  for (int left = control_tries; !listener && listener.error().code == Code::conflict && --left > 0;) {
    ::poll(nullptr, 0, control_pause_ms);
    listener = listen_on(control_address(data), 1);
  }
  if (!listener && listener.error().code == Code::conflict) {
    return Error{Code::conflict, "data directory " + data +
                                     " is in use by another Mimus; stop it, or choose another with --data"};
  }
  if (!listener) return Error{listener.error().code, "--data: " + listener.error().message};
  listener->serves_public = false;
  return listener;
}

Result<std::vector<Listener>> bind_all(const ServeConfig& config) {
  std::vector<Listener> out;
  for (const std::string& address : config.listen) {
    auto listener = bind_public(config, address, "--listen");
    if (!listener) return std::move(listener).error();
    listener->serves_admin = config.admin_listen.empty();
    out.push_back(*std::move(listener));
  }
  if (!config.admin_listen.empty()) {
    auto listener = bind_public(config, config.admin_listen, "--admin-listen");
    if (!listener) return std::move(listener).error();
    listener->serves_public = false;
    out.push_back(*std::move(listener));
  }
  auto control = bind_control(config.data);
  if (!control) return std::move(control).error();
  out.push_back(*std::move(control));
  return out;
}

/// Whether the server will be able to use them: nothing listens if not.
Status check_tls(const TlsFiles& files) {
  if (files.pairs.empty()) return Done{};
  const SystemClock clock;
  const auto tls = TlsServer::open(files, clock);
  if (!tls) return tls.error();
  return Done{};
}

/// Makes this process the server of its parent: it dies with it, blocks the signals that
/// the server waits for, and dumps no core (RocksDB's lock would be held meanwhile). In its
/// own process group, so that a terminal's Ctrl-C reaches it once: through the parent.
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

/// Waits for the server's end, passing signals on. Returns what waitpid said.
int wait_for(pid_t server) {
  sigset_t set = passed_signals();
  sigaddset(&set, SIGCHLD);
  for (;;) {
    const int signal = sigwaitinfo(&set, nullptr);
    if (signal > 0 && signal != SIGCHLD) ::kill(server, signal);
    int status = 0;
    if (signal == SIGCHLD && ::waitpid(server, &status, WNOHANG) == server && !WIFSTOPPED(status))
      return status;
  }
}

void raise_file_limit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace

std::string control_address(const std::string& data) { return "unix:" + data + "/control.sock"; }

int run_parent(const ServeConfig& config, const std::function<int(std::vector<Listener>)>& serve) {
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
  const pid_t parent = ::getpid();
  const pid_t server = ::fork();  // nothing is buffered, locked or running: there is one thread
  if (server < 0) {
    return failed({Code::unavailable, std::string("cannot start the server: ") + std::strerror(errno)});
  }
  if (server == 0) {
    if (const Status became = become_server(parent); !became) return failed(became.error());
    return serve(*std::move(listeners));
  }
  const int status = wait_for(server);
  ::unlink(control_address(config.data).c_str() + std::strlen("unix:"));
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  std::fprintf(stderr, "mimus: server ended by signal %d (%s)\n", WTERMSIG(status),
               ::strsignal(WTERMSIG(status)));
  return 1;
}

}  // namespace mimus
