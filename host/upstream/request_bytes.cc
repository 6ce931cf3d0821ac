// The one place that writes requests: nothing that could split them gets through.
#include "host/upstream/request_bytes.h"

#include <algorithm>

namespace mimus {
namespace {

bool is_token(std::string_view text) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), good);
}

bool splits(std::string_view value) {
  return value.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

bool is_target(std::string_view target) {
  return !target.empty() &&
         std::all_of(target.begin(), target.end(), [](unsigned char c) { return c > ' ' && c != 0x7f; });
}

bool is_ours(std::string_view name) {
  return same_name(name, "host") || same_name(name, "content-length") || same_name(name, "expect");
}

void add_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

bool is_idempotent(std::string_view method) {
  for (const char* const each : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"}) {
    if (method == each) return true;
  }
  return false;
}

bool is_hop_by_hop(std::string_view name) {
  for (const char* const each :
       {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}) {
    if (same_name(name, each)) return true;
  }
  return same_name(name.substr(0, 6), "proxy-");
}

bool list_names(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view item = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
    if (same_name(item, name)) return true;
  }
  return false;
}

Result<std::string> request_bytes(const UpstreamRequest& request) {
  if (!is_token(request.method)) return invalid("the method is not a token");
  if (request.method == "CONNECT") return invalid("CONNECT cannot be sent to an upstream");
  if (!is_target(request.url.path_query))
    return invalid("the target holds white space or a control character");
  std::size_t size = 128 + request.method.size() + request.url.path_query.size() + request.body.size();
  for (const Header& field : request.headers) size += field.name.size() + field.value.size() + 4;
  std::string out;
  out.reserve(size);
  out.append(request.method).append(" ").append(request.url.path_query).append(" HTTP/1.1\r\n");
  add_field(out, "Host", request.url.authority);
  const auto is_named = [&](std::string_view name) {
    return std::any_of(request.headers.begin(), request.headers.end(), [&](const Header& field) {
      return same_name(field.name, "connection") && list_names(field.value, name);
    });
  };
  for (const Header& field : request.headers) {
    if (!is_token(field.name)) return invalid("the name of a field is not a token");
    if (splits(field.value)) return invalid("the field " + std::string(field.name) + " holds CR, LF or NUL");
    if (is_hop_by_hop(field.name) || is_ours(field.name) || is_named(field.name)) continue;
    add_field(out, field.name, field.value);
  }
  if (!request.upgrade.empty()) {
    if (!is_token(request.upgrade)) return invalid("the protocol to switch to is not a token");
    add_field(out, "Connection", "Upgrade");
    add_field(out, "Upgrade", request.upgrade);
  }
  if (request.has_body || !request.body.empty())
    add_field(out, "Content-Length", std::to_string(request.body.size()));
  out.append("\r\n").append(request.body);
  return out;
}

}  // namespace mimus
