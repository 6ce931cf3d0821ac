#include "host/app/shared_files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "store/data_directory.h"

namespace mimus {
namespace {

Error refused(const std::string& what) { return {Code::unavailable, what + ": " + std::strerror(errno)}; }

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool holds(const std::string& file, std::string_view bytes) {
  std::ifstream in(file, std::ios::binary);
  char block[65536];
  while (in) {
    in.read(block, sizeof block);
    const std::string_view read(block, static_cast<std::size_t>(in.gcount()));
    if (!bytes.starts_with(read)) return false;
    bytes.remove_prefix(read.size());
  }
  return in.eof() && bytes.empty();
}

}  // namespace

SharedFiles::SharedFiles(std::string directory, std::string data, std::span<const EmbeddedFile> carried,
                         std::string proc)
    : directory_(std::move(directory)), data_(std::move(data)), carried_(carried), proc_(std::move(proc)) {}

SharedFiles::~SharedFiles() {
  for (const Offered& one : offered_) {
    if (one.fd >= 0) ::close(one.fd);
  }
}

Result<std::string> SharedFiles::path(std::string_view name) {
  if (!directory_.empty()) return directory_ + "/" + std::string(name);
  const std::lock_guard lock(mutex_);
  for (const Offered& one : offered_) {
    if (one.name == name) return one.path;
  }
  const auto file = std::find_if(carried_.begin(), carried_.end(),
                                 [&](const EmbeddedFile& carried) { return carried.name == name; });
  if (file == carried_.end())
    return Error{Code::not_found, "this program carries no file " + std::string(name)};
  Result<Offered> made = in_memory(*file);
  if (!made) made = on_disk(*file);
  if (!made) return made.error();
  offered_.push_back(*made);
  return made->path;
}

/// Named by the process's number, not "self", so that a child opens the same file.
Result<SharedFiles::Offered> SharedFiles::in_memory(const EmbeddedFile& file) const {
  const int fd = ::memfd_create(std::string(file.name).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return refused("memory for " + std::string(file.name));
  const std::string path = proc_ + "/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd);
  if (::access(path.c_str(), R_OK) == 0 && write_all(fd, file.bytes) &&
      ::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0) {
    return Offered{file.name, path, fd};
  }
  const Error error = refused(path);
  ::close(fd);
  return error;
}

/// Left there for the next start; another version's is replaced, never written into.
Result<SharedFiles::Offered> SharedFiles::on_disk(const EmbeddedFile& file) const {
  const std::string folder = data_ + "/share";
  const std::string path = folder + "/" + std::string(file.name);
  if (holds(path, file.bytes)) return Offered{file.name, path, -1};
  if (Status made = make_directory(folder); !made) return std::move(made).error();
  const std::string unfinished = path + ".new";
  const int fd = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return refused(unfinished);
  const bool written = write_all(fd, file.bytes) && ::fsync(fd) == 0;
  const Error error = refused(unfinished);
  ::close(fd);
  if (!written) {
    ::unlink(unfinished.c_str());
    return error;
  }
  if (std::rename(unfinished.c_str(), path.c_str()) != 0) return refused(path);
  return Offered{file.name, path, -1};
}

}  // namespace mimus
