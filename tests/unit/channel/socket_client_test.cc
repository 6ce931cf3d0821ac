// What a Socket.IO client hears, and what is heard of it: without a session's transports and with a
// door that says what the test wants.
#include "host/channel/socket_client.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "channel_peer.h"
#include "loop_thread.h"

namespace mimus {
namespace {

using std::chrono::milliseconds;

struct FakeSession final : EngineSession {
  std::string_view sid() const override { return "s"; }
  const EngineOrigin& origin() const override { return from; }
  bool is_open() const override { return !closed; }
  bool send(EngineMessages& messages) override {
    if (closed || !room) return false;
    for (const auto& one : messages.all()) sent += (one.binary ? "b:" : "") + one.data + " ";
    return true;
  }
  void close() override { closed = true; }
  void fault(ChannelFault how, std::uint64_t) override { faults.push_back(how); }

  EngineOrigin from{"10.0.0.1", "http://a", "h", "bear", "ua", "q=1"};
  std::string sent;
  bool room = true, closed = false;
  std::vector<ChannelFault> faults;
};

/// Lets in to what is in `diaries`; of the rest, what is in `refusals` is refused so, and what is in
/// `waiting` has no answer yet.
struct FakeDoor final : Door {
  struct Asked final : Question {
    Asked(FakeDoor& d, Caller c, Asker& a) : door(d), caller(std::move(c)), asker(a) { ++door.questions; }
    ~Asked() override { --door.questions; }
    void ask() override {
      door.asked.push_back(caller.origin.path + caller.origin.auth);
      if (door.waits) {
        door.open = this;
        return;
      }
      answer();
    }
    void answer() {
      const auto diary = door.diaries.find(caller.origin.path);
      if (diary == door.diaries.end()) return asker.on_refused(door.refusal);
      Admitted admitted;
      admitted.endpoint.bytes[0] = 1;
      admitted.origin = caller.origin;
      admitted.rules = door.rules;
      admitted.behaviour = std::make_unique<Behaviour>(diary->second);
      asker.on_admitted(std::move(admitted));
    }
    FakeDoor& door;
    Caller caller;
    Asker& asker;
  };
  std::unique_ptr<Question> question(Caller caller, Asker& asker) override {
    last = caller;
    return std::make_unique<Asked>(*this, std::move(caller), asker);
  }

  std::map<std::string, Diary> diaries;
  Refused refusal{404, "no-such-endpoint", "", {}};
  ChannelRules rules;
  bool waits = false;
  Asked* open = nullptr;
  Caller last;
  int questions = 0;
  std::vector<std::string> asked;
};

class SocketClients : public testing::Test {
 protected:
  SocketClients() {
    endpoint.bytes[0] = 1;
    net.on([&] {
      table = std::make_unique<ChannelTable>(net.loop, net.clock, ChannelOptions{});
      door.diaries["/a"];
      door.diaries["/b"];
      client = std::make_unique<SocketClient>(session, *table, door, options);
    });
  }
  ~SocketClients() override {
    net.on([&] {
      lose();
      table.reset();
    });
    EXPECT_EQ(door.questions, 0);
    for (const auto& [ns, diary] : door.diaries) EXPECT_FALSE(diary.alive) << ns;
  }

  /// Has the client take these, and gives what the session was told then, ids as "ID".
  std::string say(std::initializer_list<std::string_view> packets) {
    net.on([&] {
      for (const std::string_view one : packets)
        client->on_message(one.starts_with("b:"), one.substr(one.starts_with("b:") ? 2 : 0));
    });
    return heard();
  }
  std::string heard() {
    std::string out = std::exchange(session.sent, {});
    for (std::size_t at = 0; (at = out.find("{\"sid\":\"", at)) != out.npos; ++at)
      out.replace(at + 8, 26, "ID");
    return out;
  }
  std::string& diary(const std::string& ns) { return door.diaries[ns].text; }
  void lose() {
    if (client == nullptr) return;
    client->on_closed();
    client.reset();
  }

