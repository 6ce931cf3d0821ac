// A certificate authority of the test's own, in a scratch directory.
#pragma once

#include <string>

struct ssl_ctx_st;

namespace mimus {

/// Makes a CA and writes its certificate to a file; makes servers' certificates from it.
class Authority {
 public:
  Authority();
  ~Authority();  ///< Removes the scratch directory.
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  const std::string& file() const { return file_; }

  /// A server's context with a certificate for `names` ("DNS:a,IP:127.0.0.1"). Caller frees.
  ssl_ctx_st* server(const std::string& names);

 private:
  struct State;
  State* state_;
  std::string directory_, file_;
};

}  // namespace mimus
