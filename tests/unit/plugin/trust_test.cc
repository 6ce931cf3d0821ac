// Signatures at the end of files, the keys that count, and what a policy makes of them.
#include "host/plugin/trust.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/plugin/inspect.h"
#include "tests/unit/plugin/sample_image.h"

namespace mimus {
namespace {

using State = Signature::State;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const TestKey& ours() {
  static const TestKey key(1);
  return key;
}
const TestKey& theirs() {
  static const TestKey key(2);
  return key;
}

const Manifest& manifest() {
  static const Manifest out = *inspect_image(sample_image()).manifest;
  return out;
}

std::string signed_by(const TestKey& key, std::string_view image = sample_image()) {
  return *sign(image, key.signing());
}

TEST(SignatureBlock, IsAppendedAndReplaced) {
  const std::string once = signed_by(ours());
  ASSERT_EQ(once.size(), sample_image().size() + signature_block_bytes);
  EXPECT_TRUE(once.starts_with(sample_image()));
  EXPECT_TRUE(once.ends_with(signature_magic));
  EXPECT_EQ(unsigned_part(once), sample_image());
  EXPECT_EQ(signed_by(ours(), once), once);
  const std::string again = signed_by(theirs(), once);
  EXPECT_EQ(again.size(), once.size());
  const auto block = signature_of(again);
  ASSERT_TRUE(block);
  EXPECT_EQ(block->key_id, theirs().checking().id());
  EXPECT_TRUE(holds(*block, theirs().checking()));
  EXPECT_FALSE(holds(*block, ours().checking()));
  EXPECT_FALSE(signature_of(sample_image()));
  EXPECT_FALSE(signature_of(""));
  EXPECT_FALSE(signature_of(signature_magic));
}

TEST(SignatureBlock, IsOfEd25519Keys) {
  // RFC 8032 says what the public key of a private one is; the id follows from it.
  EXPECT_EQ(ours().signing().id(), ours().checking().id());
  EXPECT_EQ(ours().signing().id().size(), 16U);
  EXPECT_FALSE(sign("x", ours().checking()));
  const TestKey rsa = TestKey::of_rsa();
  const struct {
    const char* name;
    Result<SigningKey> key;
    const char* message;
  } rows[] = {
      {"text for a public key", SigningKey::public_from("key", "k.pem"), "k.pem holds no public key"},
      {"nothing for a public key", SigningKey::public_from("", "k.pem"), "k.pem holds no public key"},
      {"the private key for the public", SigningKey::public_from(ours().private_pem, "k.pem"), "-pubout"},
      {"RSA for the public key", SigningKey::public_from(rsa.public_pem, "k.pem"), "no Ed25519 key"},
      {"text for a private key", SigningKey::private_from("key", "k.pem"), "k.pem holds no private key"},
      {"the public key for the private", SigningKey::private_from(ours().public_pem, "k.pem"), "genpkey"},
      {"RSA for the private key", SigningKey::private_from(rsa.private_pem, "k.pem"), "no Ed25519 key"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    ASSERT_FALSE(row.key);
    EXPECT_THAT(row.key.error().message, HasSubstr(row.message));
  }
}

class TrustTest : public ::testing::Test {
 protected:
  std::unique_ptr<Trust> trust(PluginPolicy policy = PluginPolicy::require) {
    options.policy = policy;
    options.directory = keys.path();
    auto opened = Trust::open(options);
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? *std::move(opened) : nullptr;
  }

  Scratch keys;
  TrustOptions options;
};

TEST_F(TrustTest, PoliciesDecideBySignature) {
  keys.put("ours.pem", ours().public_pem);
  keys.put("narrow.pem", theirs().public_pem);
  keys.put("narrow.json", R"({"ids":["com.example.","test.samp"]})");
  std::string changed = signed_by(ours());
  changed[changed.size() / 2] ^= 1;
  std::string forged = signed_by(ours());  // the hash is right, the signature is not
  forged[forged.size() - 20] ^= 1;
  const std::string whole = signed_by(ours());
  const std::string other_message = whole.substr(0, sample_image().size()) +
                                    signed_by(ours(), sample_image() + "x").substr(sample_image().size() + 1);
  const struct {
    const char* name;
    std::string image;
    State state;
    bool warned, required;  // whether it may load under either policy
    const char* message;
  } rows[] = {
      {"signed", whole, State::good, true, true, ""},
      {"unsigned", sample_image(), State::none, true, false, "is not signed: sign it with mimus plugin sign"},
      {"an unknown key", signed_by(TestKey(9)), State::unknown_key, true, false, "put its public key there"},
      {"a key of other plugins", signed_by(theirs()), State::out_of_scope, true, false,
       "the key narrow, which may not sign test.sample"},
      {"changed after signing", changed, State::bad, false, false,
       "was changed after it was signed (key ours)"},
      {"signed twice, then changed", signed_by(ours(), whole).insert(5, "x"), State::bad, false, false,
       "was changed"},
      {"a wrong signature", forged, State::bad, false, false, "has a signature that is not of the key ours"},
      {"the signature of another file", other_message, State::bad, false, false, "was changed"},
      {"a signature cut at its end", whole.substr(0, whole.size() - 3), State::bad, false, false,
       "is cut short"},
      {"a signature cut at its hash", whole.substr(0, whole.size() - 90), State::bad, false, false,
       "is cut short"},
      {"a signature cut off", whole.substr(0, sample_image().size()), State::none, true, false,
       "is not signed"},
      {"bytes behind a signature", whole + "x", State::none, true, false, "is not signed"},
      {"an unknown key and a change", signed_by(TestKey(9)).replace(100, 1, "x"), State::bad, false, false,
       "was changed"},
  };
  for (const auto& row : rows) {
    for (const auto policy : {PluginPolicy::off, PluginPolicy::warn, PluginPolicy::require}) {
      SCOPED_TRACE(std::string(row.name) + " under " + std::string(name_of(policy)));
      const Verdict verdict = trust(policy)->verify(row.image, manifest());
      EXPECT_EQ(verdict.signature.state, row.state);
      const bool loads =
          policy == PluginPolicy::off || (policy == PluginPolicy::warn ? row.warned : row.required);
      EXPECT_EQ(verdict.refusal.empty(), loads);
      EXPECT_THAT(loads ? testing::PrintToString(verdict.warnings) : verdict.refusal,
                  HasSubstr(policy == PluginPolicy::off ? "" : row.message));
      EXPECT_EQ(trust(policy)->verify(row.image, manifest(), true).refusal.empty(), row.required);
    }
  }
}

TEST_F(TrustTest, WithoutADirectoryNoKeyIsKnown) {
  const auto none = Trust::open({PluginPolicy::require, "", {}});
  ASSERT_TRUE(none);
  EXPECT_THAT((*none)->verify(signed_by(ours()), manifest()).refusal,
              HasSubstr("no --trust directory: name one"));
}

TEST_F(TrustTest, AnIdIsAllowedAsItIsOrByAPrefixThatEndsInADot) {
  keys.put("ours.pem", ours().public_pem);
  const std::string image = signed_by(ours());
  const struct {
    const char* ids;
    const char* id;
    bool good;
  } rows[] = {
      {R"([])", "com.example.x", false},
      {R"(["com.example."])", "com.example.x", true},
      {R"(["com.example."])", "com.example", false},
      {R"(["com.example"])", "com.example.x", false},
      {R"(["com.example.x"])", "com.example.x", true},
      {R"(["com.example.x"])", "com.example.xy", false},
      {R"(["a","com.example."])", "com.example.x", true},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(std::string(row.ids) + " " + row.id);
    keys.put("ours.json", std::string(R"({"ids":)") + row.ids + "}");
    Manifest named = manifest();
    named.id = row.id;
    EXPECT_EQ(trust()->verify(image, named).signature.state, row.good ? State::good : State::out_of_scope);
  }
}

TEST_F(TrustTest, GrantsWhatIsDeclaredWithinTheCeilingAndNotDenied) {
  keys.put("ours.pem", ours().public_pem);
  Manifest asks = manifest();
  asks.capabilities = {true, true, false, true, false, {"h"}};
  const std::string image = signed_by(ours());
  EXPECT_THAT(names_of(trust()->verify(image, asks).granted), ElementsAre("kv", "fetch", "journal"));
  keys.put("ours.json", R"({"capabilities":["kv","fetch","channel"]})");
  const Verdict narrowed = trust()->verify(image, asks);
  EXPECT_THAT(names_of(narrowed.granted), ElementsAre("kv", "fetch"));
  EXPECT_THAT(narrowed.warnings, ElementsAre("is granted no journal by its key ours"));
  EXPECT_THAT(narrowed.refusal, IsEmpty());
  options.denied["test.sample"] = {"fetch"};
  EXPECT_THAT(names_of(trust()->verify(image, asks).granted), ElementsAre("kv"));
  EXPECT_THAT(names_of(trust()->grant(asks)), ElementsAre("kv", "journal"));
  asks.id = "test.other";
  EXPECT_THAT(names_of(trust()->grant(asks)), ElementsAre("kv", "fetch", "journal"));
}

TEST_F(TrustTest, IsOnlyTightenedWhileRunning) {
  keys.put("ours.pem", ours().public_pem);
  const auto running = trust(PluginPolicy::warn);
  const Status loosened = running->tighten(PluginPolicy::off);
  ASSERT_FALSE(loosened);
  EXPECT_EQ(loosened.error().code, Code::conflict);
  EXPECT_THAT(loosened.error().message, HasSubstr("is warn and is not loosened to off while running"));
  EXPECT_TRUE(running->tighten(PluginPolicy::warn));
  EXPECT_TRUE(running->tighten(PluginPolicy::require));
  EXPECT_EQ(running->policy(), PluginPolicy::require);
  EXPECT_TRUE(running->verify(signed_by(theirs()), manifest()).refusal.size() > 0);

  keys.put("theirs.pem", theirs().public_pem);
  const Status read = running->reread({PluginPolicy::warn, keys.path(), {{"test.sample", {"kv"}}}});
  EXPECT_FALSE(read) << "the policy would be loosened";
  EXPECT_EQ(running->policy(), PluginPolicy::require);
  const Verdict now = running->verify(signed_by(theirs()), manifest());
  EXPECT_THAT(now.refusal, IsEmpty()) << "its key was read";
  EXPECT_FALSE(now.granted.kv);

  keys.put("bad.pem", "nonsense");
  EXPECT_FALSE(running->reread({PluginPolicy::require, keys.path(), {}}));
  EXPECT_FALSE(running->verify(signed_by(theirs()), manifest()).granted.kv) << "nothing was changed";
}

TEST_F(TrustTest, SaysWhatIsWrongWithAKeyOrItsLimits) {
  const struct {
    const char* name;
    const char* file;
    std::string text;
    const char* message;
  } rows[] = {
      {"no key", "b.pem", "x", "b.pem holds no public key"},
      {"an empty key", "b.pem", "", "b.pem holds no public key"},
      {"a key that is too large", "b.pem", std::string(70'000, 'x'), "b.pem is larger than 64 KiB"},
      {"a key twice", "b.pem", ours().public_pem, "holds the same key as"},
      {"limits that are no JSON", "ours.json", "{", "ours.json must hold a JSON object"},
      {"limits that are a list", "ours.json", "[]", "ours.json must hold a JSON object"},
      {"an unknown limit", "ours.json", R"({"idz":[]})", "unknown key \"idz\""},
      {"ids that are a text", "ours.json", R"({"ids":"com."})", "\"ids\""},
      {"an empty id", "ours.json", R"({"ids":[""]})", "array of strings"},
      {"ids that are numbers", "ours.json", R"({"ids":[1]})", "array of strings"},
      {"an unknown capability", "ours.json", R"({"capabilities":["disk"]})", "unknown capability \"disk\""},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const Scratch directory;
    directory.put("ours.pem", ours().public_pem);
    directory.put("README.md", "no key");
    directory.put(row.file, row.text);
    const auto opened = Trust::open({PluginPolicy::warn, directory.path(), {}});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Code::invalid);
    EXPECT_THAT(opened.error().message, HasSubstr(row.message));
  }
  const auto missing = Trust::open({PluginPolicy::warn, keys.path() + "/none", {}});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::unavailable);
}

}  // namespace
}  // namespace mimus
