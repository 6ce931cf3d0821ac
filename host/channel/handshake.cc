#include "host/channel/handshake.h"

#include "host/channel/framing.h"
#include "mimus/header_text.h"

namespace mimus {
namespace {

bool lists(const RequestHead& request, std::string_view name, std::string_view token) {
  for (unsigned nth = 0;; ++nth) {
    const std::string_view* const value = request.find(name, nth);
    if (value == nullptr) return false;
    if (header::lists(*value, token)) return true;
  }
}

}  // namespace

bool asks_for_websocket(const RequestHead& request) {
  return lists(request, "upgrade", "websocket") && lists(request, "connection", "upgrade");
}

std::string handshake_accept(const RequestHead& request) {
  const std::string_view* const version = request.find("sec-websocket-version");
  const std::string_view* const key = request.find("sec-websocket-key");
  if (request.method != "GET" || request.minor_version == 0 || version == nullptr || *version != "13" ||
      key == nullptr) {
    return {};
  }
  const bool repeated = request.find("sec-websocket-version", 1) != nullptr ||
                        request.find("sec-websocket-key", 1) != nullptr;  // RFC 6455, 11.3.1 and 11.3.5
  return repeated ? std::string() : websocket_accept(*key);
}

}  // namespace mimus
