// `mimus plugin sign|verify`: the signature at the end of a plugin file.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "host/cli/flags.h"
#include "host/cli/log.h"
#include "host/cli/verbs.h"
#include "host/plugin/inspect.h"
#include "host/plugin/signature.h"
#include "host/plugin/trust.h"

namespace mimus {
namespace {

namespace fs = std::filesystem;

Result<std::string> read_all(const std::string& path, std::uint64_t most) {
  std::error_code failed;
  std::ifstream in(path, std::ios::binary);
  if (!in || !fs::is_regular_file(path, failed)) {
    return Error{Code::unavailable,
                 path + " cannot be read: " + (in ? "it is no plain file" : std::strerror(errno))};
  }
  std::string bytes;
  char piece[64 << 10];
  do {
    in.read(piece, sizeof piece);
    bytes.append(piece, static_cast<std::size_t>(in.gcount()));
  } while (in && bytes.size() <= most);
  if (bytes.size() > most) return Error{Code::unavailable, path + " is larger than it may be"};
  return bytes;
}

/// All of it under its name, or nothing.
Status write_all(const std::string& path, const std::string& bytes, mode_t mode) {
  const fs::path whole(path);
  const std::string temporary =
      (whole.parent_path() / ("." + whole.filename().string() + "." + std::to_string(getpid()))).string();
  std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (out && chmod(temporary.c_str(), mode) == 0 && rename(temporary.c_str(), path.c_str()) == 0)
    return Done{};
  const Error error{Code::unavailable, path + " cannot be written: " + std::strerror(errno)};
  unlink(temporary.c_str());
  return error;
}

Status sign_file(const std::string& file, const std::string& key_file, const std::string& out) {
  const auto pem = read_all(key_file, 64u << 10);
  if (!pem) return pem.error();
  const auto key = SigningKey::private_from(*pem, key_file);
  if (!key) return key.error();
  const auto image = read_all(file, max_image_bytes);
  if (!image) return image.error();
  // What only this machine refuses may be signed for another: it is said, no more.
  const Inspection inspection = inspect_image(*image);
  if (!inspection.manifest) return Error{Code::unavailable, file + " " + inspection.errors()};
  for (const Finding& one : inspection.findings) {
    if (one.level == Finding::Level::error)
      std::fprintf(stderr, "mimus: %s\n", log_line(file + " " + one.text).c_str());
  }
  const auto whole = sign(*image, *key);
  if (!whole) return whole.error();
  struct stat info {};
  if (stat(file.c_str(), &info) != 0) return Error{Code::unavailable, file + ": " + std::strerror(errno)};
  if (const Status written = write_all(out, *whole, info.st_mode & 07777); !written) return written;
  std::printf("signed %s %s with the key %s: %s (sha256 %s)\n", log_line(inspection.manifest->id).c_str(),
              log_line(inspection.manifest->version).c_str(), key->id().c_str(), log_line(out).c_str(),
              hex(sha256(*whole)).c_str());
  return Done{};
}

Status verify_file(const std::string& file, const std::string& directory) {
  const auto trust = Trust::open({PluginPolicy::require, directory, {}});
  if (!trust) return trust.error();
  const auto image = read_all(file, max_image_bytes);
  if (!image) return image.error();
  const Inspection inspection = inspect_image(*image);
  if (!inspection.manifest) return Error{Code::unavailable, file + " " + inspection.errors()};
  const Verdict verdict = (*trust)->verify(*image, *inspection.manifest);
  if (!verdict.refusal.empty()) return Error{Code::unavailable, file + " " + verdict.refusal};
  std::printf("good signature of the key %s on %s %s (sha256 %s)\n", log_line(verdict.signature.key).c_str(),
              log_line(inspection.manifest->id).c_str(), log_line(inspection.manifest->version).c_str(),
              hex(sha256(*image)).c_str());
  for (const std::string& warning : verdict.warnings)
    std::fprintf(stderr, "mimus: %s\n", log_line(file + " " + warning).c_str());
  return Done{};
}

}  // namespace

int sign_verb(const Arguments& arguments) {
  const std::vector<Flag> flags{{"key", "FILE", "Ed25519 private key in PEM"},
                                {"out", "FILE", "where the signed file goes (default: it replaces FILE.so)"}};
  if (asks_for_help(arguments)) {
    return show_help(
        help_text("plugin sign FILE.so --key PRIVATE.pem [flags]",
                  "Appends a signature to a plugin file, or replaces the one that it has. A key:\n"
                  "  openssl genpkey -algorithm ed25519 -out private.pem\n"
                  "  openssl pkey -in private.pem -pubout -out public.pem   (for --trust directories)",
                  flags));
  }
  const auto parsed = parse_flags(arguments, flags);
  if (!parsed) return fail(parsed.error());
  const std::string key = parsed->value("key");
  if (parsed->words.size() != 1 || key.empty())
    return usage_fault("write mimus plugin sign FILE.so --key PRIVATE.pem");
  const std::string& file = parsed->words[0];
  const Status done = sign_file(file, key, parsed->value("out", file));
  return done ? 0 : fail({Code::unavailable, done.error().message});
}

int verify_verb(const Arguments& arguments) {
  const std::vector<Flag> flags{{"trust", "DIR", "public keys (NAME.pem), as for serve"}};
  if (asks_for_help(arguments)) {
    return show_help(help_text(
        "plugin verify FILE.so --trust DIR",
        "Says whose signature a plugin file has. Exit code 0: a good one; 1: another or none.", flags));
  }
  const auto parsed = parse_flags(arguments, flags);
  if (!parsed) return fail(parsed.error());
  const std::string trust = parsed->value("trust");
  if (parsed->words.size() != 1 || trust.empty())
    return usage_fault("write mimus plugin verify FILE.so --trust DIR");
  const Status done = verify_file(parsed->words[0], trust);
  return done ? 0 : fail({Code::unavailable, done.error().message});
}

}  // namespace mimus
