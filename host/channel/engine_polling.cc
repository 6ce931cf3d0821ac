#include "host/channel/engine_polling.h"

#include <utility>

#include "host/channel/engine_http.h"
#include "host/channel/engine_session.h"

namespace mimus {

Poll::Poll(Exchange& exchange, LiveSession& session) : exchange_(exchange), session_(&session) {
  exchange.fin_cancels = true;
  exchange.state = static_cast<Responder*>(this);
}

void Poll::answer(std::string payload) {
  session_ = nullptr;
  payload_ = std::move(payload);
  answer_payload(exchange_, payload_);
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
