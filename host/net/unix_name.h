// The socket address of a path, also of one that is longer than sockaddr_un has room for.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "mimus/result.h"

namespace mimus {

/// What bind and connect take. Keeps the folder of a long path open, which its name goes
/// through; so it must live until they return. Any thread.
class UnixName {
 public:
  /// Fails with invalid if there is no path or its last part alone is too long, and with
  /// not_found if the folder of a long path cannot be opened.
  static Result<UnixName> of(const std::string& path);

  UnixName(UnixName&& other) noexcept;
  UnixName& operator=(UnixName&&) = delete;
  ~UnixName();

  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&at_); }
  static constexpr socklen_t size() { return sizeof(sockaddr_un); }

 private:
  UnixName() = default;

  sockaddr_un at_{};
  int folder_ = -1;
};

}  // namespace mimus
