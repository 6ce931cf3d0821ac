// Beast's response parser behind walls of our own: the head is found, bounded and copied before it looks.
#include "host/upstream/response_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <optional>
#include <vector>

#include "host/upstream/request_bytes.h"

namespace mimus {
namespace {

namespace http = boost::beast::http;

constexpr std::size_t max_head_bytes = 65536;
constexpr std::size_t max_fields = 100;
constexpr std::size_t max_waiting_bytes = 16384;  // For a chunk's header, and for trailers.
constexpr std::size_t shortest_last_chunk = 5;    // "0", CRLF, CRLF
constexpr unsigned max_interim_heads = 16;

/// Collects fields until the head is whole; then hands on the body of one `put`.
class Parser final : public http::basic_parser<false> {
 public:
  Parser() {
    body_limit(boost::none);
    header_limit(max_head_bytes + 4);
  }

  std::vector<Header> fields;
  std::string_view body;
  std::string_view transfer_coding;
  unsigned transfer_codings = 0;
  bool too_many = false, http11 = false, ended = false;
  int code = 0;

 private:
  using View = boost::beast::string_view;
  using Code = boost::beast::error_code;

  static std::string_view view(View text) { return {text.data(), text.size()}; }

  void on_request_impl(http::verb, View, View, int, Code&) override {}
  void on_response_impl(int status, View, int version, Code&) override {
    code = status;
    http11 = version >= 11;
  }
  void on_field_impl(http::field name, View text, View value, Code& error) override {
    if (ended) return;  // A trailer.
    if (fields.size() >= max_fields) {
      too_many = true;
      error = http::error::header_limit;
      return;
    }
    if (name == http::field::transfer_encoding) {
      ++transfer_codings;
      transfer_coding = view(value);
    }
    fields.push_back({view(text), view(value)});
  }
  void on_header_impl(Code&) override { ended = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Code&) override {}
  std::size_t on_body_impl(View data, Code&) override {
    body = view(data);
    return data.size();
  }
  void on_chunk_header_impl(std::uint64_t, View, Code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, View data, Code&) override {
    body = view(data);
    return data.size();
  }
  void on_finish_impl(Code&) override {}
};

ResponseStep failed(std::string_view why) { return {ResponseStep::Kind::error, 0, why}; }

bool has_obsolete_fold(std::string_view head) {
  return head.find("\r\n ") != std::string_view::npos || head.find("\r\n\t") != std::string_view::npos;
}

}  // namespace

struct ResponseParser::State {
  using Kind = ResponseStep::Kind;

  State(bool to_head, std::string_view asked) : answers_head(to_head), upgrade(asked) {}

  ResponseStep find_head(std::string_view input) {
    const std::size_t from = scanned < 3 ? 0 : scanned - 3;
    const std::size_t end = input.find("\r\n\r\n", from);
    if ((end == std::string_view::npos ? input.size() : end) > max_head_bytes)
      return failed("the head is larger than 64 KiB");
    scanned = input.size();
    if (end == std::string_view::npos) {
      constexpr std::string_view start = "HTTP/1.";
      const std::string_view begun = input.substr(0, start.size());
      if (begun != start.substr(0, begun.size())) return failed("the answer is not HTTP/1");
      if (input.find("\n\n", from) != std::string_view::npos)
        return failed("the head's lines do not end in CRLF");
      return {Kind::need_more};
    }
    scanned = 0;
    head.assign(input.substr(0, end + 4));
    return parse_head();
  }

  ResponseStep parse_head() {
    if (has_obsolete_fold(head)) return failed("the head holds a folded line");
    parser.emplace();
    if (answers_head) parser->skip(true);
    std::size_t at = 0;
    boost::beast::error_code error;
    while (!parser->is_header_done() && at < head.size()) {
      const std::size_t used = parser->put(boost::asio::buffer(head.data() + at, head.size() - at), error);
      at += used;
      if (error || used == 0) break;
    }
    if (parser->too_many) return failed("the head holds more than 100 fields");
    if (error || !parser->is_header_done() || at != head.size()) return failed("the head is malformed");
    if (const char* const why = unsound()) return failed(why);
    if (parser->code >= 200 || parser->code == 101) {
      drop_hop_by_hop();
      in_body = true;
      return {Kind::head, head.size()};
    }
    if (++interim > max_interim_heads) return failed("there are too many interim answers");
    return {Kind::progress, head.size()};
  }