  LoopThread net;
  Ulid endpoint;
  FakeSession session;
  FakeDoor door;
  SocketOptions options;
  std::unique_ptr<ChannelTable> table;
  std::unique_ptr<SocketClient> client;
};

TEST_F(SocketClients, JoinNamespacesAndHearWhatTheyAreToldThere) {
  door.diaries["/a"].at_open = [](Channel& c) { send_event(c, "hello", "1"); };
  EXPECT_EQ(say({R"(0/a,{"token":"t"})"}), R"(0/a,{"sid":"ID"} 2/a,["hello",1] )");
  EXPECT_EQ(door.last.origin.protocol, ChannelProtocol::socket_io);
  EXPECT_EQ(door.last.origin.auth, R"({"token":"t"})");
  EXPECT_EQ(door.last.origin.client_ip, "10.0.0.1");
  EXPECT_EQ(door.last.origin.query, "q=1");
  EXPECT_EQ(door.last.origin.user_agent, "ua");
  EXPECT_EQ(door.last.web_origin, "http://a");
  EXPECT_EQ(door.last.host, "h");
  EXPECT_EQ(door.last.bearer, "bear");
  EXPECT_EQ(say({"0/b"}), R"(0/b,{"sid":"ID"} )");
  say({R"(2/a,["x",1,"2"])", R"(2/b,["y"])", R"(51-/b,["z",{"_placeholder":true,"num":0}])", "b:\1"});
  EXPECT_EQ(diary("/a"), R"(open x[1,"2"] )");
  EXPECT_EQ(diary("/b"), R"(open y[] z[{"_placeholder":true,"num":0}] )");
  std::vector<ChannelInfo> all;
  net.on([&] { table->list(endpoint, all); });
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].protocol, ChannelProtocol::socket_io);
  EXPECT_EQ(all[0].messages_in, 1u);
  EXPECT_EQ(all[1].messages_in, 2u);
  EXPECT_FALSE(session.closed);
}

TEST_F(SocketClients, AreToldWhyTheyAreRefused) {
  EXPECT_EQ(say({"0"}), R"(4{"message":"Invalid namespace"} )");
  EXPECT_EQ(say({"0/nowhere,{}"}), R"(4/nowhere,{"message":"Invalid namespace"} )");
  door.refusal = {401, "unauthorized", "send \"it\"", {}};
  EXPECT_EQ(say({"0/c"}), R"(4/c,{"message":"send \"it\"","data":{"code":"unauthorized"}} )");
  door.refusal = {429, "too-many-attempts", "wait", std::chrono::seconds(7)};
  EXPECT_EQ(say({"0/c"}), R"(4/c,{"message":"wait","data":{"code":"too-many-attempts","retryAfter":7}} )");
  EXPECT_FALSE(session.closed);
  EXPECT_EQ(say({"0/a"}), R"(0/a,{"sid":"ID"} )") << "another may be joined";
}

TEST_F(SocketClients, ThatSayWhatNoneMaySayLoseTheirSession) {
  for (const char* const bad : {"abc", "2{}", R"(2/b,["x"])", "3/b,1[]", "1/b,", "0/a,",
                                R"(4/a,{"message":"no"})", R"(2/a,["connect"])", "b:\1", R"(2["x"])"}) {
    SCOPED_TRACE(bad);
    FakeSession other;
    net.on([&] {
      auto one = std::make_unique<SocketClient>(other, *table, door, options);
      one->on_message(false, "0/a,");
      EXPECT_TRUE(door.diaries["/a"].alive);
      one->on_message(bad[0] == 'b' && bad[1] == ':', bad[1] == ':' ? bad + 2 : bad);
      EXPECT_TRUE(other.closed);
      EXPECT_EQ(table->size(), 0u);
      one->on_message(false, R"(2/a,["late"])");
      one->on_closed();
    });
    EXPECT_EQ(std::exchange(diary("/a"), {}), "open close ");
  }
}

TEST_F(SocketClients, MayLeaveAndComeBack) {
  say({"0/a,", "0/b,"});
  EXPECT_EQ(say({"1/a,"}), "");
  EXPECT_EQ(diary("/a"), "open close ");
  EXPECT_EQ(say({"0/a,", R"(2/a,["x"])"}), R"(0/a,{"sid":"ID"} )");
  EXPECT_EQ(diary("/a"), "open close open x[] ");
  EXPECT_EQ(diary("/b"), "open ");
  EXPECT_FALSE(session.closed);
}

TEST_F(SocketClients, ThatAreDisconnectedMayFinishTheirSentence) {
  door.diaries["/a"].at_message = [](Channel& c) { c.close(4000, "enough"); };
  say({"0/a,", "0/b,"});
  EXPECT_EQ(say({R"(2/a,["x"])", R"(2/a,["y"])", "3/a,1[]"}), "1/a, ");
  net.advance(milliseconds(1));
  EXPECT_EQ(diary("/a"), "open x[] close ");
  say({R"(2/a,["z"])", R"(2/b,["x"])"});
  EXPECT_FALSE(session.closed);
  EXPECT_EQ(diary("/b"), "open x[] ");
  say({"1/a,"});
  EXPECT_FALSE(session.closed) << "both said goodbye";
  say({R"(2/a,["z"])"});
  EXPECT_TRUE(session.closed);
}

