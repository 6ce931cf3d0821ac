// What the server's last thread writes into the page: a fatal signal, a call of exit, a hang.
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdlib>

#include "host/plugin/crash_page.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#include <sanitizer/common_interface_defs.h>
#define MIMUS_SANITIZED 1
#endif

namespace mimus {
namespace {

CrashPage* written = nullptr;

/// False: another thread writes already. What a handler may call.
bool claim() {
  Ending expected = Ending::unsaid;
  return written->fatal.ending.compare_exchange_strong(expected, Ending::writing);
}

std::uint32_t own_place() {
  return crumbs::own == nullptr ? 0 : crumbs::own->where.load(std::memory_order_relaxed);
}

std::uintptr_t program_counter(const void* context) {
  const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  return static_cast<std::uintptr_t>(machine.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return machine.pc;
#else
  return 0;
#endif
}

void on_fatal_signal(int signal, siginfo_t* info, void* context) {
  if (!claim()) {
    for (;;) ::pause();  // the thread that writes ends the process
  }
  Fatal& fatal = written->fatal;
  const bool sent = info->si_code <= 0;
  fatal.signal = signal;
  fatal.code = info->si_code;
  fatal.sender = sent && info->si_pid != ::getpid() ? static_cast<std::uint32_t>(info->si_pid) : 0;
  fatal.where = own_place();
  fatal.address = sent ? 0 : reinterpret_cast<std::uintptr_t>(info->si_addr);
  fatal.pc = program_counter(context);
  fatal.ending = Ending::signal;
  ::signal(signal, SIG_DFL);
  if (sent) ::raise(signal);  // comes when this returns; a fault comes by itself, at its place
}

void note(Ending ending) {
  if (!claim()) return;
  written->fatal.where = own_place();
  written->fatal.ending = ending;
}

}  // namespace

void catch_fatal_signals() {
  written = crash_page();
  if (written == nullptr) return;
  struct sigaction action {};
  action.sa_sigaction = on_fatal_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigfillset(&action.sa_mask);
#ifdef MIMUS_SANITIZED
  __sanitizer_set_death_callback([] { note(Ending::sanitizer); });
  for (const int signal : {SIGABRT, SIGILL}) ::sigaction(signal, &action, nullptr);
#else
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) ::sigaction(signal, &action, nullptr);
#endif
  std::atexit([] { note(Ending::exit); });
}

void end_by_hang(std::uint32_t where) {
  written = crash_page();
  if (written != nullptr && claim()) {
    written->fatal.where = where;
    written->fatal.ending = Ending::hang;
  }
  ::signal(SIGABRT, SIG_DFL);
  std::abort();
}

}  // namespace mimus
