// Request heads: Beast's parser for the grammar, our own rules for what it lets pass.
#include "host/net/request_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <charconv>
#include <cstring>

#include "host/net/server.h"
#include "host/net/tokens.h"

namespace mimus {
namespace {

namespace beast = boost::beast;
using Ec = beast::error_code;
using Text = beast::string_view;
using header::trimmed;

std::string_view view(Text text) { return {text.data(), text.size()}; }

/// Beast reads only a head that is complete, once, and never sees a body.
class HeadParser final : public beast::http::basic_parser<true> {
 public:
  HeadParser(RequestHead& out, ParsedHead& facts) : out_(out), facts_(facts) {
    body_limit(boost::none);
    header_limit(UINT32_MAX);
  }

  /// Of all Transfer-Encoding fields, in order: exactly one `chunked`, last.
  Refusal transfer_coding() const {
    if (encodings_ == 0) return {};
    if (out_.minor_version == 0) return {400, "Transfer-Encoding is not for HTTP/1.0"};
    if (lengths_ > 0) return {400, "Transfer-Encoding and Content-Length exclude each other"};
    bool unknown = false, chunked = false;
    for (const Header& header : out_.headers) {
      if (!same_name(header.name, "transfer-encoding")) continue;
      std::string_view rest = header.value;
      for (bool more = true; more;) {
        const std::size_t comma = rest.find(',');
        more = comma != rest.npos;
        const std::string_view coding = trimmed(rest.substr(0, comma));
        if (more) rest.remove_prefix(comma + 1);
        if (chunked) return {400, "chunked is not the last transfer coding"};
        if (same_name(coding, "chunked")) {
          chunked = true;
        } else if (is_token(coding.substr(0, coding.find_first_of("; \t")))) {
          unknown = true;
        } else {
          return {400, "Transfer-Encoding is malformed"};
        }
      }
    }
    if (!chunked) return {400, "the last transfer coding is not chunked"};
    if (unknown) return {501, "only the transfer coding chunked is known"};
    return {};
  }

  Refusal content_length_field() {
    if (lengths_ > 1) return {400, "there is more than one Content-Length"};
    if (lengths_ == 0) return {};
    std::int64_t length = 0;
    const char* const end = length_.data() + length_.size();
    const auto [stop, error] = std::from_chars(length_.data(), end, length);
    if (error != std::errc() || stop != end || length_.front() == '-') {
      return {400, "Content-Length is malformed"};
    }
    if (length > 0) out_.content_length = length;
    return {};
  }

  /// RFC 9112, 9.3: `close` wins, also over `keep-alive`. Not Beast's word, which is moved by
  /// Proxy-Connection, too.
  bool persists() const { return !close_ && (out_.minor_version > 0 || keep_alive_); }

  unsigned hosts() const { return hosts_; }
  bool has_encoding() const { return encodings_ > 0; }

 private:
  void on_request_impl(beast::http::verb, Text method, Text target, int version, Ec&) override {
    out_.method = view(method);
    out_.target = view(target);
    out_.minor_version = version == 10 ? 0 : 1;
  }

  void on_field_impl(beast::http::field field, Text name, Text value, Ec&) override {
    out_.headers.push_back({view(name), view(value)});
    switch (field) {
      case beast::http::field::host:
        ++hosts_;
        out_.host = view(value);
        break;
      case beast::http::field::content_length:
        ++lengths_;
        length_ = view(value);
        break;
      case beast::http::field::transfer_encoding:
        ++encodings_;
        break;
      case beast::http::field::expect:
        facts_.expects_continue = facts_.expects_continue || same_name(view(value), "100-continue");
        break;
      case beast::http::field::connection:
        for (const Text option : beast::http::token_list(value)) {
          close_ = close_ || same_name(view(option), "close");
          keep_alive_ = keep_alive_ || same_name(view(option), "keep-alive");
        }
        break;
      default:
        break;
    }
  }

  void on_response_impl(int, Text, int, Ec&) override {}
  void on_header_impl(Ec&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const&, Ec&) override {}
  std::size_t on_body_impl(Text, Ec&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, Text, Ec&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text, Ec&) override { return 0; }
  void on_finish_impl(Ec&) override {}

