// HeadScan, parse_request_head and BodyReader, one after another.
#include "tests/unit/net/request_reader.h"

#include <algorithm>
#include <memory>

namespace mimus {
namespace {

// What the connection drops of a body that nobody reads, rather than close.
constexpr std::uint64_t max_dropped = 64 << 10;

bool about_framing(std::string_view name) {
  for (const std::string_view one : {"host", "content-length", "transfer-encoding", "connection", "expect"}) {
    if (same_name(name, one)) return true;
  }
  return false;
}

void append_printable(std::string& out, std::string_view bytes) {
  static constexpr char hex[] = "0123456789abcdef";
  for (const char c : bytes) {
    const auto u = static_cast<unsigned char>(c);
    if (u >= 0x20 && u < 0x7f) {
      out += c;
    } else {
      out += {'\\', 'x', hex[u >> 4], hex[u & 15]};
    }
  }
}

}  // namespace

Limits table_limits() {
  Limits limits;
  limits.max_uri_bytes = 64;
  limits.max_header_bytes = 512;
  limits.max_headers = 12;
  limits.max_query_keys = 4;
  return limits;
}

std::string seen(const RequestHead& request, std::string_view body) {
  std::string out(request.method);
  out.append(" ").append(request.raw_path);
  if (request.target.find('?') != std::string_view::npos) out.append("?").append(request.raw_query);
  out.append(" @").append(request.host);
  for (const Header& header : request.headers) {
    if (about_framing(header.name)) continue;
    out.append(" (").append(header.name).append(": ");
    append_printable(out, header.value);
    out += ')';
  }
  if (!body.empty()) {
    out += " {";
    append_printable(out, body);
    out += '}';
  }
  return out;
}

std::vector<std::string> RequestReader::play(const std::vector<std::string_view>& pieces) {
  for (const std::string_view piece : pieces) {
    input_ += piece;
    while (!ended_ && step()) {
    }
  }
  if (ended_) lines_.push_back("ended");
  return lines_;
}

bool RequestReader::step() {
  // Its own allocation, so that a read beyond the end is seen by the sanitizer.
  const std::unique_ptr<char[]> exact(new char[input_.size()]);
  std::copy(input_.begin(), input_.end(), exact.get());
  const std::string_view input(exact.get(), input_.size());
  return in_body_ ? read_body(input) : !input.empty() && read_head(input);
}

bool RequestReader::read_head(std::string_view input) {
  request_ = RequestHead();
  const HeadScan::Found found = scan_.scan(input, limits_);
  if (found == HeadScan::Found::more) return false;
  if (found == HeadScan::Found::refused) return refuse(scan_.refusal());
  head_ = input.substr(scan_.begin(), scan_.end() - scan_.begin());
  input_.erase(0, scan_.end());
  scan_ = HeadScan();
  facts_ = parse_request_head(head_.data(), head_.size(), limits_, request_);
  if (facts_.refusal) return refuse(facts_.refusal);
  if (look_) look_(request_);
  if (facts_.chunked) {
    body_.start_chunked();
  } else {
    body_.start_length(request_.has_body ? static_cast<std::uint64_t>(request_.content_length) : 0);
  }
  gathered_.clear();
  wanted_ = body_.known_left() <= body_limit_;
  if (!wanted_) {
    ended_ = !facts_.keep_alive || facts_.expects_continue || body_.known_left() > max_dropped;
    lines_.push_back(ended_ ? "413" : "413 open");
  }
  return in_body_ = true;
}

bool RequestReader::read_body(std::string_view input) {
  const std::size_t offered = input.size();
  const BodyReader::State state =
      wanted_ ? body_.read(input, &gathered_, body_limit_) : body_.read(input, nullptr, max_dropped);
  input_.erase(0, offered - input.size());
  if (state == BodyReader::State::more) return false;
  if (state == BodyReader::State::bad) return refuse(bad_chunks);
  in_body_ = false;
  if (!wanted_) return true;
  if (state == BodyReader::State::too_large) {
    lines_.push_back("413");
    ended_ = true;
    return false;
  }
  lines_.push_back(seen(request_, gathered_.view()));
  if (!facts_.keep_alive) lines_.back() += " close";
  if (facts_.keep_alive && request_.minor_version == 0) lines_.back() += " keep-alive";
  ended_ = !facts_.keep_alive;
  return true;
}

bool RequestReader::refuse(const Refusal& refusal) {
  lines_.push_back(std::to_string(refusal.status) + (request_.method == "HEAD" ? " HEAD" : ""));
  ended_ = true;
  return false;
}

}  // namespace mimus
