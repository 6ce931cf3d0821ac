// Names to addresses: c-ares, driven by a loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/net/loop.h"
#include "host/upstream/address.h"

namespace mimus {

/// Not thread-safe. Looks in /etc/hosts, then asks name servers, but for localhost, which it
/// knows; the file that names them is read again when it has changed. Lookups of one name at
/// one time share a query.
class Resolver {
 public:
  struct Answer {
    std::uint64_t id = 0;            ///< As given to `look_up`.
    std::vector<Address> addresses;  ///< In the order to try. Empty: `why`.
    std::string why;
  };

  /// Whom to ask: the servers that `file` names, on `port`.
  struct Servers {
    std::string file = "/etc/resolv.conf";
    std::uint16_t port = 53;
  };

  /// `on_answers` says that `take` has something; it is called from within look_up or from
  /// the loop, and must only take note. `loop` must outlive the resolver.
  Resolver(Loop& loop, std::function<void()> on_answers, Servers servers);
  ~Resolver();  ///< What is still looked up gets no answer.
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// One answer for `id` follows, at most 1,000 names being asked for at a time.
  void look_up(std::uint64_t id, const std::string& name);
  std::vector<Answer> take();  ///< The answers since the last call.

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mimus
