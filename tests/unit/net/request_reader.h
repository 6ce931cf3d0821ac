// Requests by the pure parsers alone, as the connection puts them together; and one request
// as a line of text.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "host/net/body_reader.h"
#include "host/net/request_parser.h"
#include "host/net/server.h"

namespace mimus {

/// One request as rows of the table write it: method, target, "@host", the fields that are
/// not Host nor about framing as "(Name: value)", a body as "{body}"; odd bytes as \xNN.
std::string seen(const RequestHead& request, std::string_view body);

/// The limits under which the table's rows hold: small, so that what reaches them is short.
Limits table_limits();
inline constexpr std::size_t table_body_limit = 32;

/// What a server that wants every body, up to a limit, makes of the bytes of one connection.
class RequestReader {
 public:
  /// `look` is shown each head that was taken.
  RequestReader(const Limits& limits, std::size_t body_limit,
                std::function<void(const RequestHead&)> look = {})
      : limits_(limits), body_limit_(body_limit), look_(std::move(look)) {}

  /// The lines of a RequestRow's `want`, without "…"; "ended" is last if the connection closes.
  std::vector<std::string> play(const std::vector<std::string_view>& pieces);

 private:
  bool step();
  bool read_head(std::string_view input);
  bool read_body(std::string_view input);
  bool refuse(const Refusal& refusal);

  const Limits limits_;
  const std::size_t body_limit_;
  std::function<void(const RequestHead&)> look_;
  std::string input_, head_;
  HeadScan scan_;
  RequestHead request_;
  ParsedHead facts_;
  BodyReader body_;
  Bytes gathered_;
  bool in_body_ = false, wanted_ = false, ended_ = false;
  std::vector<std::string> lines_;
};

}  // namespace mimus
