// Definitions made of recorded sessions.
#include "host/admin/session.h"
#include "tests/unit/admin/world.h"

namespace mimus {
namespace {

using testing::HasSubstr;

/// A journal whose writer never catches up with its readers.
class LateJournal final : public Journal {
 public:
  explicit LateJournal(Journal& journal) : all_(journal) {}
  Producer& producer(unsigned index) override { return all_.producer(index); }
  const std::vector<FieldSpec>& fields() const override { return all_.fields(); }
  int field(std::string_view name) const override { return all_.field(name); }
  Result<std::vector<int>> add_fields(std::span<const FieldSpec> specs) override {
    return all_.add_fields(specs);
  }
  Result<Page> page(std::span<const Filter> filters, std::size_t limit, std::string_view cursor) override {
    return all_.page(filters, limit, cursor);
  }
  Result<bool> scan(std::span<const Filter> filters,
                    const std::function<bool(const Record&)>& each) override {
    if (const auto fresh = all_.scan(filters, each); !fresh) return fresh.error();
    return false;
  }
  Result<Record> find(const Ulid& id) override { return all_.find(id); }
  Result<std::vector<Record>> find(std::span<const Ulid> ids) override { return all_.find(ids); }
  Status clear() override { return all_.clear(); }
  Status flush() override { return all_.flush(); }
  Stats stats() const override { return all_.stats(); }
  Status close() override { return all_.close(); }

 private:
  Journal& all_;
};

class AdminSessions : public World {
 protected:
  AdminSessions() {
    api = make_api();
    const Reply made = call("POST", api + "/websocket-endpoints", R"({"path":"/ws/a","subprotocols":["x"]})");
    EXPECT_EQ(made.status, 201) << made.body;
    endpoint = *Ulid::parse(made.text("id"));
    at = "/admin/websocket-endpoints/" + made.text("id") + "/record";
  }

  void keep(std::vector<FieldValue> fields) {
    const std::string id = connection.text();
    fields.push_back({field_connection_id, 0, id});
    fields.push_back({field_protocol, 0, "socket.io"});
    RecordInput input;
    input.id = ids.next(clock.wall_us());
    input.endpoint = endpoint;
    input.kind = RecordKind::channel;
    input.time_us = clock.wall_us();
    input.extra = fields;
    ASSERT_TRUE(journal->producer(0).append(input));
    ASSERT_TRUE(journal->page({}, 1, ""));  // drained: a ring does not keep what is a second old
    clock.advance(std::chrono::milliseconds(100));
  }
  void connect() {
    connection = ids.next(clock.wall_us());
    keep({});
  }
  void message(const char* direction, const char* type, const char* data, std::vector<FieldValue> more = {}) {
    more.push_back({field_direction, 0, direction});
    more.push_back({field_message_type, 0, type});
    more.push_back({field_data, 0, data});
    keep(std::move(more));
  }
  /// A call that is answered by another one.
  Reply follow(const std::string& body) {
    AdminCall record;
    record.method = "POST";
    record.path = at;
    record.body = body;
    record.authorization = "Bearer first";
    const AdminResult result = admin->handle(record);
    EXPECT_NE(result.next, nullptr) << result.status << result.body;
    EXPECT_TRUE(result.next == nullptr || admin->writes_definitions(result.next->method, result.next->path));
    return result.next == nullptr ? Reply() : call(*result.next);
  }

