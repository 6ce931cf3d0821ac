#include "host/channel/engine.h"

#include <utility>

#include "host/channel/engine_http.h"
#include "host/channel/engine_session.h"
#include "host/channel/engine_websocket.h"
#include "host/channel/framing.h"
#include "host/channel/handshake.h"
#include "mimus/base64.h"
#include "store/ulid.h"

namespace mimus {
namespace {

constexpr std::string_view hex = "0123456789abcdef";
constexpr std::size_t random_bytes = 15;

EngineSid new_sid(unsigned worker) {
  const std::uint64_t seeds[2] = {random_seed(), random_seed()};
  static_assert(sizeof seeds >= random_bytes);
  std::string text = {hex[worker >> 4 & 15], hex[worker & 15]};
  base64::encode(text, {reinterpret_cast<const char*>(seeds), random_bytes});
  EngineSid sid;
  for (std::size_t i = 0; i < sid.size(); ++i) sid[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
  return sid;
}

/// The worker that a sid names, or `none`.
unsigned owner_of(std::string_view sid, unsigned none) {
  if (sid.size() != std::tuple_size_v<EngineSid>) return none;
  const std::size_t high = hex.find(sid[0]), low = hex.find(sid[1]);
  if (high == hex.npos || low == hex.npos) return none;
  return static_cast<unsigned>(high << 4 | low);
}

}  // namespace

struct EngineTable::State::Turn : Post {
  State* state = nullptr;
  bool queued = false;
};

EngineTable::State::State(Loop& l, unsigned w, unsigned all, const EngineOptions& o, MakeUser m,
                          std::atomic<std::int64_t>* all_open)
    : loop(l), worker(w), workers(all), options(o), make(std::move(m)), all_open_(all_open), turn_(new Turn) {
  turn_->state = this;
  turn_->run = [](Post& post) {
    Turn& turn = static_cast<Turn&>(post);
    turn.queued = false;
    if (turn.state != nullptr) return turn.state->settle();
    delete &turn;
  };
}

EngineTable::State::~State() {
  for (const auto& [sid, session] : sessions) session->abandon();
  sessions.clear();
  turn_->state = nullptr;
  if (!turn_->queued) delete turn_;
}

LiveSession* EngineTable::State::find(std::string_view sid) const {
  const auto found = sessions.find(sid);
  if (found == sessions.end()) return nullptr;
  LiveSession& session = *found->second;
  return session.has_ended() || session.expire() ? nullptr : &session;
}

LiveSession* EngineTable::State::add(EngineOrigin origin) {
  if (draining || is_full()) return nullptr;
  auto made = std::make_unique<LiveSession>(*this, new_sid(worker), std::move(origin));
  LiveSession* const session = made.get();
  sessions.emplace(session->sid(), std::move(made));
  count(1);
  return session;
}

void EngineTable::State::count(int by) {
  open_ += static_cast<std::size_t>(by);
  if (all_open_ != nullptr) all_open_->fetch_add(by, std::memory_order_relaxed);
}

void EngineTable::State::attend(LiveSession& session) {
  if (std::exchange(session.attended, true)) return;
  attended_.push_back(&session);
  if (std::exchange(turn_->queued, true)) return;
  loop.defer(*turn_);
}

void EngineTable::State::settle() {
  std::vector<LiveSession*> now;
  now.swap(attended_);
  for (LiveSession* const session : now) {
    if (session->settle()) {
      session->attended = false;
    } else {
      sessions.erase(sessions.find(session->sid()));
    }
  }
}

void EngineTable::State::drain() {
  draining = true;
  for (const auto& [sid, session] : sessions) session->drain();
}

EngineTable::EngineTable(Loop& loop, unsigned worker, unsigned workers, EngineOptions options, MakeUser make,
                         std::atomic<std::int64_t>* all_open)
    : state_(std::make_unique<State>(loop, worker, workers, options, std::move(make), all_open)) {}

EngineTable::~EngineTable() = default;

std::size_t EngineTable::size() const { return state_->open(); }

void EngineTable::drain() { state_->drain(); }

void EngineTable::take(Exchange& exchange) {
  State& state = *state_;
  const RequestHead& request = exchange.request;
  if (request.method == "OPTIONS") return answer_preflight(exchange);
  const Result<EngineQuery> query = engine_query(exchange);
  if (!query) return refuse(exchange, EngineError::bad_request);
  const bool upgrade = asks_for_websocket(request);
  const bool polling = query->transport == EngineTransport::polling;
  if (query->transport == EngineTransport::unknown) return refuse(exchange, EngineError::transport_unknown);
  LiveSession* session = nullptr;
  if (!query->sid.empty()) {
    const unsigned owner = owner_of(query->sid, state.worker);
    if (owner != state.worker && owner < state.workers && exchange.sink->hand_over(owner)) return;
    session = state.find(query->sid);
    if (session == nullptr) return refuse(exchange, EngineError::sid_unknown);
    if (!query->protocol_4) return refuse(exchange, EngineError::bad_request);
  } else {
    if (request.method != "GET") return refuse(exchange, EngineError::bad_handshake_method);
    if (polling == upgrade) return refuse(exchange, EngineError::bad_request);
    if (!query->protocol_4) return refuse(exchange, EngineError::unsupported_version);
    if (state.draining) return refuse(exchange, 503, "the host is stopping");
    if (state.is_full()) return refuse(exchange, 503, "there are too many sessions");
  }
  if (!polling) return take_websocket(exchange, query->sid);
  if (session == nullptr) {
    session = state.add(engine_origin(exchange));
    session->begin(nullptr);
    return session->poll(exchange);
  }
  if (upgrade || !session->polls()) return refuse(exchange, EngineError::bad_request);
  if (request.method == "GET") return session->poll(exchange);
  if (request.method != "POST") return refuse(exchange, EngineError::bad_request);
  if (!session->is_open()) return refuse(exchange, EngineError::sid_unknown);
  session->upload(exchange);
}

void EngineTable::take_websocket(Exchange& exchange, std::string_view sid) {
  const std::string accept = handshake_accept(exchange.request);
  if (!asks_for_websocket(exchange.request) || accept.empty()) {
    exchange.response.headers.push_back({"Sec-WebSocket-Version", "13"});
    return refuse(exchange, EngineError::bad_request);
  }
  auto socket = sid.empty() ? std::make_unique<EngineWebSocket>(*state_, engine_origin(exchange))
                            : std::make_unique<EngineWebSocket>(*state_, sid);
  exchange.response.status = 101;
  exchange.sink->upgrade({{"Upgrade", "websocket"}, {"Sec-WebSocket-Accept", accept}}, std::move(socket));
}

}  // namespace mimus