TEST_F(SocketClients, ThatAreDisconnectedMayComeBackAtOnce) {
  say({"0/a,"});
  net.on([&] {
    EXPECT_EQ(table->close_all(endpoint, 1000, {}), 1u);
    EXPECT_EQ(table->size(), 0u);
    client->on_message(false, "0/a,");
    EXPECT_EQ(table->size(), 1u);
  });
  net.advance(milliseconds(1));
  EXPECT_EQ(diary("/a"), "open close open ");
  EXPECT_EQ(heard(), R"(1/a, 0/a,{"sid":"ID"} )");
}

TEST_F(SocketClients, ComeBackByThemselvesOnlyToALostSession) {
  for (const auto& [code, lost] : {std::pair{1000, false}, {1008, false}, {1012, true}, {1014, true}}) {
    SCOPED_TRACE(code);
    session.closed = false;
    say({"0/a,"});
    heard();
    net.on([&] { table->close_all(endpoint, code, "why"); });
    EXPECT_EQ(heard(), lost ? "" : "1/a, ");
    EXPECT_EQ(session.closed, lost);
    net.advance(milliseconds(1));
  }
}

TEST_F(SocketClients, GetBroadcastsOnceForAll) {
  say({"0/a,"});
  Outgoing event = event_of("e", "1");
  net.on([&] {
    EXPECT_EQ(table->broadcast(endpoint, "", event, nullptr), 1u);
    EXPECT_EQ(table->broadcast(endpoint, "red", event, nullptr), 0u);
    session.room = false;
    EXPECT_EQ(table->broadcast(endpoint, "", event, nullptr), 0u);
    EXPECT_EQ(table->size(), 0u);
  });
  EXPECT_EQ(heard(), R"(2/a,["e",1] )");
}

TEST_F(SocketClients, AreNotToldWhatTheyWouldBreakOffAt) {
  say({"0/a,"});
  Outgoing reserved = event_of("disconnect", "1"), plain = event_of("connected", "1");
  net.on([&] {
    EXPECT_EQ(table->broadcast(endpoint, "", reserved, nullptr), 1u);
    EXPECT_EQ(table->broadcast(endpoint, "", plain, nullptr), 1u);
  });
  EXPECT_EQ(heard(), R"(2/a,["connected",1] )");
}

TEST_F(SocketClients, AreAcknowledgedOnce) {
  door.diaries["/a"].at_message = [](Channel& c) {
    for (int i = 0; i < 2; ++i) {
      Outgoing ack = Outgoing::acknowledgement({{}, "[1]", {}, 5});
      EXPECT_TRUE(c.send(ack));
    }
    Outgoing unasked = Outgoing::acknowledgement({{}, "[2]", {}, 6});
    EXPECT_TRUE(c.send(unasked));
  };
  EXPECT_EQ(say({"0/a,", R"(2/a,5["x"])"}), R"(0/a,{"sid":"ID"} 3/a,5[1] )");
  EXPECT_EQ(say({R"(2/a,5["x"])"}), "3/a,5[1] ") << "the same id once more";
}

TEST_F(SocketClients, AcknowledgeWhatTheyWereAskedFor) {
  door.diaries["/a"].at_open = [](Channel& c) {
    Outgoing event = Outgoing::event({"q", "[]", {"\1"}, 7});
    c.send(event);
  };
  EXPECT_EQ(say({"0/a,"}), "0/a,{\"sid\":\"ID\"} 51-/a,7[\"q\"] b:\1 ");
  say({"3/a,8[1]", "3/a,7[1]", "3/a,7[2]", "3/a,[3]", "3/a,7"});
  EXPECT_EQ(diary("/a"), "open [1] ");
  EXPECT_FALSE(session.closed) << "an acknowledgement that nobody awaits is no offence";
}

TEST_F(SocketClients, AreForgottenAcknowledgementsBeyondABound) {
  say({"0/a,"});
  for (std::size_t i = 0; i <= NamespaceChannel::max_acknowledgements; ++i)
    say({"2/a," + std::to_string(i) + R"(["x"])"});
  door.diaries["/a"].at_message = [](Channel& c) {
    for (const std::int64_t id : {0, 1}) {
      Outgoing ack = Outgoing::acknowledgement({{}, "[]", {}, id});
      EXPECT_TRUE(c.send(ack));
    }
  };
  EXPECT_EQ(say({R"(2/a,["y"])"}), "3/a,1[] ");
}

TEST_F(SocketClients, AreHeldToTheirRate) {
  door.rules.messages_per_second = 2;
  EXPECT_EQ(say({"0/a,", R"(2/a,["x"])", R"(2/a,["x"])", R"(2/a,["x"])"}), R"(0/a,{"sid":"ID"} 1/a, )");
  EXPECT_FALSE(session.closed);
}

