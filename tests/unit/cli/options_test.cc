// Which of flag, environment, file and default counts, and what is refused by name.
#include "host/cli/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace mimus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A plugin with an option of each type.
Manifest plugin() {
  Manifest out;
  out.id = "test.plugin";
  OptionSpec number;
  number.type = OptionSpec::Type::integer;
  number.name = "test-number";
  number.help = "a number";
  number.environment = {"OLD_NUMBER"};
  number.fallback = "5";
  number.minimum = 1;
  number.maximum = 100;
  OptionSpec flag;
  flag.type = OptionSpec::Type::flag;
  flag.name = "test-flag";
  flag.fallback = "false";
  OptionSpec text;
  text.name = "test-text";
  text.fallback = "null";
  out.options = {number, flag, text};
  return out;
}

class Options : public testing::Test {
 protected:
  Options() {
    char name[] = "/tmp/mimus-options-XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  ~Options() override { std::filesystem::remove_all(directory_); }

  /// The arguments that name a config file with this text.
  std::string file(const std::string& text) {
    const std::string path = directory_ + "/config.json";
    std::ofstream(path) << text;
    return path;
  }

  Result<ServeConfig> parse(std::vector<std::string> arguments) {
    const Surroundings surroundings{[this](const std::string& name) { return environment_[name]; }, 3};
    return parse_serve(arguments, surroundings, {&plugin_});
  }

  std::string refusal(std::vector<std::string> arguments) {
    const auto config = parse(std::move(arguments));
    if (config) return "(accepted)";
    EXPECT_EQ(config.error().code, Code::invalid);
    EXPECT_EQ(config.error().message.find('\n'), std::string::npos);
    return config.error().message;
  }

  Manifest plugin_ = plugin();
  std::map<std::string, std::string> environment_;
  std::string directory_;
};

TEST_F(Options, AreTheContractsDefaults) {
  const auto config = parse({});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_THAT(config->listen, ElementsAre("127.0.0.1:3000"));
  EXPECT_EQ(config->data, "./mimus-data");
  EXPECT_EQ(config->workers, 3u);
  EXPECT_EQ(config->journal, JournalMode::lossless);
  EXPECT_EQ(config->journal_age, std::chrono::hours(168));
  EXPECT_EQ(config->journal_bytes, 1u << 30);
  EXPECT_TRUE(config->proxy_allow_private);
  EXPECT_TRUE(config->plugin_options.empty());
}

TEST_F(Options, ComeFromTheHighestRankThatSaysThem) {
  struct Row {
    const char* name;
    bool flag, environment, older, in_file;
    const char* number;
  };
  for (const Row& row : {Row{"flag over all", true, true, true, true, "11"},
                         Row{"environment over older name", false, true, true, true, "12"},
                         Row{"older name over file", false, false, true, true, "13"},
                         Row{"file over default", false, false, false, true, "14"},
                         Row{"default left to the plugin", false, false, false, false, ""}}) {
    environment_.clear();
    std::vector<std::string> arguments;
    if (row.in_file) arguments = {"--config", file(R"({"test-number": 14, "data": "/file"})")};
    if (row.older) environment_["OLD_NUMBER"] = "13";
    if (row.environment) environment_["MIMUS_TEST_NUMBER"] = "12";
    if (row.flag) arguments.insert(arguments.end(), {"--test-number", "11"});
    const auto config = parse(arguments);
    ASSERT_TRUE(config) << row.name << ": " << config.error().message;
    const auto at = config->plugin_options.find("test-number");
    EXPECT_EQ(at == config->plugin_options.end() ? "" : at->second, row.number) << row.name;
    EXPECT_EQ(config->data, row.in_file ? "/file" : "./mimus-data") << row.name;
  }
}

TEST_F(Options, ThatMayBeRepeatedAreListsInEverySource) {
  EXPECT_THAT(parse({"--listen", "127.0.0.1:0", "--listen=127.0.0.1:1"})->listen,
              ElementsAre("127.0.0.1:0", "127.0.0.1:1"));
  EXPECT_THAT(parse({"--config", file(R"({"listen": ["[::1]:1", "[::1]:2"]})")})->listen,
              ElementsAre("[::1]:1", "[::1]:2"));
  environment_["MIMUS_LISTEN"] = "127.0.0.1:4,127.0.0.1:5";
  EXPECT_THAT(parse({})->listen, ElementsAre("127.0.0.1:4", "127.0.0.1:5"));
}

TEST_F(Options, OfPluginsBecomeJson) {
  const auto config = parse({"--test-flag", "1", "--test-text", "a\"b", "--config",
                             file(R"({"plugins": {"test.plugin": {"a": [1.50]}}})")});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->plugin_options.at("test-flag"), "true");
  EXPECT_EQ(config->plugin_options.at("test-text"), R"("a\"b")");
  EXPECT_EQ(config->plugin_config.at("test.plugin"), R"({"a":[1.5]})");
}

