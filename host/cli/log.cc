#include "host/cli/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <memory>

#include "mimus/json_text.h"

namespace mimus {
namespace {

constexpr char hex[] = "0123456789abcdef";

/// The length of the UTF-8 sequence at the start of `text`, 0 if there is none.
std::size_t sequence(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t size = lead < 0x80   ? 1
                           : lead < 0xC2 ? 0
                           : lead < 0xE0 ? 2
                           : lead < 0xF0 ? 3
                           : lead < 0xF5 ? 4
                                         : 0;
  if (size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 0;
  }
  if (size == 3 || size == 4) {  // overlong, a surrogate, or beyond U+10FFFF
    const auto second = static_cast<unsigned char>(text[1]);
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
        (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) {
      return 0;
    }
  }
  return size;
}

struct ProcessLog {
  std::unique_ptr<spdlog::logger> logger;
  bool json = false;

  ProcessLog(std::string_view level, bool as_json) : json(as_json) {
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    const char* const pattern = json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":"%v"})"
                                     : "%Y-%m-%dT%H:%M:%S.%eZ %l %v";
    sink->set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
    logger = std::make_unique<spdlog::logger>("mimus", std::move(sink));
    logger->set_level(level == "debug"   ? spdlog::level::debug
                      : level == "warn"  ? spdlog::level::warn
                      : level == "error" ? spdlog::level::err
                                         : spdlog::level::info);
    logger->flush_on(spdlog::level::debug);
  }

  void write(spdlog::level::level_enum level, std::string_view text) {
    if (!logger->should_log(level)) return;
    const std::string line = json ? log_json(text) : log_line(text);
    logger->log(level, spdlog::string_view_t(line.data(), line.size()));
  }
};

/// Never destroyed: threads may log while the process ends.
ProcessLog*& process_log() {
  static ProcessLog* log = new ProcessLog("info", false);
  return log;
}

}  // namespace

void start_log(std::string_view level, bool json) {
  delete process_log();
  process_log() = new ProcessLog(level, json);
}

void log_debug(std::string_view text) { process_log()->write(spdlog::level::debug, text); }
void log_info(std::string_view text) { process_log()->write(spdlog::level::info, text); }
void log_warn(std::string_view text) { process_log()->write(spdlog::level::warn, text); }
void log_error(std::string_view text) { process_log()->write(spdlog::level::err, text); }

std::string log_line(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (u >= 0x20 && u != 0x7F) {
      out += c;
    } else {
      out += "\\x";
      out += hex[u >> 4];
      out += hex[u & 15];
    }
  }
  return out;
}

std::string log_json(std::string_view text) {
  std::string valid;
  valid.reserve(text.size() + 2);
  while (!text.empty()) {
    const std::size_t size = sequence(text);
    valid += size == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(0, size);
    text.remove_prefix(size == 0 ? 1 : size);
  }
  const std::string quoted = json::quoted(valid);
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace mimus