  RequestHead& out_;
  ParsedHead& facts_;
  std::string_view length_;
  unsigned hosts_ = 0, lengths_ = 0, encodings_ = 0;
  bool close_ = false, keep_alive_ = false;
};

bool is_hex(char c) { return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f'); }

/// Whether every "%" begins an escape.
bool has_whole_escapes(std::string_view text) {
  for (std::size_t at = text.find('%'); at != text.npos; at = text.find('%', at + 3)) {
    if (at + 3 > text.size() || !is_hex(text[at + 1]) || !is_hex(text[at + 2])) return false;
  }
  return true;
}

/// host [":" port], as in RFC 3986 but never empty.
bool is_authority(std::string_view text) {
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == text.npos || close < 3) return false;
    const std::string_view address = text.substr(1, close - 1);
    if (address.find_first_not_of("0123456789abcdefABCDEF:.") != address.npos) return false;
    port = text.substr(close + 1);
    if (!port.empty() && port.front() != ':') return false;
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string_view name = text.substr(0, colon);
    if (name.empty() || !all_in(name, detail::host_bytes) || !has_whole_escapes(name)) return false;
    port = text.substr(colon);
  }
  return port.size() <= 6 && port.find_first_not_of("0123456789", 1) == port.npos;
}

Refusal split_target(RequestHead& out, const Limits& limits) {
  if (out.target.size() > limits.max_uri_bytes) return {414, "the request target is too long"};
  if (out.method == "CONNECT") return {400, "tunnels are not served"};
  std::string_view rest = out.target;
  if (rest == "*") {
    out.raw_path = rest;
    return out.method == "OPTIONS" ? Refusal{} : Refusal{400, "the target * is for OPTIONS alone"};
  }
  if (rest.front() != '/') {  // The absolute form.
    const std::size_t scheme = rest.find("://");
    if (scheme == rest.npos ||
        !(same_name(rest.substr(0, scheme), "http") || same_name(rest.substr(0, scheme), "https"))) {
      return {400, "the request target is neither a path nor an http URL"};
    }
    rest.remove_prefix(scheme + 3);
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    out.host = rest.substr(0, end);
    if (!is_authority(out.host)) return {400, "the host in the request target is malformed"};
    rest.remove_prefix(end);
    if (rest.empty() && out.method == "OPTIONS") {  // What a proxy would send on as "*".
      out.raw_path = "*";
      return {};
    }
  }
  const std::size_t question = std::min(rest.find('?'), rest.size());
  out.raw_path = question == 0 ? std::string_view("/") : rest.substr(0, question);
  if (question < rest.size()) out.raw_query = rest.substr(question + 1);
  if (!all_in(out.raw_path, detail::path_bytes) || !all_in(out.raw_query, detail::query_bytes)) {
    return {400, "the request target holds bytes that must be percent-encoded"};
  }
  if (static_cast<std::size_t>(std::count(out.raw_query.begin(), out.raw_query.end(), '&')) >=
      limits.max_query_keys) {
    return {400, "the query has too many keys"};
  }
  return {};
}

/// Looks at the version before Beast does, which knows 1.0 and 1.1 only.
Refusal check_version(char* head, std::size_t size) {
  const void* const found = std::memchr(head, '\r', size);
  const char* const line_end = found != nullptr ? static_cast<const char*>(found) : head + size;
  if (line_end - head < 9) return {400, "the request line is malformed"};
  char* const version = head + (line_end - head) - 9;
  const bool shaped = std::string_view(version, 6) == " HTTP/" && version[6] >= '0' && version[6] <= '9' &&
                      version[7] == '.' && version[8] >= '0' && version[8] <= '9';
  if (!shaped) return {400, "the request line is malformed"};
  if (version[6] != '1') return {505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  if (version[8] > '1') version[8] = '1';
  return {};
}

}  // namespace

ParsedHead parse_request_head(char* head, std::size_t size, const Limits& limits, RequestHead& out) {
  ParsedHead facts;
  const auto refused = [&facts](Refusal refusal) {
    facts.refusal = refusal;
    return static_cast<bool>(refusal);
  };
  if (refused(check_version(head, size))) return facts;
  HeadParser parser(out, facts);
  Ec error;
  const std::size_t used = parser.put(boost::asio::const_buffer(head, size), error);
  if (error || used != size || !parser.is_header_done()) {
    facts.refusal = {400, "the request header is malformed"};
    return facts;
  }
  if (refused(parser.transfer_coding()) || refused(parser.content_length_field())) return facts;
  if (parser.hosts() > 1 || (parser.hosts() == 0 && out.minor_version > 0)) {
    facts.refusal = {400, "there must be one Host field"};
    return facts;
  }
  if (parser.hosts() == 1 && !is_authority(out.host)) {
    facts.refusal = {400, "the Host field is malformed"};
    return facts;
  }
  if (refused(split_target(out, limits))) return facts;
  facts.chunked = parser.has_encoding();
  facts.keep_alive = parser.persists();
  facts.expects_continue = facts.expects_continue && out.minor_version > 0;
  out.has_body = facts.chunked || out.content_length > 0;
  return facts;
}

}  // namespace mimus
