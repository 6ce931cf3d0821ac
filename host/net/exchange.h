// One request and its answer, from the head's last byte to the answer's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/net/arena.h"
#include "mimus/header_text.h"

namespace mimus {

class Loop;

struct Header {
  std::string_view name;   ///< As it came; compare with `same_name`.
  std::string_view value;  ///< Without white space around it.
};

using header::same_name;

/// Views into the exchange's arena; valid until the exchange ends.
struct RequestHead {
  std::string_view method;
  std::string_view target;     ///< The request-target as it came.
  std::string_view raw_path;   ///< Its path: starts with "/", or "*" for OPTIONS *.
  std::string_view raw_query;  ///< Without "?".
  std::string_view host;       ///< Host field, or the authority of an absolute form.
  std::vector<Header> headers;
  int minor_version = 1;             ///< 0 for HTTP/1.0.
  bool has_body = false;             ///< Content-Length > 0 or chunked.
  std::int64_t content_length = -1;  ///< -1: chunked, or there is no body.

  /// The nth value of a field, or nullptr.
  const std::string_view* find(std::string_view name, unsigned nth = 0) const;
};

/// What shall be answered. Content-Length, Transfer-Encoding, Date and Connection are the
/// connection's business and must not be in `headers`.
struct ResponseHead {
  int status = 0;
  std::vector<Header> headers;  ///< Views into the arena, static text or the endpoint.
};

/// How an answer leaves: HTTP/1 today; HTTP/2 and Engine.IO fit behind it. All calls on
/// the exchange's loop. A peer that has gone makes them do nothing: Service::on_cancel
/// says so.
class ResponseSink {
 public:
  virtual ~ResponseSink() = default;

  /// Gathers the request's body, then Service::on_body is called (at once, from within,
  /// if it is there already or there is none). Beyond `limit` the connection answers 413
  /// itself through Service::on_body_too_large.
  virtual void want_body(std::size_t limit) = 0;

  /// The whole answer: exchange.response and `body`, which must live until on_end. For a
  /// HEAD request the body is counted but not sent.
  virtual void send(std::string_view body) = 0;

  /// A streamed answer: head first; `length` is -1 where it is not known (chunked, or
  /// ended by closing on HTTP/1.0).
  virtual void begin(std::int64_t length) = 0;
  /// Copies and queues. False: more than maxWriteBuffer is queued; Service::on_writable
  /// will be called when it has drained.
  virtual bool write(std::string_view data) = 0;
  virtual void finish() = 0;
  /// Cuts the connection, so that the client sees a truncated answer. As after send and
  /// finish, on_end is called from within.
  virtual void abort() = 0;

  /// Answers 101 and turns the connection over: its bytes from now on, those already
  /// read included, go to `takeover`. The exchange ends. `headers` as in ResponseHead: Upgrade
  /// is among them, `Connection: Upgrade` is added.
  virtual void upgrade(const std::vector<Header>& headers, std::unique_ptr<class Takeover> takeover) = 0;

  /// Has another worker handle this request, and what follows on its connection: on_end is
  /// called from within, nothing is sent, and the connection moves to that worker's loop, where
  /// its Service gets the same head (on_head) with all that is behind it. It counts there, and
  /// waits there for a drain or stop. Only from within on_head, as the first call.
  /// False, and nothing has happened: a body was asked for or an answer begun, it is this
  /// worker, or there is no such worker. The exchange must be answered here then.
  virtual bool hand_over(unsigned worker) = 0;
};

/// Raw bytes of a connection that was upgraded. Owned by the connection. On its loop.
class Takeover {
 public:
  virtual ~Takeover() = default;
  /// What it may call back; lives as long as the Takeover.
  class Wire {
   public:
    virtual ~Wire() = default;
    virtual Loop& loop() = 0;
    /// Copies. False: more than maxWriteBuffer and one message is queued, the connection is being
    /// closed. While more than half of maxWriteBuffer is queued, there is no on_bytes.
    virtual bool write(std::string_view data) = 0;
    virtual std::size_t queued() const = 0;  ///< Bytes not yet taken by the kernel.
    virtual void close_after_write() = 0;    ///< Flushes, then closes (on_closed follows).
    /// What was written goes out as far as the peer takes it at once; on_closed follows, not from within.
    virtual void close_now() = 0;
    /// No on_bytes until `resume`: what the client sends waits in the kernel, and at its end. A
    /// reset is still told. Closing does not wait for it.
    virtual void pause() = 0;
    virtual void resume() = 0;  ///< on_bytes may follow, not from within.
  };
  virtual void on_start(Wire& wire) = 0;             ///< First.
  virtual void on_bytes(std::string_view data) = 0;  ///< Valid for the call; cut anywhere.
  virtual void on_flushed() {}   ///< What was written has gone to the kernel; nothing is queued.
  virtual void on_drain() = 0;   ///< The host is stopping: say goodbye (1001), then close.
  virtual void on_closed() = 0;  ///< Last.
};

/// One exchange at a time lives on a connection; it is reused for the next.
class Exchange {
 public:
  Arena arena;
  RequestHead request;
  ResponseHead response;
  std::string_view body;  ///< The request's, once on_body was called.
  ResponseSink* sink = nullptr;
  Loop* loop = nullptr;
  std::string_view client_ip;   ///< The peer's address as text, no port; "" for a Unix socket.
  bool admin_listener = false;  ///< It came in on --admin-listen or the control socket.
  bool public_listener = true;  ///< It came in on --listen.
  std::int64_t started_us = 0;  ///< Loop::now() when the head was complete.
  std::int64_t started_wall_us = 0;
  std::int64_t request_size = 0;   ///< Body bytes that came in so far.
  std::int64_t response_size = 0;  ///< Body bytes handed over, counted by the sink.
  /// In on_cancel: the status that the connection answers with itself, as its client was too
  /// slow with the body (408) or garbled it (400); 0: the client has gone.
  int refused_with = 0;
  /// Set by the Service where a client that has only stopped sending is to be cancelled as if it
  /// had gone. Before it begins to answer.
  bool fin_cancels = false;

  /// Differs for each exchange of this process's life on one loop: what is posted from
  /// elsewhere names the exchange by it.
  std::uint64_t serial = 0;

  /// What the Service keeps for this exchange; it sets and clears it.
  void* state = nullptr;
};

/// Who answers. One for each loop, called on its thread only. No function may free the
/// exchange; all may call its sink.
class Service {
 public:
  virtual ~Service() = default;
  virtual void on_head(Exchange& exchange) = 0;
  virtual void on_body(Exchange& exchange) = 0;  ///< After want_body: exchange.body is whole.
  /// After want_body: the body is larger than its limit. Answer 413; the connection closes
  /// after that answer if the body was not read to its end.
  virtual void on_body_too_large(Exchange& exchange) = 0;
  virtual void on_writable(Exchange& exchange) = 0;
  /// The peer has gone, or was refused (Exchange::refused_with), before the answer was
  /// handed over; on_end follows at once.
  virtual void on_cancel(Exchange& exchange) = 0;
  /// Last: the answer was handed to the connection, or it was cancelled. After a buffered
  /// answer it is called from within send or later; views into the arena die after it.
  virtual void on_end(Exchange& exchange) = 0;
  /// A request that never became an exchange was refused with this status (400, 408, 414,
  /// 431 …). Returns the body and content type to send; for metrics and problem+json.
  virtual std::string refusal(int status, std::string_view detail) = 0;
};

}  // namespace mimus