TEST_F(Options, AllowPrivateTargetsOnlyWhileEveryListenerIsLoopback) {
  EXPECT_TRUE(parse({"--listen", "[::1]:0", "--listen", "localhost:0"})->proxy_allow_private);
  EXPECT_FALSE(parse({"--listen", "127.0.0.1:0", "--listen", "0.0.0.0:0"})->proxy_allow_private);
  EXPECT_TRUE(parse({"--listen", "0.0.0.0:0", "--proxy-allow-private", "yes"})->proxy_allow_private);
  EXPECT_FALSE(parse({"--proxy-allow-private", "no"})->proxy_allow_private);
}

TEST_F(Options, TakeLimitsAndTrustedProxiesFromTheFile) {
  const auto config = parse(
      {"--config", file(R"({"maxBodyBytes": 5, "keepAliveMs": 1500, "trustedProxies": ["10.0.0.0/8"]})")});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->limits.max_body_bytes, 5u);
  EXPECT_EQ(config->limits.keep_alive, std::chrono::milliseconds(1500));
  EXPECT_THAT(config->trusted_proxies, ElementsAre("10.0.0.0/8"));
}

TEST_F(Options, TakeTheTimesOfChannelsFromTheFile) {
  const auto plain = parse({});
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(plain->engine.ping_interval, std::chrono::seconds(25));
  EXPECT_EQ(plain->engine.ping_timeout, std::chrono::seconds(20));
  EXPECT_EQ(plain->connect_timeout, std::chrono::seconds(45));
  EXPECT_EQ(plain->engine.max_payload, 1'000'000u);
  const auto config = parse({"--config", file(R"({"pingInterval": 300, "pingTimeout": 200, "maxPayload": 5000,
                                                  "connectTimeout": 100})")});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->engine.ping_interval, std::chrono::milliseconds(300));
  EXPECT_EQ(config->engine.ping_timeout, std::chrono::milliseconds(200));
  EXPECT_EQ(config->connect_timeout, std::chrono::milliseconds(100));
  EXPECT_EQ(config->engine.max_payload, 5000u);
}

TEST_F(Options, ThatAreUnknownOrBadAreRefusedByName) {
  struct Row {
    std::vector<std::string> arguments;
    const char* part;
  };
  for (const Row& row : std::vector<Row>{
           {{"--lisen", "127.0.0.1:0"}, "--lisen (did you mean --listen?)"},
           {{"--nothing-like-it"}, "unknown flag --nothing-like-it"},
           {{"word"}, "\"word\""},
           {{"--data"}, "--data"},
           {{"--data", "a", "--data", "b"}, "--data is given twice"},
           {{"--workers", "0"}, "--workers \"0\": must be a number from 1 to 256"},
           {{"--workers", "257"}, "--workers"},
           {{"--workers", "2x"}, "--workers"},
           {{"--journal", "maybe"}, "--journal \"maybe\": must be lossless, lossy or off"},
           {{"--journal-retention", "7"}, "--journal-retention"},
           {{"--proxy-allow-private", "perhaps"}, "must be yes or no"},
           {{"--log-format", "xml"}, "--log-format"},
           {{"--log-level", "loud"}, "--log-level"},
           {{"--default-api", "No Slug"}, "--default-api"},
           {{"--test-number", "101"}, "--test-number \"101\": must be a whole number from 1 to 100"},
           {{"--test-flag", "2"}, "--test-flag"},
           {{"--maxBodyBytes", "5"}, "--maxBodyBytes"},
           {{"--trust", ""}, "--trust \"\": must not be empty"},
           {{"--plugin-policy", "maybe"}, "--plugin-policy \"maybe\": must be off, warn or require"},
           {{"--production", "--plugin-policy", "warn"}, "must be require under --production"},
           {{"--production", "--proxy-allow-private", "yes"}, "must be no under --production"},
           {{"--production", "--production"}, "--production is given twice"},
           {{"--pingInterval", "1"}, "--pingInterval"},
           {{"--tls-cert", "a.pem"}, "tls-cert a.pem has no key; give as many --tls-key as --tls-cert"},
           {{"--tls-key", "a.key"}, "tls-key a.key has no certificate"},
           {{"--tls-cert", "a", "--tls-cert", "b", "--tls-key", "c"}, "tls-cert b has no key"},
           {{"--tls-cert", "", "--tls-key", "c"}, "--tls-cert \"\": must not be empty"},
           {{"--tls-client-ca", "ca.pem"}, "tls-client-ca ca.pem needs TLS"},
           {{"--tls-cert", "a", "--tls-key", "b", "--tls-client-ca", "c", "--tls-client-ca", "d"}, "twice"},
           {{"--supervise=maybe"}, "--supervise \"maybe\": must be yes or no"},
           {{"--plugin-hang", "500"}, "--plugin-hang \"500\": must be a time from 1s to 1h"},
           {{"--plugin-hang", "2h"}, "from 1s to 1h"},
           {{"--config", file(R"({"lisen": "x"})")}, "unknown key \"lisen\""},
           {{"--config", directory_ + "/absent"}, "cannot be read"}}) {
    EXPECT_THAT(refusal(row.arguments), HasSubstr(row.part));
  }
}

TEST_F(Options, OfTheFileAreRefusedByName) {
  struct Row {
    const char *text, *part;
  };
  for (const Row& row :
       {Row{"[]", "must hold a JSON object"},
        Row{"{", "is not JSON"},
        Row{R"({"lisen": "x"})", "did you mean listen?"},
        Row{R"({"config": "x"})", "unknown key \"config\""},
        Row{R"({"data": {"a": 1}})", "key \"data\""},
        Row{R"({"data": ["a", "b"]})", "several values"},
        Row{R"({"pingTimeout": 0})", "key \"pingTimeout\""},
        Row{R"({"pingInterval": 86400001})", "must be a whole number from 1 to 86400000"},
        Row{R"({"connectTimeout": "1s"})", "key \"connectTimeout\""},
        Row{R"({"maxPayload": 0})", "must be a whole number from 1 to 4294967296"},
        Row{R"({"pingIntervall": 1})", "did you mean pingInterval?"},
        Row{R"({"production": "perhaps"})", "must be yes or no"},
        Row{R"({"pluginCapabilities": []})", "key \"pluginCapabilities\""},
        Row{R"({"pluginCapabilities": {"a.b": ["fetch"]}})", "a.b must be as"},
        Row{R"({"pluginCapabilities": {"a.b": {"allow": []}}})", "a.b must be as"},
        Row{R"({"pluginCapabilities": {"a.b": {"deny": [1]}}})", "a.b must be as"},
        Row{R"({"pluginCapabilities": {"a.b": {"deny": ["disk"]}}})", "unknown capability \"disk\" of a.b"},
        Row{R"({"maxHeaders": 0})", "key \"maxHeaders\""},
        Row{R"({"maxHeaders": 1.5})", "key \"maxHeaders\""},
        Row{R"({"trustedProxies": ["10.0.0.0/40"]})", "CIDR"},
        Row{R"({"plugins": {"test.plugni": {}}})", "did you mean test.plugin?"}}) {
    EXPECT_THAT(refusal({"--config", file(row.text)}), HasSubstr(row.part)) << row.text;
  }
}

TEST_F(Options, OfTheEnvironmentAreRefusedByName) {
  environment_["MIMUS_WORKERS"] = "many";
  EXPECT_THAT(refusal({}), HasSubstr("MIMUS_WORKERS \"many\""));
}

TEST_F(Options, SwitchesStandAloneAndCanBeToldEverywhere) {
  struct Row {
    const char* name;
    std::vector<std::string> arguments;
    const char* environment;
    bool supervise;
  };
  for (const Row& row :
       {Row{"by default", {}, "", true}, Row{"alone", {"--no-supervise", "--workers", "2"}, "", false},
        Row{"with a value", {"--supervise=no"}, "", false}, Row{"by the environment", {}, "no", false},
        Row{"by a flag over the environment", {"--supervise"}, "no", true},
        Row{"by the file", {"--config", file(R"({"supervise": false})")}, "", false}}) {
    environment_["MIMUS_SUPERVISE"] = row.environment;
    const auto config = parse(row.arguments);
    ASSERT_TRUE(config) << row.name << ": " << config.error().message;
    EXPECT_EQ(config->supervise, row.supervise) << row.name;
  }
  environment_.clear();
  environment_["MIMUS_NO_SUPERVISE"] = "1";
  EXPECT_TRUE(parse({"--supervise"})->supervise) << "a flag over the environment's opposite";
  EXPECT_FALSE(parse({"--config", file(R"({"supervise": true})")})->supervise);
  environment_.clear();
  EXPECT_EQ(parse({"--plugin-hang", "2m"})->plugin_hang, std::chrono::minutes(2));
}

TEST_F(Options, PairCertificatesAndKeysInOrderWhereverTheyWereTold) {
  environment_["MIMUS_TLS_KEY"] = "a.key,b.key";
  const auto config =
      parse({"--tls-cert", "a.pem", "--tls-cert", "b.pem", "--config", file(R"({"tls-client-ca": "ca"})")});
  ASSERT_TRUE(config);
  ASSERT_EQ(config->tls.pairs.size(), 2u);
  EXPECT_EQ(config->tls.pairs[1].certificate, "b.pem");
  EXPECT_EQ(config->tls.pairs[1].key, "b.key");
  EXPECT_EQ(config->tls.client_ca, "ca");
}

TEST_F(Options, ThatChangedInTheFileAreToldApartFromThoseOfTls) {
  const auto started =
      parse({"--config", file(R"({"tls-cert":"a","tls-key":"b","workers":1,"journal":"off"})")});
  const auto now =
      parse({"--config", file(R"({"tls-cert":"c","tls-key":"b","workers":2,"maxHeaders":9,"journal":"off",
                                              "plugins":{"test.plugin":{"a":1}}})")});
  ASSERT_TRUE(started && now);
  EXPECT_THAT(changed_for_restart(*started, *now),
              ElementsAre("maxHeaders", "plugins.test.plugin", "workers"));
  EXPECT_THAT(changed_for_restart(*now, *started),
              ElementsAre("maxHeaders", "plugins.test.plugin", "workers"));
  EXPECT_THAT(changed_for_restart(*now, *now), ElementsAre());
}

TEST_F(Options, SayWhosePluginsAreLoaded) {
  const auto fallback = parse({});
  ASSERT_TRUE(fallback);
  EXPECT_EQ(fallback->trust.policy, PluginPolicy::warn);
  EXPECT_EQ(fallback->trust.directory, "");
  EXPECT_FALSE(fallback->production);
  const auto told = parse({"--plugin-policy", "off", "--trust", "keys", "--config",
                           file(R"({"pluginCapabilities": {"a.b": {"deny": ["fetch", "kv"]}}})")});
  ASSERT_TRUE(told);
  EXPECT_EQ(told->trust.policy, PluginPolicy::off);
  EXPECT_EQ(told->trust.directory, "keys");
  EXPECT_THAT(told->trust.denied.at("a.b"), ElementsAre("fetch", "kv"));
}

TEST_F(Options, ForProductionAreStrict) {
  const std::string in_file = file(R"({"production": true})");
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--production"},
                                                    {"--config", in_file},
                                                    {"--production", "--plugin-policy", "require"}}) {
    const auto config = parse(arguments);
    ASSERT_TRUE(config);
    EXPECT_TRUE(config->production);
    EXPECT_EQ(config->trust.policy, PluginPolicy::require);
    EXPECT_FALSE(config->proxy_allow_private);
  }
  const auto over = parse({"--production=no", "--config", in_file});
  ASSERT_TRUE(over);
  EXPECT_FALSE(over->production) << "a flag is over the file";
  environment_["MIMUS_PRODUCTION"] = "yes";
  EXPECT_TRUE(parse({})->production);
}

TEST_F(Options, NamePluginDirectoriesBeforeTheRestIsKnown) {
  const Surroundings surroundings{[](const std::string&) { return ""; }, 1};
  const auto told =
      told_plugin_directories({"--of-a-plugin", "7", "--plugins", "a", "--plugins=b"}, surroundings);
  ASSERT_TRUE(told);
  EXPECT_THAT(*told, ElementsAre("a", "b"));
}

TEST_F(Options, AreAllInTheHelpButThoseOfTheFile) {
  const std::string help = serve_help({&plugin_});
  for (const char* const flag :
       {"--listen", "--config", "--journal-retention", "--test-number", "(default 5)", "--production  ",
        "--trust DIR", "--plugin-policy off|warn|require"}) {
    EXPECT_THAT(help, HasSubstr(flag));
  }
  for (const char* const flag : {"--pingInterval", "maxBodyBytes"}) {
    EXPECT_EQ(help.find(flag), std::string::npos) << flag;
  }
}

}  // namespace
}  // namespace mimus
