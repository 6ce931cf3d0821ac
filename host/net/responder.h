// Who answers one exchange: what Exchange::state points to.
#pragma once

namespace mimus {

/// The Service's calls, passed on to whoever took the exchange. On the exchange's loop.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void on_body() = 0;
  virtual void on_body_too_large() = 0;
  virtual void on_writable() = 0;
  virtual void on_cancel() = 0;
  virtual void on_end() = 0;  ///< Last; may free the responder.
};

}  // namespace mimus
