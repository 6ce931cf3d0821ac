// Manifests: good ones, each kind of bad one, and ELF files that are cut or spoiled.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

#include "host/plugin/manifest.h"

namespace mimus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A manifest that is good but for one replacement.
std::string manifest(const std::string& from = "", const std::string& to = "") {
  std::string text =
      R"({"id":"x.y","version":"1.0.0","abi":{"major":1,"minor":0},"summary":"s",)"
      R"("order":{"phase":"edge","after":["a"],"before":["b"]},"fail":"closed",)"
      R"("fields":{"api":{"one":{}},"endpoint":{"two":{"type":"string"}},"channel":{}},)"
      R"("reads":{"endpoint":["path"]},"endpoint_schema":{"type":"object"},)"
      R"("options":[{"name":"n","type":"integer","minimum":1,"maximum":9,"default":3,"help":"h","environment":["N"]}],)"
      R"("journal":[{"name":"j","type":"flag","indexed":true,"filter":"f"}],)"
      R"("admin":{"path":"/admin/x","operations":[]},"resets":["r"],)"
      R"("capabilities":{"kv":true,"fetch":{"hosts":["h:1"]},"journal":false},"unload":"never"})";
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(ParseManifest, ReadsAll) {
  const Result<Manifest> parsed = parse_manifest(manifest());
  ASSERT_TRUE(parsed) << parsed.error().message;
  const Manifest& m = *parsed;
  EXPECT_EQ(m.id, "x.y");
  EXPECT_EQ(m.version, "1.0.0");
  EXPECT_EQ(m.abi_major, 1U);
  EXPECT_EQ(m.abi_minor, 0U);
  EXPECT_EQ(m.phase, Phase::edge);
  EXPECT_THAT(m.after, ElementsAre("a"));
  EXPECT_THAT(m.before, ElementsAre("b"));
  EXPECT_TRUE(m.fail_closed);
  EXPECT_EQ(m.fields[0].at(0).name, "one");
  EXPECT_EQ(m.fields[1].at(0).schema, R"({"type":"string"})");
  EXPECT_TRUE(m.fields[2].empty());
  EXPECT_THAT(m.reads[1], ElementsAre("path"));
  EXPECT_EQ(m.options.at(0).fallback, "3");
  EXPECT_EQ(m.options.at(0).maximum, 9);
  EXPECT_THAT(m.options.at(0).environment, ElementsAre("N"));
  EXPECT_TRUE(m.journal.at(0).indexed);
  EXPECT_EQ(m.journal.at(0).filter, "f");
  EXPECT_EQ(m.admin_path, "/admin/x");
  EXPECT_EQ(m.admin_operations, "[]");
  EXPECT_THAT(m.resets, ElementsAre("r"));
  EXPECT_THAT(names_of(m.capabilities), ElementsAre("kv", "fetch"));
  EXPECT_THAT(m.capabilities.fetch_hosts, ElementsAre("h:1"));
  EXPECT_TRUE(m.unload_never);
  EXPECT_EQ(m.text, manifest());
}

TEST(ParseManifest, TheLeastIsEnough) {
  const Result<Manifest> parsed = parse_manifest(
      R"({"id":"x","version":"1","summary":"","abi":{"major":1,"minor":0},"fail":"open","order":{"phase":"observe"}})");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_FALSE(parsed->fail_closed);
  EXPECT_EQ(parsed->admin_path, "");
  EXPECT_EQ(parsed->capabilities, Capabilities{});
  EXPECT_FALSE(parsed->unload_never);
}

TEST(ParseManifest, SaysWhatIsWrong) {
  const struct {
    const char* name;
    const char* from;
    const char* to;
    const char* message;
  } rows[] = {
      {"cut short", "\"never\"}", "", "does not parse"},
      {"an unknown capability", "\"kv\"", "\"disk\"", "\"disk\" in \"capabilities\""},
      {"a capability that is no flag", "\"kv\":true", "\"kv\":1",
       "\"kv\" of \"capabilities\" must be true or false"},
      {"fetch from everywhere", R"("fetch":{"hosts":["h:1"]})", R"("fetch":true)",
       "\"fetch\" of \"capabilities\""},
      {"fetch from nowhere", R"(["h:1"])", "[]", "must name the hosts"},
      {"fetch from a URL", "h:1", "http://h", "\"http://h\""},
      {"another way to unload", "\"never\"", "\"always\"", "verified or never"},
      {"an unknown key", "\"summary\"", "\"sumary\"", "sumary"},
      {"no id", R"("id":"x.y",)", "", "\"id\""},
      {"an empty id", "x.y", "", "\"id\" is empty"},
      {"an id with NUL", "x.y", "x\\u0000y", "\"id\""},
      {"an id that is no text", "\"x.y\"", "7", "\"id\" must be a string"},
      {"no version", R"("version":"1.0.0",)", "", "\"version\""},
      {"no ABI", R"("abi":{"major":1,"minor":0},)", "", "\"abi\" is missing"},
      {"an ABI that is no object", R"({"major":1,"minor":0})", "1", "\"abi\" must be an object"},
      {"a negative ABI", "\"major\":1", "\"major\":-1", "\"major\""},
      {"an ABI that would wrap to 0", "\"major\":1", "\"major\":4294967296", "\"major\""},
      {"a fractional ABI", "\"minor\":0", "\"minor\":1.5", "\"minor\""},
      {"no order", R"("order":{"phase":"edge","after":["a"],"before":["b"]},)", "", "\"order\" is missing"},
      {"a phase that is none", "edge", "inside", "inside"},
      {"after is no array", R"(["a"])", "\"a\"", "\"after\""},
      {"before holds a number", R"(["b"])", "[1]", "\"before\""},
      {"an unknown key in order", "\"before\"", "\"behind\"", "behind"},
      {"a policy that is none", "closed", "shut", "\"fail\""},
      {"fields of an unknown level", "\"channel\"", "\"canal\"", "canal"},
      {"fields that are an array", R"({"one":{}})", R"(["one"])", "\"api\""},
      {"fields that are a text", R"({"one":{}})", "\"one\"", "\"api\""},
      {"reads that are no array", R"(["path"])", "\"path\"", "\"endpoint\""},
      {"options that are an object", R"([{"name":"n",)", R"({"n":{"name":"n",)", "parse"},
      {"options that are a number",
       R"([{"name":"n","type":"integer","minimum":1,"maximum":9,"default":3,"help":"h","environment":["N"]}])",
       "5", "\"options\""},
      {"an option that is no object",
       R"({"name":"n","type":"integer","minimum":1,"maximum":9,"default":3,"help":"h","environment":["N"]})",
       "1", "an option"},
      {"an option of an unknown type", "\"integer\"", "\"float\"", "type of option n"},
      {"a minimum that is no number", "\"minimum\":1", "\"minimum\":\"1\"", "parse"},
      {"an unknown key of an option", "\"help\"", "\"halp\"", "halp"},
      {"a journal field of an unknown type", "\"flag\"", "\"bit\"", "type of journal field j"},
      {"indexed is no flag", "\"indexed\":true", "\"indexed\":1", "parse"},
      {"the journal is an object", R"([{"name":"j","type":"flag","indexed":true,"filter":"f"}])", "{}",
       "\"journal\""},
      {"an admin path elsewhere", "/admin/x", "/mock/x", "/admin/"},
      {"resets are no array", R"(["r"])", "\"r\"", "\"resets\""},
      {"not UTF-8", "\"s\"", "\"\xff\"", "parse"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const Result<Manifest> parsed = parse_manifest(manifest(row.from, row.to));
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().code, Code::invalid);
    EXPECT_THAT(parsed.error().message, HasSubstr(row.message));
  }
  for (const char* const text : {"", "null", "[]", "7", "\"x\"", "{"}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(parse_manifest(text));
  }
  const std::string deep(100'000, '[');
  EXPECT_FALSE(parse_manifest(manifest("{\"type\":\"object\"}", deep)));
}

class ElfFile : public ::testing::Test {
 protected:
  ElfFile() {
    char name[] = "/tmp/mimus-elf-XXXXXX";
    const int fd = mkstemp(name);
    EXPECT_GE(fd, 0);
    close(fd);
    path = name;
    std::ifstream in(SAMPLE_PLUGIN, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    good = text.str();
  }
  ~ElfFile() override { unlink(path.c_str()); }

  Result<std::string> read(std::string_view bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return read_manifest(path);
  }

  std::string path, good;
};

TEST_F(ElfFile, OfAPluginHoldsItsManifest) {
  const Result<std::string> text = read_manifest(SAMPLE_PLUGIN);
  ASSERT_TRUE(text) << text.error().message;
  const Result<Manifest> parsed = parse_manifest(*text);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->id, "test.sample");
}

TEST_F(ElfFile, CutShortAnywhereIsNoPlugin) {
  for (std::size_t n = 0; n < good.size(); n += n < 70 ? 1 : good.size() / 311) {
    SCOPED_TRACE(n);
    EXPECT_FALSE(read(std::string_view(good).substr(0, n)));
  }
}

TEST_F(ElfFile, WithSpoiledBytesIsReadOrRefused) {
  std::mt19937 random(42);
  std::size_t refused = 0;
  for (int round = 0; round < 400; ++round) {
    std::string bytes = good;
    // The head, then the table of sections at the end, then anywhere.
    const std::size_t from = round % 3 == 1 ? bytes.size() - 4096 : 0;
    const std::size_t span = round % 3 == 0 ? 64 : round % 3 == 1 ? 4096 : bytes.size();
    for (int i = 0; i < 8; ++i) bytes[from + random() % span] = static_cast<char>(random());
    const Result<std::string> text = read(bytes);
    if (text) {
      static_cast<void>(parse_manifest(*text));
    } else {
      ++refused;
    }
  }
  EXPECT_GT(refused, 100U);
}

TEST_F(ElfFile, ThatIsNoPluginIsToldApart) {
  std::string other_class = good, other_order = good, program = good, other_machine = good, renamed = good;
  other_class[4] = 1;
  other_order[5] = 2;
  program[16] = 2;
  other_machine[18] = 40;
  const std::size_t at = renamed.rfind(MIMUS_MANIFEST_SECTION);
  ASSERT_NE(at, std::string::npos);
  renamed[at + 1] = 'x';
  const struct {
    const char* name;
    std::string_view bytes;
    Code code;
  } rows[] = {
      {"empty", "", Code::invalid},
      {"text", "#!/bin/sh\necho plugin\n", Code::invalid},
      {"32 bits", other_class, Code::invalid},
      {"big-endian", other_order, Code::invalid},
      {"a program", program, Code::invalid},
      {"another machine", other_machine, Code::invalid},
      {"no manifest", renamed, Code::not_found},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const Result<std::string> text = read(row.bytes);
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, row.code);
    EXPECT_THAT(text.error().message, HasSubstr(path));
  }
  for (const char* const nothing : {"/nowhere/x.so", "/"}) {
    SCOPED_TRACE(nothing);
    const Result<std::string> text = read_manifest(nothing);
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, Code::unavailable);
  }
}

}  // namespace
}  // namespace mimus
