// bind(2) and connect(2) of Unix sockets, also to paths that are longer than sockaddr_un has room for.
#pragma once

#include <string>

namespace mimus {

/// 0, or -1 with errno as from the call itself; EINVAL also where `path` is empty, and ENAMETOOLONG
/// where its last part alone is longer than 107 bytes. A long path's folder is opened, and the call made
/// in a child process that has changed to it: whom SO_PEERCRED names is that child. Any thread.
int bind_unix(int socket, const std::string& path);
int connect_unix(int socket, const std::string& path);

}  // namespace mimus