  /// What Beast lets through though it leaves open where the answer ends.
  const char* unsound() const {
    if (parser->code < 100 || parser->code > 599) return "the status is not 100 to 599";
    if (parser->code == 101) {
      if (upgrade.empty()) return "the answer switches protocols, which nobody asked for";
      if (!parser->http11 || !names("connection", "upgrade") || !names("upgrade", upgrade))
        return "the answer switches to another protocol than was asked for";
    }
    if (parser->transfer_codings == 0) return nullptr;
    if (parser->transfer_codings > 1 || !same_name(parser->transfer_coding, "chunked") || !parser->http11) {
      return "the transfer coding is not \"chunked\"";
    }
    return nullptr;  // Beast has refused a Content-Length beside "chunked".
  }

  bool names(std::string_view field, std::string_view item) const {
    return std::any_of(parser->fields.begin(), parser->fields.end(), [&](const Header& one) {
      return same_name(one.name, field) && list_names(one.value, item);
    });
  }

  void drop_hop_by_hop() {
    std::vector<std::string_view> lists;
    for (const Header& field : parser->fields) {
      if (same_name(field.name, "connection")) lists.push_back(field.value);
    }
    std::erase_if(parser->fields, [&](const Header& field) {
      if (is_hop_by_hop(field.name)) return true;
      for (const std::string_view list : lists) {
        if (list_names(list, field.name)) return true;
      }
      return false;
    });
  }

  ResponseStep read_body(std::string_view input) {
    if (parser->is_done()) return {Kind::done};
    // Beast asserts that the last chunk, once begun, has five bytes when it is shown again.
    if (input.size() < (in_chunk_header ? shortest_last_chunk : 1)) return {Kind::need_more};
    boost::beast::error_code error;
    parser->body = {};
    const std::size_t used = parser->put(boost::asio::buffer(input.data(), input.size()), error);
    in_chunk_header = error == http::error::need_more;
    if (in_chunk_header) {
      if (input.size() - used > max_waiting_bytes)
        return failed("a chunk's header or the trailers are too long");
      return {used > 0 ? Kind::progress : Kind::need_more, used};
    }
    if (error || used == 0) return failed("the body is malformed");
    return {parser->body.empty() ? Kind::progress : Kind::data, used, parser->body};
  }

  const bool answers_head;
  const std::string upgrade;
  bool in_body = false, in_chunk_header = false;
  unsigned interim = 0;
  std::size_t scanned = 0;
  std::string head;
  std::optional<Parser> parser;
};

ResponseParser::ResponseParser(bool answers_head, std::string_view upgrade)
    : state_(std::make_unique<State>(answers_head, upgrade)) {}
ResponseParser::~ResponseParser() = default;

ResponseStep ResponseParser::next(std::string_view input) {
  return state_->in_body ? state_->read_body(input) : state_->find_head(input);
}

ResponseStep ResponseParser::end() {
  if (!state_->in_body) return failed("the upstream broke off within the head");
  if (state_->parser->is_done()) return {ResponseStep::Kind::done};
  boost::beast::error_code error;
  state_->parser->put_eof(error);
  if (error) return failed("the upstream broke off within the body");
  return {ResponseStep::Kind::done};
}

int ResponseParser::status() const { return state_->parser->code; }
std::span<const Header> ResponseParser::headers() const { return state_->parser->fields; }

std::int64_t ResponseParser::length() const {
  const auto length = state_->parser->content_length();
  if (length && *length <= INT64_MAX) return static_cast<std::int64_t>(*length);
  const int code = state_->parser->code;
  return code == 204 || code == 304 ? 0 : -1;
}

bool ResponseParser::keeps_alive() const { return state_->parser->keep_alive(); }

}  // namespace mimus
