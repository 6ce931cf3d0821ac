#include "host/plugin/image_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "host/plugin/inspect.h"
#include "host/plugin/signature.h"

namespace mimus {
namespace {

Error cannot(const std::string& what, int error) {
  return {Code::unavailable, what + ": " + std::strerror(error)};
}

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

/// A file's bytes, mapped for reading.
class Mapping {
 public:
  Mapping(int fd, std::size_t size, int protection = PROT_READ)
      : size_(size), at_(size == 0 ? nullptr : mmap(nullptr, size, protection, MAP_PRIVATE, fd, 0)) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (good() && at_ != nullptr) munmap(at_, size_);
  }
  bool good() const { return at_ != MAP_FAILED; }
  std::string_view bytes() const { return {static_cast<const char*>(at_), size_}; }

 private:
  std::size_t size_;
  void* at_;
};

int memory_file() {
  constexpr unsigned executable = 0x10;  // MFD_EXEC, of Linux 6.3: said where vm.memfd_noexec asks for it
  const int fd = memfd_create("mimus-plugin", MFD_CLOEXEC | MFD_ALLOW_SEALING | executable);
  return fd >= 0 || errno != EINVAL ? fd : memfd_create("mimus-plugin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

/// What a memory file is opened by. Not /proc/self: the child that tries the plugin opens it too.
std::string memory_path(int fd) { return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd); }

bool put(int fd, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::write(fd, bytes, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

/// Whether code in this file could be mapped.
bool takes_code(int fd) {
  const char page[4096] = {};
  return put(fd, page, sizeof page) && Mapping(fd, sizeof page, PROT_READ | PROT_EXEC).good();
}

Status make_private(const std::string& directory) {
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return cannot("cannot make " + directory, errno);
  struct stat info {};
  if (lstat(directory.c_str(), &info) != 0) return cannot(directory, errno);
  if (!S_ISDIR(info.st_mode) || info.st_uid != geteuid()) {
    return Error{
        Code::unavailable,
        directory + " is no directory of this user's, so that others could change plugins in it; remove it"};
  }
  if ((info.st_mode & 0777) != 0700 && chmod(directory.c_str(), 0700) != 0) return cannot(directory, errno);
  return Done{};
}

bool same_state(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

/// All of `from`, which a stranger may be writing, to `to`.
Status copy_bytes(const std::string& name, int from, const struct stat& before, int to) {
  const Error moved{Code::unavailable,
                    name + " changed while it was copied; it is taken once it has settled"};
  const auto buffer = std::make_unique<char[]>(1 << 20);
  std::uint64_t copied = 0;
  for (;;) {
    const ssize_t n = ::read(from, buffer.get(), 1 << 20);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return cannot(name + " cannot be read", errno);
    if (n == 0) break;
    copied += static_cast<std::uint64_t>(n);
    if (copied > static_cast<std::uint64_t>(before.st_size)) return moved;
    if (!put(to, buffer.get(), static_cast<std::size_t>(n))) return cannot("the copy of " + name, errno);
  }
  struct stat after {};
  if (fstat(from, &after) != 0 || !same_state(before, after) ||
      copied != static_cast<std::uint64_t>(before.st_size))
    return moved;
  return Done{};
}

}  // namespace

/// One that is being made. What is not settled is gone with it.
struct ImageStore::Copy {
  Descriptor file;
  std::string temporary;  ///< Its name until it is judged; "" in memory.

  Copy(Descriptor made, std::string name) : file(std::move(made)), temporary(std::move(name)) {}
  Copy(Copy&& other) noexcept : file(std::move(other.file)), temporary(std::exchange(other.temporary, {})) {}
  ~Copy() {
    if (!temporary.empty()) ::unlink(temporary.c_str());
  }
};

ImageStore::ImageStore(std::string directory, const Trust& trust, bool in_memory, std::string obstacle)
    : directory_(std::move(directory)),
      trust_(trust),
      in_memory_(in_memory),
      obstacle_(std::move(obstacle)) {}

ImageStore::~ImageStore() {
  for (const auto& [path, fd] : memories_) ::close(fd);
}

Result<std::unique_ptr<ImageStore>> ImageStore::open(const std::string& data_directory, const Trust& trust,
                                                     Place place) {
  std::error_code failed;
  const std::string data = std::filesystem::absolute(data_directory, failed).string();
  if (failed) return Error{Code::unavailable, data_directory + ": " + failed.message()};
  const std::string directory = data + "/plugins/images";
  for (const std::string& one : {data + "/plugins", directory}) {
    if (Status made = make_private(one); !made) return std::move(made).error();
  }
  bool in_memory = place == Place::memory;
  if (!in_memory) {
    const std::string trial = directory + "/.trial";
    ::unlink(trial.c_str());
    const Descriptor file(::open(trial.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0500));
    if (file.get() < 0) return cannot(trial, errno);
    in_memory = !takes_code(file.get());
    ::unlink(trial.c_str());
  }
  // Who has no plugins of third parties can do without either.
  std::string obstacle;
  if (in_memory) {
    const Descriptor file(memory_file());
    const bool named = file.get() >= 0 && access(memory_path(file.get()).c_str(), F_OK) == 0;
    if (!named || !takes_code(file.get())) {
      obstacle =
          directory +
          " may not be mapped executable (noexec), and there is no memory file that may; mount it without "
          "noexec, or name another directory with --data";
    }
  }
  return std::unique_ptr<ImageStore>(new ImageStore(directory, trust, in_memory, std::move(obstacle)));
}

Result<ImageStore::Copy> ImageStore::begin() {
  if (!obstacle_.empty()) return Error{Code::unavailable, obstacle_};
  if (in_memory_) {
    Descriptor file(memory_file());
    if (file.get() < 0) return cannot("no memory file for a plugin", errno);
    return Copy(std::move(file), "");
  }
  std::string name;
  {
    const std::lock_guard lock(mutex_);
    name = directory_ + "/.incoming-" + std::to_string(next_++);
  }
  ::unlink(name.c_str());  // of a former process
  Descriptor file(::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0500));
  if (file.get() < 0) return cannot(name, errno);
  return Copy(std::move(file), std::move(name));
}

Result<ImageFile> ImageStore::take(const std::string& file, bool signature_required) {
  // Not waiting for a writer, should it be a pipe.
  const Descriptor from(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (from.get() < 0)
    return Error{errno == ENOENT ? Code::not_found : Code::unavailable,
                 file + " cannot be read: " + std::strerror(errno)};
  struct stat info {};
  if (fstat(from.get(), &info) != 0) return cannot(file, errno);
  if (!S_ISREG(info.st_mode)) return invalid(file + " is no plain file");
  if (static_cast<std::uint64_t>(info.st_size) > max_image_bytes)
    return invalid(file + " is larger than 64 MiB: strip it");
  Result<Copy> copy = begin();
  if (!copy) return std::move(copy).error();
  if (Status copied = copy_bytes(file, from.get(), info, copy->file.get()); !copied)
    return std::move(copied).error();
  return judge(*std::move(copy), file, signature_required);
}

Result<ImageFile> ImageStore::take_bytes(std::string_view image, const std::string& called,
                                         bool signature_required) {
  if (image.size() > max_image_bytes) return invalid(called + " is larger than 64 MiB: strip it");
  Result<Copy> copy = begin();
  if (!copy) return std::move(copy).error();
  if (!put(copy->file.get(), image.data(), image.size())) return cannot("the copy of " + called, errno);
  return judge(*std::move(copy), called, signature_required);
}

/// Looks at nothing but the copy, which nobody can change any more.
Result<ImageFile> ImageStore::judge(Copy copy, const std::string& origin, bool signature_required) {
  if (in_memory_ &&
      fcntl(copy.file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
    return cannot("the copy of " + origin, errno);
  }
  struct stat info {};
  if (fstat(copy.file.get(), &info) != 0) return cannot("the copy of " + origin, errno);
  const Mapping mapping(copy.file.get(), static_cast<std::size_t>(info.st_size));
  if (!mapping.good()) return cannot("the copy of " + origin, errno);
  Inspection inspection = inspect_image(mapping.bytes());
  std::string reasons = inspection.errors();
  ImageFile out;
  out.warnings = inspection.warnings();
  if (inspection.manifest) {
    Verdict verdict = trust_.verify(mapping.bytes(), *inspection.manifest, signature_required);
    if (!verdict.refusal.empty()) reasons += (reasons.empty() ? "" : "; ") + verdict.refusal;
    out.warnings.insert(out.warnings.end(), verdict.warnings.begin(), verdict.warnings.end());
    out.signature = std::move(verdict.signature);
    out.granted = std::move(verdict.granted);
    out.manifest = *std::move(inspection.manifest);
  }
  if (!reasons.empty()) return invalid(origin + " " + reasons);
  out.origin = origin;
  out.sha256 = hex(sha256(mapping.bytes()));
  out.bytes = mapping.bytes().size();
  out.build_id = std::move(inspection.build_id);
  Result<std::string> path = settle(copy, out);
  if (!path) return std::move(path).error();
  out.path = *std::move(path);
  return out;
}

/// Gives the copy the path that it is loaded by.
Result<std::string> ImageStore::settle(Copy& copy, const ImageFile& image) {
  const std::lock_guard lock(mutex_);
  if (in_memory_) {
    std::string path = memory_path(copy.file.get());
    memories_[path] = copy.file.release();
    return path;
  }
  for (;;) {
    std::string path = directory_ + "/" + image.manifest.id + "-" + image.sha256.substr(0, 16) + "-" +
                       std::to_string(next_++) + ".so";
    if (renameat2(AT_FDCWD, copy.temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) {
      copy.temporary.clear();
      return path;
    }
    if (errno != EEXIST) return cannot(path, errno);
  }
}

void ImageStore::forget(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (const auto at = memories_.find(path); at != memories_.end()) {
    ::close(at->second);
    memories_.erase(at);
    return;
  }
  const std::string prefix = directory_ + "/";
  if (path.starts_with(prefix) && path.find('/', prefix.size()) == path.npos) ::unlink(path.c_str());
}

void ImageStore::sweep(const std::set<std::string>& keep) {
  std::error_code failed;
  std::vector<std::string> stale;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, failed)) {
    if (!keep.contains(entry.path().string())) stale.push_back(entry.path().string());
  }
  for (const std::string& path : stale) ::unlink(path.c_str());
}

}  // namespace mimus
