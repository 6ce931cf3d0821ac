// An answer's head, appended to the connection's buffer without a detour.
#include "host/net/response_head.h"

#include <charconv>
#include <cstring>
#include <ctime>

#include "host/net/tokens.h"

namespace mimus {
namespace {

std::string_view reason(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 203:
      return "Non-Authoritative Information";
    case 204:
      return "No Content";
    case 205:
      return "Reset Content";
    case 206:
      return "Partial Content";
    case 207:
      return "Multi-Status";
    case 300:
      return "Multiple Choices";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 418:
      return "I'm a teapot";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 423:
      return "Locked";
    case 424:
      return "Failed Dependency";
    case 425:
      return "Too Early";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 451:
      return "Unavailable For Legal Reasons";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    case 511:
      return "Network Authentication Required";
    default:
      return "";
  }
}

/// Whether the connection writes this field itself. By length first: most end there.
bool is_ours(std::string_view name) {
  switch (name.size()) {
    case 4:
      return same_name(name, "date");
    case 10:
      return same_name(name, "connection") || same_name(name, "keep-alive");
    case 14:
      return same_name(name, "content-length");
    case 17:
      return same_name(name, "transfer-encoding");
    default:
      return false;
  }
}

char* put(char* to, std::string_view text) {
  return to + text.copy(to, text.size());  // unlike memcpy, copy takes a null view
}

/// Everything but `headers` fits in this.
constexpr std::size_t fixed_bytes = 256;

}  // namespace

std::string_view DateLine::at(std::int64_t wall_us) {
  const std::int64_t second = wall_us / 1'000'000;
  if (second != second_) {
    second_ = second;
    const std::time_t time = second;
    std::tm utc{};
    ::gmtime_r(&time, &utc);
    // Not %a and %b, which follow the locale.
    static constexpr char days[] = "SunMonTueWedThuFriSat";
    static constexpr char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char pattern[] = "Date: ddd, %d mmm %Y %H:%M:%S GMT\r\n";
    std::memcpy(pattern + 6, days + utc.tm_wday * 3, 3);
    std::memcpy(pattern + 14, months + utc.tm_mon * 3, 3);
    size_ = std::strftime(text_, sizeof text_, pattern, &utc);
  }
  return {text_, size_};
}

bool append_response_head(Bytes& out, int status, const std::vector<Header>& headers,
                          std::string_view date_line, const Framing& framing) {
  if (status < 100 || status > 999) return false;
  std::size_t bytes = fixed_bytes;
  for (const Header& header : headers) bytes += header.name.size() + header.value.size() + 4;
  char* const begin = out.room(bytes);
  char* to = put(begin, "HTTP/1.1 ");
  *to++ = static_cast<char>('0' + status / 100);
  *to++ = static_cast<char>('0' + status / 10 % 10);
  *to++ = static_cast<char>('0' + status % 10);
  *to++ = ' ';
  to = put(to, reason(status));
  to = put(to, "\r\n");
  to = put(to, date_line);
  switch (framing.body) {
    case Framing::Body::length:
      to = put(to, "Content-Length: ");
      to = std::to_chars(to, to + 20, framing.length).ptr;
      to = put(to, "\r\n");
      break;
    case Framing::Body::chunked:
      to = put(to, "Transfer-Encoding: chunked\r\n");
      break;
    case Framing::Body::none:
    case Framing::Body::until_close:
      break;
  }
  switch (framing.persistence) {
    case Framing::Persistence::close:
      to = put(to, "Connection: close\r\n");
      break;
    case Framing::Persistence::keep_alive:
      to = put(to, "Connection: keep-alive\r\n");
      break;
    case Framing::Persistence::upgrade:
      to = put(to, "Connection: Upgrade\r\n");
      break;
    case Framing::Persistence::implied:
      break;
  }
  for (const Header& header : headers) {
    if (is_ours(header.name)) continue;
    if (!is_token(header.name) || !is_safe_value(header.value)) return false;
    to = put(to, header.name);
    to = put(to, ": ");
    to = put(to, header.value);
    to = put(to, "\r\n");
  }
  to = put(to, "\r\n");
  out.wrote(static_cast<std::size_t>(to - begin));
  return true;
}

}  // namespace mimus
