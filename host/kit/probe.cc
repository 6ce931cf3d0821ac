#include "host/kit/probe.h"

#include <charconv>

#include "host/kit/child.h"

namespace mimus::kit {

namespace {

/// N of "/proc/self/fd/N", which means another file in another process; -1 for any other path.
int descriptor_of(std::string_view file) {
  constexpr std::string_view own = "/proc/self/fd/";
  int fd = -1;
  if (file.starts_with(own)) std::from_chars(file.data() + own.size(), file.data() + file.size(), fd);
  return fd;
}

}  // namespace

Status probe_image(const ProbeRequest& request) {
  const int fd = descriptor_of(request.file);
  const std::string file = fd < 0 ? request.file : "/proc/self/fd/" + std::to_string(lent_fd);
  const auto end = run_child({.program = request.program,
                              .arguments = {"plugin", "probe", file},
                              .input = request.options_json,
                              .timeout = request.timeout,
                              .lent = fd});
  if (!end) return end.error();
  if (end->how != ChildEnd::How::done) return invalid(told(*end, request.timeout));
  if (!end->text.empty()) return invalid(one_line(end->text));
  return Done{};
}

}  // namespace mimus::kit
