// An upstream's answer, from bytes to head and body. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "host/net/exchange.h"

namespace mimus {

/// What a step found. Views are valid until the next step.
struct ResponseStep {
  enum class Kind : std::uint8_t {
    need_more,  ///< Nothing was consumed: call again with these bytes and more.
    progress,   ///< Bytes were consumed, and there is nothing to tell.
    head,
    data,
    done,   ///< The answer has ended; what was not consumed is not part of it.
    error,  ///< Not HTTP/1, or beyond a limit; `data` says why.
  };
  Kind kind = Kind::need_more;
  std::size_t consumed = 0;
  std::string_view data = {};
};

/// One answer. Heads up to 64 KiB and 100 fields; interim answers (1xx) are skipped;
/// trailers are dropped. Not thread-safe. A 101 that was asked for is a head without a body: what
/// follows it is not the parser's.
class ResponseParser {
 public:
  /// `answers_head`: to HEAD, so without a body. `upgrade`: the protocol that the request asked to
  /// switch to, or "".
  explicit ResponseParser(bool answers_head, std::string_view upgrade = {});
  ~ResponseParser();
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  /// Takes one step on `input`, which begins where the last step's `consumed` ended.
  /// After `done` and `error` there is no further step.
  ResponseStep next(std::string_view input);
  /// The peer has ended: `done` if that ends the answer, else `error`.
  ResponseStep end();

  /// All of these are valid after the head. The views live as long as the parser.
  int status() const;
  std::span<const Header> headers() const;  ///< Without hop-by-hop fields.
  std::int64_t length() const;              ///< Content-Length, 0 for 204 and 304, or -1.
  bool keeps_alive() const;                 ///< The connection may carry another exchange.

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mimus
