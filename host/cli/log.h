// The process log: one line each on stderr, as text or as JSON objects.
#pragma once

#include <string>
#include <string_view>

namespace mimus {

/// What is logged and how, for the whole process. Before any thread logs.
/// `level` is "debug", "info", "warn" or "error"; another one counts as "info".
void start_log(std::string_view level, bool json);

/// One line, whatever bytes `text` holds. [any thread]
void log_debug(std::string_view text);
void log_info(std::string_view text);
void log_warn(std::string_view text);
void log_error(std::string_view text);

/// `text` with control characters as \xNN, so that no client writes lines of ours.
std::string log_line(std::string_view text);

/// `text` as the inside of a JSON string; bytes that are not UTF-8 become U+FFFD.
std::string log_json(std::string_view text);

}  // namespace mimus
