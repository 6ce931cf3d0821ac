// The sample plugin as bytes, keys to sign it with, and a scratch directory.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "host/plugin/signature.h"

namespace mimus {

inline std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

inline const std::string& sample_image() {
  static const std::string bytes = bytes_of(SAMPLE_PLUGIN);
  return bytes;
}

/// `bytes` with the first `from` replaced; both of one length, so that nothing moves.
inline std::string replaced(std::string bytes, std::string_view from, std::string_view to) {
  EXPECT_EQ(from.size(), to.size());
  const std::size_t at = bytes.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? bytes : bytes.replace(at, to.size(), to);
}

/// An Ed25519 key made of one number, the same at every run; or another kind of key.
struct TestKey {
  std::string private_pem, public_pem;

  explicit TestKey(unsigned char seed) {
    unsigned char raw[32] = {seed};
    write(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, raw, sizeof raw));
  }
  static TestKey of_rsa() { return TestKey(EVP_RSA_gen(2048)); }

  SigningKey signing() const { return *SigningKey::private_from(private_pem, "key"); }
  SigningKey checking() const { return *SigningKey::public_from(public_pem, "key"); }

 private:
  explicit TestKey(EVP_PKEY* key) { write(key); }
  void write(EVP_PKEY* key) {
    BIO* const out = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    private_pem = drain(out);
    PEM_write_bio_PUBKEY(out, key);
    public_pem = drain(out);
    BIO_free(out);
    EVP_PKEY_free(key);
  }
  static std::string drain(BIO* from) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(from, &bytes);
    std::string out(bytes, static_cast<std::size_t>(size));
    (void)BIO_reset(from);
    return out;
  }
};

class Scratch {
 public:
  Scratch() {
    char name[] = "/tmp/mimus-unit-XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    path_ = name;
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::string& path() const { return path_; }
  std::string put(const std::string& name, std::string_view bytes) const {
    std::string file = path_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file, std::ios::binary | std::ios::trunc)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return file;
  }

 private:
  std::string path_;
};

}  // namespace mimus