  UlidSource ids{1};
  Ulid endpoint, connection;
  std::string api, at;
};

TEST_F(AdminSessions, TheNewestThatHasMessagesIsShownAsADefinition) {
  connect();
  const Ulid older = connection;
  message("in", "text", "a");
  connect();
  message("in", "event", R"([1])", {{field_event, 0, "ask"}, {field_ack, 0, {}}});
  message("out", "ack", R"([{"_placeholder":true,"num":0}])",
          {{field_ack, 0, {}}, {field_binaries, 0, R"(["AA=="])"}});
  message("out", "binary", "AAE=");
  keep({{field_close_code, 4000, {}}});
  connect();  // and says nothing
  const Reply shown = call("POST", at);
  EXPECT_EQ(shown.status, 200) << shown.body;
  EXPECT_EQ(
      shown.at("sampleEvents"),
      R"([{"protocol":"socket.io","messages":[{"afterMs":100,"direction":"in","event":"ask","args":[1],"ack":0},)"
      R"({"afterMs":200,"direction":"out","event":"","args":[{"_placeholder":true,"num":0}],"binaries":["AA=="],"ack":0},)"
      R"({"afterMs":300,"direction":"out","base64":"AAE="},{"afterMs":400,"direction":"out","close":4000}]}])");
  EXPECT_EQ(shown.at("subprotocols"), R"(["x"])");
  EXPECT_EQ(definitions()->find_channel(endpoint)->revision, 1u) << "nothing was stored";
  EXPECT_THAT(call("POST", at, R"({"connectionId":")" + older.text() + "\"}").body,
              HasSubstr(R"("messages":[{"afterMs":100,"direction":"in","text":"a"}])"));
}

TEST_F(AdminSessions, AreStoredUnderANewPathOrInTheirOwnPlace) {
  connect();
  message("out", "text", "a");
  const Reply made = follow(R"({"path":"/ws/b"})");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.headers.at("Location"), api + "/websocket-endpoints/" + made.text("id"));
  EXPECT_EQ(made.text("path"), "/ws/b");
  EXPECT_EQ(made.at("subprotocols"), R"(["x"])");
  EXPECT_EQ(follow(R"({"path":"/ws/b"})").status, 409) << "it is taken now";
  EXPECT_EQ(follow(R"({"path":"nowhere"})").status, 400);
  const Reply replaced = follow(R"({"path":"/ws/a"})");
  EXPECT_EQ(replaced.status, 200) << replaced.body;
  EXPECT_EQ(replaced.at("revision"), "2");
  EXPECT_THAT(replaced.at("sampleEvents"), HasSubstr(R"("text":"a")"));
}

TEST_F(AdminSessions, WhatCannotBeMadeSaysWhatToDo) {
  EXPECT_EQ(call("POST", at).code(), "nothing-recorded");
  connect();
  const std::string silent = R"({"connectionId":")" + connection.text() + "\"}";
  EXPECT_THAT(call("POST", at, silent).text("detail"), HasSubstr("capture"));
  EXPECT_EQ(call("POST", at, R"({"connectionId":")" + endpoint.text() + "\"}").status, 404);
  EXPECT_EQ(call("POST", at, R"({"connectionId":"x"})").status, 400);
  EXPECT_EQ(call("POST", at, R"({"when":1})").status, 400);
  message("out", "text", "teapot");
  EXPECT_EQ(call("POST", at).status, 418) << "the plugin's own problem";
  connect();
  message("out", "text", "a", {{field_truncated, 1, {}}});
  EXPECT_THAT(call("POST", at).text("detail"), HasSubstr("64 KiB"));
}

TEST_F(AdminSessions, AreNotMadeOfWhatALateWriterHasOnly) {
  connect();
  message("out", "text", "a");
  LateJournal late(*journal);
  for (const std::optional<Ulid>& wanted : {std::optional<Ulid>(), std::optional(connection)}) {
    EXPECT_TRUE(admin::session_of(*journal, endpoint, wanted));
    const auto session = admin::session_of(late, endpoint, wanted);
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().status, 503);
  }
}

TEST_F(AdminSessions, OfALongOneTheBeginningIsTaken) {
  connect();
  for (int i = 0; i < 10'005; ++i) {
    const std::string id = connection.text();
    const FieldValue fields[] = {{field_connection_id, 0, id},
                                 {field_direction, 0, "out"},
                                 {field_message_type, 0, "text"},
                                 {field_data, 0, i < 10'000 ? "early" : "late"}};
    RecordInput input;
    input.id = ids.next(clock.wall_us());
    input.endpoint = endpoint;
    input.kind = RecordKind::channel;
    input.time_us = clock.wall_us();
    input.extra = fields;
    ASSERT_TRUE(journal->producer(0).append(input));
  }
  const std::string shown = call("POST", at).body;
  EXPECT_THAT(shown, HasSubstr("early"));
  EXPECT_THAT(shown, testing::Not(HasSubstr("late")));
}

class AdminSessionsAlone : public World {
 protected:
  AdminSessionsAlone() : World(false) {}
};

TEST_F(AdminSessionsAlone, NeedAPlugin) {
  const std::string api = make_api();
  const Reply made = call("POST", api + "/websocket-endpoints", R"({"path":"/ws/a"})");
  const std::string id = Ulid::parse(made.text("id"))->text();
  const FieldValue fields[] = {{field_connection_id, 0, id},
                               {field_direction, 0, "out"},
                               {field_message_type, 0, "text"},
                               {field_data, 0, "a"}};
  RecordInput input;
  input.id = *Ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV");
  input.time_us = clock.wall_us();
  input.endpoint = *Ulid::parse(made.text("id"));
  input.kind = RecordKind::channel;
  input.extra = fields;
  ASSERT_TRUE(journal->producer(0).append(input));
  const Reply refused = call("POST", "/admin/websocket-endpoints/" + id + "/record");
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.text("detail"), HasSubstr("no plugin"));
}

}  // namespace
}  // namespace mimus
