// The page by which a child tells its parent what it is doing and what came of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mimus::kit {

constexpr int report_fd = 3;

/// Shared memory, so that a step costs no system call and outlives a crash. The parent reads it once
/// the child has ended, and trusts nothing in it.
struct ReportPage {
  char step[96];              // NUL-terminated
  char about[640];            // NUL-terminated
  std::uint32_t done;         // 1: the child came to its end
  std::uint32_t threw;        // 1: std::terminate was called
  std::uint32_t text_length;  // of `text`, at most its size
  char text[256 * 1024];
};

/// The child's side. One thread writes text; any may set the step.
class Report {
 public:
  /// False: descriptor `report_fd` holds no page, so that no parent reads this.
  bool open();
  /// What runs from now on; returns what ran before, to be set again. A string literal.
  const char* step(const char* what) noexcept;
  /// What the steps from now on are about, in words; "" for nothing worth telling.
  void about(std::string_view text) noexcept;
  /// Appends; what does not fit is left out.
  void add(std::string_view text) noexcept;
  void threw() noexcept { page_->threw = 1; }
  /// Says that all is told and ends the process, without static destructors.
  [[noreturn]] void end() noexcept;

 private:
  ReportPage* page_ = nullptr;
  const char* step_ = "";
};

/// The report of this process.
Report& report();

/// For the first lines of a child: opens the report, asks to die with the parent, bounds core dumps,
/// CPU seconds and memory (the last not under a sanitizer, which maps terabytes), and has
/// std::terminate leave its mark. False as Report::open.
bool begin_child(unsigned cpu_seconds);

}  // namespace mimus::kit
