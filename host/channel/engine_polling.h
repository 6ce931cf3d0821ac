// Exchanges that a session keeps: a poll that waits, an upload that is on its way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "host/net/exchange.h"
#include "host/net/loop.h"
#include "host/net/responder.h"

namespace mimus {

class LiveSession;

/// Frees itself when its exchange ends, which may outlive the session.
class Poll final : public Responder {
 public:
  /// `exchange` is to be answered when there is something to say.
  Poll(Exchange& exchange, LiveSession& session);
  /// It may be gone afterwards, and is the session's no more. With a rate the payload goes out in
  /// pieces, ten a second.
  void answer(std::string payload, std::uint64_t bytes_per_second);
  void cut();  ///< Without an answer; likewise.
  void detach() { session_ = nullptr; }

  void on_body() override {}
  void on_body_too_large() override {}
  void on_writable() override {}
  void on_cancel() override;
  void on_end() override;

 private:
  struct Pace : Timer {
    Poll* poll = nullptr;
  };
  void send_piece();

  Exchange& exchange_;
  LiveSession* session_;
  std::string payload_;
  std::size_t sent_ = 0, piece_ = 0;  ///< Of a slow answer.
  Pace pace_;
};

/// Frees itself likewise.
class Upload final : public Responder {
 public:
  Upload(Exchange& exchange, LiveSession& session);
  /// It may be gone afterwards.
  void start(std::size_t max_payload) { exchange_.sink->want_body(max_payload); }
  void detach() { session_ = nullptr; }

  void on_body() override;
  void on_body_too_large() override;
  void on_writable() override {}
  void on_cancel() override;
  void on_end() override { delete this; }

 private:
  Exchange& exchange_;
  LiveSession* session_;
};

}  // namespace mimus