TEST_F(SocketClients, MustJoinInTime) {
  net.advance(options.connect_timeout - milliseconds(1));
  EXPECT_FALSE(session.closed);
  say({"0/nowhere"});
  net.advance(milliseconds(1));
  EXPECT_TRUE(session.closed);
}

TEST_F(SocketClients, ThatJoinedInTimeMayStay) {
  say({"0/a,"});
  net.advance(2 * options.connect_timeout);
  say({"1/a,"});
  net.advance(2 * options.connect_timeout);
  EXPECT_FALSE(session.closed);
}

TEST_F(SocketClients, WaitForTheDoorsAnswer) {
  door.waits = true;
  EXPECT_EQ(say({"0/a,{\"n\":1}"}), "");
  EXPECT_EQ(say({"0/a,{\"n\":2}"}), "") << "who asks again takes the first question back";
  EXPECT_EQ(door.questions, 1);
  net.on([&] { door.open->answer(); });
  EXPECT_EQ(heard(), R"(0/a,{"sid":"ID"} )");
  EXPECT_EQ(door.questions, 0);
  EXPECT_EQ(say({"0/nowhere"}), "");
  net.on([&] { door.open->answer(); });
  EXPECT_EQ(heard(), R"(4/nowhere,{"message":"Invalid namespace"} )");
  EXPECT_FALSE(session.closed);
  say({"0/b,"});
  EXPECT_EQ(door.questions, 1);
  net.on([&] { lose(); });
  EXPECT_EQ(door.questions, 0) << "who leaves takes it back";
  EXPECT_EQ(diary("/b"), "");
}

TEST_F(SocketClients, MayNotSpeakBeforeTheyAreLetIn) {
  door.waits = true;
  say({"0/a,", R"(2/a,["x"])"});
  EXPECT_TRUE(session.closed);
  EXPECT_EQ(door.questions, 0);
}

TEST_F(SocketClients, HaveSoManyNamespacesAtMost) {
  std::string all;
  for (std::size_t i = 0; i < options.max_namespaces; ++i) {
    door.diaries["/" + std::to_string(i)];
    say({"0/" + std::to_string(i)});
  }
  EXPECT_EQ(
      say({"0/a,"}),
      R"(4/a,{"message":"this client has too many namespaces","data":{"code":"too-many-connections"}} )");
  say({"1/7"});
  EXPECT_EQ(say({"0/a,"}), R"(0/a,{"sid":"ID"} )");
  net.on([&] { table->close_all(endpoint, 1000, {}); });
  heard();
  EXPECT_EQ(say({"0/b,"}), R"(0/b,{"sid":"ID"} )") << "those that were left make room";
}

TEST_F(SocketClients, ShareTheirFaults) {
  door.diaries["/a"].at_message = [](Channel& c) { EXPECT_TRUE(c.fault(ChannelFault::ignore_pings, 0)); };
  say({"0/a,", R"(2/a,["x"])"});
  EXPECT_EQ(session.faults, std::vector<ChannelFault>{ChannelFault::ignore_pings});
}

struct Ends final : ChannelObserver {
  void on_open(const BaseChannel&) override {}
  void on_message(const BaseChannel&, const ChannelMessage&) override {}
  void on_close(const BaseChannel&, int code, std::string_view reason) override {
    text += std::to_string(code) + std::string(reason) + " ";
  }
  std::string text;
};

TEST_F(SocketClients, EndWithTheCodeOfWhoEndedIt) {
  Ends ends;
  const struct {
    const char* name;
    std::function<void(SocketClient&)> end;
    const char* code;
  } cases[] = {
      {"the client left", [](SocketClient& c) { c.on_message(false, "1/a,"); }, "1005 "},
      {"the host closed it", [&](SocketClient&) { table->close_all(endpoint, 4001, "why"); }, "4001why "},
      {"the client broke the protocol", [](SocketClient& c) { c.on_message(false, "9"); },
       "1002parse error "},
      {"the host stops", [](SocketClient& c) { c.on_drain(); }, "1001 "},
      {"the session was lost", [](SocketClient&) {}, "1006 "},
  };
  net.on([&] {
    table->observe(&ends);
    for (const auto& c : cases) {
      SCOPED_TRACE(c.name);
      FakeSession other;
      SocketClient one(other, *table, door, options);
      one.on_message(false, "0/a,");
      c.end(one);
      one.on_closed();
      EXPECT_EQ(std::exchange(ends.text, {}), c.code);
    }
    table->observe(nullptr);
  });
}

}  // namespace
}  // namespace mimus
