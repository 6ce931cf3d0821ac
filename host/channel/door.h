// The way in to an endpoint: who asks for it, and what is decided.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/channel/channels.h"

namespace mimus {

/// Who asks to be let in to the endpoint of `origin.path`.
struct Caller {
  ChannelOrigin origin;
  std::string web_origin;                 ///< Its Origin field, "" for none.
  std::string host;                       ///< Its Host field.
  std::string bearer;                     ///< The token of its Authorization, "" for none.
  std::vector<std::string> subprotocols;  ///< That it offers.
};

/// Let in: what its channel is made of.
struct Admitted {
  Ulid endpoint;
  ChannelOrigin origin;  ///< The caller's, with the subprotocol that was chosen.
  ChannelRules rules;
  std::unique_ptr<ChannelBehaviour> behaviour;
};

struct Refused {
  int status = 0;
  std::string_view code;  ///< A problem's; "no-such-endpoint": there is none, or it is disabled.
  std::string detail;
  std::chrono::seconds retry_after{0};  ///< 0: not said.
};

/// One worker's. On its loop.
class Door {
 public:
  class Asker {
   public:
    virtual void on_admitted(Admitted admitted) = 0;
    virtual void on_refused(const Refused& refused) = 0;

   protected:
    ~Asker() = default;
  };
  /// A question, until it is answered. Destroying it takes it back.
  class Question {
   public:
    virtual ~Question() = default;
    /// Once, and first. The answer comes from within or later, and as the last that is done: the
    /// asker may destroy the question from within it.
    virtual void ask() = 0;
  };

  virtual ~Door() = default;
  /// `asker` must outlive the question.
  virtual std::unique_ptr<Question> question(Caller caller, Asker& asker) = 0;
};

}  // namespace mimus
