// A child process that runs code which may crash, hang or end the process, and what became of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "mimus/result.h"

namespace mimus::kit {

/// A path of the program that calls: /proc/self/exe, which stays the same program when its file is
/// replaced, or where no /proc is mounted what it was executed as.
std::string own_program();

/// For how long the calling thread could have run and had no CPU; 0 where the kernel does not say.
std::chrono::microseconds starved();

constexpr int lent_fd = 4;

struct ChildTask {
  std::string program;                      ///< Its path; own_program() is this one.
  std::vector<std::string> arguments;       ///< After the program's name.
  std::string input;                        ///< Its standard input.
  std::chrono::milliseconds timeout{5000};  ///< Without the time in which others had the CPUs.
  int lent = -1;                            ///< A descriptor that it is given as lent_fd, or none.
};

struct ChildEnd {
  enum class How : std::uint8_t {
    done,     ///< It came to its end and said so.
    left,     ///< The process ended before: something called exit().
    crashed,  ///< By a signal.
    threw,    ///< std::terminate was called: an exception left a function that lets none out.
    hung      ///< Killed at the deadline.
  };
  How how = How::done;
  int number = 0;     ///< The signal, or the exit code.
  std::string step;   ///< What it was doing, "" if it had not begun.
  std::string about;  ///< With what, in words, or "".
  std::string text;   ///< What it reported.
  std::string said;   ///< The end of what it wrote on stdout and stderr, at most 2 KiB.
};

/// Starts `program` (posix_spawn, no fork: the caller may have threads), waits for its end or the
/// deadline, kills it by its pidfd if need be, and reaps it. Blocks; any thread, several at once.
/// A child that is kept from running on a busy machine is given that time besides: up to twelve
/// times the timeout altogether.
/// The child finds a ReportPage in file descriptor `report_fd` and inherits no others
/// but 0, 1, 2 and the one that it is lent.
/// Errors: unavailable - it cannot be started
Result<ChildEnd> run_child(const ChildTask& task);

/// Why a child that did not come to its end did not, without a subject: "crashed with SIGSEGV in
/// on_request: …"; what it wrote comes last. REQUIRES: end.how is not done.
std::string told(const ChildEnd& end, std::chrono::milliseconds timeout);

/// One line of text that is not trusted: control characters become spaces, at most `limit` bytes.
std::string one_line(std::string_view text, std::size_t limit = 1024);

}  // namespace mimus::kit
