// An admin API over a database in memory, with one plugin, for tests.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/admin/admin.h"
#include "host/pipeline/generation.h"
#include "host/plugin/plugin_host.h"
#include "host/route/definitions.h"
#include "mimus/json_text.h"
#include "store/database.h"

namespace mimus {

/// The plugin "test.sample": claims sample (endpoint, 1…10), sampleName (endpoint, a
/// pattern), sampleApi (API) and sampleEvents (channel), which it makes of sessions; its check refuses sample
/// 7 and says that 8 is not available; has routes at /admin/sample and the reset "samples".
PluginSource sample_plugin();

class FakeChannels final : public ChannelControl {
 public:
  Result<std::vector<ChannelInfo>> list(const Ulid& endpoint) override {
    if (busy) return too_busy;
    std::vector<ChannelInfo> out;
    for (const ChannelInfo& channel : open) {
      if (channel.endpoint == endpoint) out.push_back(channel);
    }
    return out;
  }
  Result<std::size_t> send(const ChannelSend& what) override {
    if (busy) return too_busy;
    Outgoing message = what.message;
    const bool event = message.kind() == Outgoing::Kind::event;
    sent.push_back(
        (event ? message.parts().name + " " + message.parts().args : std::string(message.raw_payload())) +
        (what.room.empty() ? "" : " to " + what.room) + (what.channel ? " to " + what.channel->text() : ""));
    return what.channel ? 1 : list(what.endpoint)->size();
  }
  Result<bool> close(const Ulid& endpoint, const Ulid& channel, int code,
                     const std::string& reason) override {
    if (busy) return too_busy;
    closed.push_back(std::to_string(code) + " " + reason);
    return std::erase_if(open,
                         [&](const ChannelInfo& c) { return c.endpoint == endpoint && c.id == channel; }) > 0;
  }
  Result<Applied> apply(const Ulid& endpoint) override {
    if (refuse_apply) return Error{Code::unavailable, "plugin x is not loaded"};
    return Applied{list(endpoint)->size(), 1};
  }

  void close_gone() override { ++looked_for_gone; }

  int looked_for_gone = 0;
  std::vector<ChannelInfo> open;
  std::vector<std::string> sent, closed;
  bool refuse_apply = false;
  bool busy = false;  ///< A worker does not answer.

 private:
  const Error too_busy{Code::unavailable, "a worker is too busy to answer: try again"};
};

struct Reply {
  int status = 0;
  std::string body;
  std::map<std::string, std::string> headers;

  /// The source text of a member of the body, "" if it has none.
  std::string at(std::string_view name) const { return std::string(json::member(body, name).value_or("")); }
  std::string text(std::string_view name) const {
    return json::unquote(json::member(body, name).value_or(""));
  }
  /// "pointer: detail" of each error, a line each.
  std::string errors() const {
    std::string out;
    json::elements(json::member(body, "errors").value_or("[]"), [&](std::string_view one) {
      out += json::unquote(json::member(one, "pointer").value_or("")) + ": " +
             json::unquote(json::member(one, "detail").value_or("")) + "\n";
      return true;
    });
    return out;
  }
  std::string code() const { return text("type").substr(std::string("urn:mimus:error:").size()); }
};

class World : public testing::Test {
 protected:
  World() : World(true) {}
  explicit World(bool with_plugin) {
    database = memory_database(clock);
    std::vector<PluginSource> sources;
    if (with_plugin) sources.push_back(sample_plugin());
    PluginServices services;
    services.clock = &clock;
    services.kv = &database->kv();
    services.log = [](mimus_log_level, std::string_view) {};
    services.extension = [](std::string_view) -> const void* { return nullptr; };
    auto loaded =
        PluginHost::load(std::move(sources), services, [](const OptionSpec& spec) { return spec.fallback; });
    EXPECT_TRUE(loaded) << loaded.error().message;
    plugins = *std::move(loaded);
    JournalOptions options;
    options.plugin_fields = plugins->journal_fields();
    options.reader_patience = std::chrono::seconds(60);  // Only a test that fails waits that long.
    auto opened = open_journal(database->blocks(), clock, options);
    EXPECT_TRUE(opened);
    journal = *std::move(opened);
    generations = std::make_unique<Generations>(*plugins);
    open_admin();
  }
  ~World() override {
    admin.reset();
    generations.reset();
    EXPECT_TRUE(journal->close());
  }

  /// As after a restart: everything but the stored data is new.
  void open_admin() {
    AdminServices services;
    services.clock = &clock;
    services.database = database.get();
    services.journal = journal.get();
    services.plugins = plugins.get();
    services.generations = generations.get();
    services.channels = &channels;
    services.explain = [](const Ulid& id) {
      return Result<std::string>("{\"endpointId\":" + json::quoted(id.text()) + "}");
    };
    services.version = "0.0.0";
    services.admin_token = "first";
    auto opened = Admin::open(std::move(services));
    ASSERT_TRUE(opened) << opened.error().message;
    admin = *std::move(opened);
  }

  Reply call(AdminCall request) {
    if (request.authorization.empty()) request.authorization = "Bearer first";
    AdminResult result = admin->handle(request);
    Reply reply{result.status, std::move(result.body), {}};
    for (auto& [name, value] : result.headers) reply.headers[name] = value;
    return reply;
  }
  Reply call(const std::string& method, const std::string& target, const std::string& body = "") {
    AdminCall request;
    request.method = method;
    request.path = target.substr(0, target.find('?'));
    if (target.find('?') != std::string::npos) request.query = target.substr(target.find('?') + 1);
    request.body = body;
    return call(std::move(request));
  }

  /// Makes an API and returns its path.
  std::string make_api(const std::string& slug = "shop") {
    const Reply made = call("POST", "/admin/api-definitions", R"({"slug":")" + slug + "\"}");
    EXPECT_EQ(made.status, 201) << made.body;
    return "/admin/api-definitions/" + made.text("id");
  }
  DefinitionsPtr definitions() const { return generations->definitions(); }

  FakeClock clock;
  std::unique_ptr<Database> database;
  std::unique_ptr<PluginHost> plugins;
  std::unique_ptr<Journal> journal;
  std::unique_ptr<Generations> generations;
  FakeChannels channels;
  std::unique_ptr<Admin> admin;
};

}  // namespace mimus
