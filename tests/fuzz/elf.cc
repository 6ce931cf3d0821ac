// Bytes as a plugin file: whatever they claim, they are judged in bounded time, the same each
// time, and a signature changes nothing but whose they are.
#include <algorithm>

#include "host/plugin/elf.h"
#include "host/plugin/inspect.h"
#include "host/plugin/signature.h"
#include "tests/fuzz/fuzz.h"

namespace mimus::fuzz {
namespace {

const SigningKey& key() {
  static const SigningKey made = *SigningKey::private_from(
      "-----BEGIN PRIVATE KEY-----\n"
      "MC4CAQAwBQYDK2VwBCIEIAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
      "-----END PRIVATE KEY-----\n",
      "key");
  return made;
}

void check_facts(std::string_view file) {
  const auto facts = inspect_elf(file);
  if (!facts) return require(!facts.error().message.empty(), "a refusal says why");
  require(facts->end <= file.size(), "an object ends in its file");
  for (const auto* list : {&facts->needed, &facts->unique, &facts->unversioned, &facts->versions})
    require(list->size() <= 100, "lists are bounded");
  require(facts->build_id.size() <= 128, "a build id is short");
  require(!facts->manifest || facts->manifest->size() <= 256 << 10, "a manifest is bounded");
}

std::string told(const Inspection& inspection) {
  std::string out;
  for (const Finding& one : inspection.findings) {
    require(!one.code.empty() && !one.text.empty(), "a finding has a code and a text");
    out += one.code + " " + one.text + "\n";
  }
  return out;
}

void check_inspection(std::string_view file) {
  const Inspection inspection = inspect_image(file);
  require(inspection.may_load() == inspection.errors().empty(), "what may not load has its reasons");
  if (inspection.may_load()) {
    require(inspection.manifest && is_plugin_id(inspection.manifest->id), "what may load has a good id");
    require(is_plugin_version(inspection.manifest->version), "what may load has a good version");
  }
  const auto whole = sign(file, key());
  require(static_cast<bool>(whole), "any bytes can be signed");
  const auto block = signature_of(*whole);
  require(block && holds(*block, key()), "what was signed verifies");
  require(block->hash == sha256(unsigned_part(*whole)), "the hash is of what was signed");
  require(*sign(*whole, key()) == *whole, "signing again changes nothing");
  if (!signature_of(unsigned_part(file)))
    require(told(inspect_image(*whole)) == told(inspection), "a signature changes no finding",
            told(inspection));
}

}  // namespace
}  // namespace mimus::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mimus::fuzz;
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  check_facts(file);
  check_inspection(file);
  return 0;
}
