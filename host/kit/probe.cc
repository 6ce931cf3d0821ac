#include "host/kit/probe.h"

#include "host/kit/child.h"

namespace mimus::kit {

Status probe_image(const ProbeRequest& request) {
  const auto end = run_child({.program = request.program,
                              .arguments = {"plugin", "probe", request.file},
                              .input = request.options_json,
                              .timeout = request.timeout});
  if (!end) return end.error();
  if (end->how != ChildEnd::How::done) return invalid(told(*end, request.timeout));
  if (!end->text.empty()) return invalid(one_line(end->text));
  return Done{};
}

}  // namespace mimus::kit
