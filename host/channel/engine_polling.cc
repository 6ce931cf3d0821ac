#include "host/channel/engine_polling.h"

#include <algorithm>
#include <utility>

#include "host/channel/engine_http.h"
#include "host/channel/engine_session.h"

namespace mimus {
namespace {

constexpr std::chrono::milliseconds pause{100};

}  // namespace

Poll::Poll(Exchange& exchange, LiveSession& session) : exchange_(exchange), session_(&session) {
  exchange.fin_cancels = true;
  exchange.state = static_cast<Responder*>(this);
  pace_.poll = this;
  pace_.fire = [](Timer& timer) { static_cast<Pace&>(timer).poll->send_piece(); };
}

void Poll::answer(std::string payload, std::uint64_t bytes_per_second) {
  session_ = nullptr;
  payload_ = std::move(payload);
  if (bytes_per_second == 0) return answer_payload(exchange_, payload_);
  piece_ = std::max<std::uint64_t>(bytes_per_second / 10, 1);
  exchange_.loop->arm(pace_, pause);
  begin_payload(exchange_, payload_.size());
}

void Poll::send_piece() {
  const std::string_view piece = std::string_view(payload_).substr(sent_, piece_);
  sent_ += piece.size();
  exchange_.loop->arm(pace_, pause);
  (void)exchange_.sink->write(piece);  // all that waits is the payload, which is bounded
  if (sent_ == payload_.size()) exchange_.sink->finish();
}

void Poll::on_end() {
  if (pace_.armed()) exchange_.loop->disarm(pace_);
  delete this;
}

void Poll::cut() {
  session_ = nullptr;
  exchange_.sink->abort();
}

void Poll::on_cancel() {
  if (LiveSession* const session = std::exchange(session_, nullptr)) session->on_poll_lost();
}

Upload::Upload(Exchange& exchange, LiveSession& session) : exchange_(exchange), session_(&session) {
  exchange.state = static_cast<Responder*>(this);
}

void Upload::on_body() {
  LiveSession* const session = std::exchange(session_, nullptr);
  if (session == nullptr) return refuse(exchange_, EngineError::sid_unknown);
  if (!session->on_upload(exchange_.body)) return refuse(exchange_, EngineError::bad_request);
  answer_ok(exchange_);
}

void Upload::on_body_too_large() {
  if (LiveSession* const session = std::exchange(session_, nullptr)) session->on_upload_refused();
  refuse(exchange_, 413, "more than maxPayload");
}

void Upload::on_cancel() {
  if (LiveSession* const session = std::exchange(session_, nullptr)) session->on_upload_lost();
}

}  // namespace mimus
