// Engine.IO's requests as HTTP has them: what they ask, and how they are answered.
#pragma once

#include <cstdint>
#include <string_view>

#include "host/channel/engine.h"
#include "host/net/exchange.h"
#include "mimus/result.h"

namespace mimus {

enum class EngineTransport : std::uint8_t { unknown, polling, websocket };

/// The target's query. Views as the exchange's.
struct EngineQuery {
  EngineTransport transport = EngineTransport::unknown;
  bool protocol_4 = false;
  std::string_view sid;  ///< "": none, which is how a session is asked for.
};
/// Of a key that is there several times the last counts.
/// Errors: invalid - there are too many
Result<EngineQuery> engine_query(Exchange& exchange);

EngineOrigin engine_origin(const Exchange& exchange);

/// The protocol's own errors: their code and words go out as JSON, with status 400.
enum class EngineError : std::uint8_t {
  transport_unknown = 0,
  sid_unknown = 1,
  bad_handshake_method = 2,
  bad_request = 3,
  unsupported_version = 5
};
void refuse(Exchange& exchange, EngineError error);
/// With a status that the protocol has no code for.
void refuse(Exchange& exchange, int status, std::string_view message);

/// 200 with packets. `payload` must live until the exchange ends.
void answer_payload(Exchange& exchange, std::string_view payload);
/// The same without the packets, of which `size` bytes are to be streamed.
void begin_payload(Exchange& exchange, std::size_t size);
/// 200 "ok" to an upload.
void answer_ok(Exchange& exchange);
/// To OPTIONS: any page may ask, with its cookies; who may have messages is decided later, where a
/// namespace is asked for.
void answer_preflight(Exchange& exchange);

}  // namespace mimus
