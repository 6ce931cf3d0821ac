// Which answers are kept, and their stored form: numbers little-endian, texts after their length.
#include "plugins/dedup/answer.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "mimus/header_text.h"

namespace mimus::dedup {
namespace {

constexpr char version = 1;

template <class T>
void put(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    out += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
}
void put_text(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  T number() {
    if (bytes_.size() < sizeof(T)) {
      good_ = false;
      return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      value |= std::uint64_t{static_cast<unsigned char>(bytes_[i])} << (8 * i);
    bytes_.remove_prefix(sizeof(T));
    return static_cast<T>(value);
  }
  std::string_view text() {
    const auto n = number<std::uint32_t>();
    if (n > bytes_.size()) {
      good_ = false;
      return {};
    }
    const std::string_view found = bytes_.substr(0, n);
    bytes_.remove_prefix(n);
    return found;
  }
  bool good() const { return good_; }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool good_ = true;
};

}  // namespace

std::string encode(const Answer& answer) {
  std::string out;
  std::size_t size = answer.body.size() + 64;
  for (const Header& h : answer.headers) size += h.name.size() + h.value.size() + 8;
  out.reserve(size);
  out += version;
  put(out, static_cast<std::uint16_t>(answer.status));
  put(out, answer.run);
  put(out, answer.kept_us);
  put(out, answer.expires_us);
  put(out, answer.age_s);
  put(out, static_cast<std::uint32_t>(answer.headers.size()));
  for (const Header& h : answer.headers) {
    put_text(out, h.name);
    put_text(out, h.value);
  }
  put_text(out, answer.body);
  return out;
}

std::optional<Answer> decode(std::string_view bytes) {
  if (bytes.empty() || bytes.front() != version) return std::nullopt;
  Reader in(bytes.substr(1));
  Answer answer;
  answer.status = in.number<std::uint16_t>();
  answer.run = in.number<std::uint64_t>();
  answer.kept_us = in.number<std::int64_t>();
  answer.expires_us = in.number<std::int64_t>();
  answer.age_s = in.number<std::uint32_t>();
  const auto count = in.number<std::uint32_t>();
  if (count > bytes.size() / 8) return std::nullopt;
  answer.headers.reserve(count);
  for (std::uint32_t i = 0; i < count && in.good(); ++i) {
    const std::string_view name = in.text();
    answer.headers.push_back({name, in.text()});
  }
  answer.body = in.text();
  if (!in.good() || !in.at_end()) return std::nullopt;
  return answer;
}

Verdict judge(int status, const std::vector<Header>& headers) {
  if (status >= 500) return Verdict::retry;
  if (status < 200 || status == 206 || status == 304) return Verdict::pass;
  for (const Header& h : headers) {
    if (header::same_name(h.name, "set-cookie")) return Verdict::pass;
    if (header::same_name(h.name, "cache-control") && header::lists(h.value, "no-store"))
      return Verdict::pass;
    if (header::same_name(h.name, "vary") && header::lists(h.value, "*")) return Verdict::pass;
  }
  return Verdict::keep;
}

bool stored_header(std::string_view name) {
  static constexpr std::string_view left_out[] = {
      "age",        "connection",        "content-length",     "date",
      "keep-alive", "transfer-encoding", "x-mock-deduplicated"};
  return std::none_of(std::begin(left_out), std::end(left_out),
                      [&](std::string_view n) { return header::same_name(n, name); });
}

std::uint32_t age_seconds(std::string_view value) {
  std::uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  return error == std::errc{} && end == value.data() + value.size() ? seconds : 0;
}

}  // namespace mimus::dedup
