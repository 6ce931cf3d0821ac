// Engine.IO sessions: polls, uploads, WebSockets and the way between them, and what is left.
#include "engine_world.h"
#include "host/channel/framing.h"

namespace mimus {
namespace {

using namespace std::chrono_literals;

using EngineSessions = EngineWorld;

std::string text_frame(std::string_view packet) { return frame(Opcode::text, packet); }
std::string close_frame(int code = 0) { return frame(Opcode::close, close_payload(code, {})); }

TEST_F(EngineSessions, BeginWithAnOpenPacketForThePoll) {
  const Sent opened = request("GET", "EIO=4&transport=polling&t=x");
  EXPECT_EQ(opened->status, 200);
  EXPECT_EQ(opened->field("content-type"), "text/plain; charset=UTF-8");
  EXPECT_EQ(opened->field("cache-control"), "no-store");
  EXPECT_FALSE(opened->waits());
  const std::string sid(diary.session->sid());
  EXPECT_EQ(opened->answer, R"(0{"sid":")" + sid +
                                R"(","upgrades":["websocket"],"pingInterval":300,"pingTimeout":200,)" +
                                R"("maxPayload":1000000})");
  EXPECT_EQ(sid.substr(0, 2), "01") << "its worker";
  EXPECT_EQ(sid.size(), 22u);
  EXPECT_EQ(sessions(), 1u);
  const EngineOrigin& origin = diary.session->origin();
  EXPECT_EQ(origin.client_ip, "10.0.0.1");
  EXPECT_EQ(origin.host, "mocks.test");
  EXPECT_EQ(origin.query, "EIO=4&transport=polling&t=x");
}

TEST_F(EngineSessions, HaveSidsThatDiffer) { EXPECT_NE(open(), open()); }

TEST_F(EngineSessions, SayTheFirstWordsOfTheirUserAtOnce) {
  diary.at_start = [](EngineSession& session) {
    EngineMessages hi = text_message("hi");
    EXPECT_TRUE(session.send(hi));
  };
  EXPECT_TRUE(request("GET", "EIO=4&transport=polling")
                  ->answer.ends_with("}\x1e"
                                     "4hi"));
}

TEST_F(EngineSessions, TakeAndGivePayloads) {
  const struct {
    const char* name;
    std::string sent, told;
  } rows[] = {
      {"one message", "4hello", "text=hello "},
      {"several",
       "4a\x1e"
       "4b\x1e"
       "4c",
       "text=a text=b text=c "},
      {"a binary behind a text",
       "4hello\x1e"
       "bAQIDBA==",
       "text=hello binary=\1\2\3\4 "},
  };
  const std::string sid = open();
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    diary.text.clear();
    const Sent posted = post(sid, row.sent);
    EXPECT_EQ(posted->status, 200);
    EXPECT_EQ(posted->answer, "ok");
    EXPECT_EQ(posted->field("content-type"), "text/html");
    EXPECT_EQ(diary.text, row.told);
    EXPECT_EQ(poll(sid)->answer, row.sent);
  }
}

TEST_F(EngineSessions, AnswerAWaitingPollOnceForAllThatATurnSays) {
  const std::string sid = open();
  const Sent waiting = poll(sid);
  EXPECT_TRUE(waiting->waits());
  post(sid,
       "4a\x1e"
       "4b");
  EXPECT_EQ(waiting->answer,
            "4a\x1e"
            "4b");
  EXPECT_FALSE(waiting->waits());
}

TEST_F(EngineSessions, GiveAPollNoMoreThanMaxPayload) {
  options.max_payload = 10;
  net.on([&] { remake(); });
  const std::string sid = open();
  post(sid, "4aaa");
  post(sid, "4bbb");
  post(sid, "4cccccccc");
  post(sid, "4d");
  EXPECT_EQ(poll(sid)->answer,
            "4aaa\x1e"
            "4bbb");
  EXPECT_EQ(poll(sid)->answer, "4cccccccc");
  EXPECT_EQ(poll(sid)->answer, "4d");
}

TEST_F(EngineSessions, EndWhereMoreWaitsThanTheyMayKeep) {
  options.max_waiting = 180;
  options.max_payload = 10;
  net.on([&] { remake(); });
  const std::string sid = open();
  net.on([&] {
    EngineMessages message = text_message(std::string(120, 'x'));
    EXPECT_TRUE(diary.session->send(message));
    EXPECT_FALSE(diary.session->send(message));
    EXPECT_FALSE(diary.session->is_open());
    EXPECT_EQ(diary.text, "") << "not from within";
  });
  turns();
  EXPECT_EQ(diary.text, "closed ");
  EXPECT_EQ(diary.alive, 0);
  EXPECT_EQ(poll(sid)->status, 400);
}

TEST_F(EngineSessions, RefuseAnUploadAndEnd) {
  const struct {
    const char* name;
    std::string body, type;
  } rows[] = {
      {"no packet", "abc", ""},  {"nothing", "", ""},       {"a ping, which is the server's", "2", ""},
      {"no UTF-8", "4\xff", ""}, {"bad base 64", "bA", ""}, {"bytes", "4a", "application/octet-stream"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const std::string sid = open();
    const Sent waiting = poll(sid);
    const Sent posted = request("POST", "EIO=4&transport=polling&sid=" + sid, row.body, [&](FakeExchange& x) {
      if (!row.type.empty()) x.header("Content-Type", row.type);
    });
    EXPECT_EQ(posted->status, 400);
    EXPECT_EQ(posted->answer, R"({"code":3,"message":"Bad request"})");
    turns();
    EXPECT_EQ(waiting->answer, "1");
    EXPECT_EQ(poll(sid)->status, 400);
    EXPECT_EQ(sessions(), 0u);
  }
}

TEST_F(EngineSessions, TakeWhatStandsBeforeABadPacket) {
  post(open(),
       "4good\x1e"
       "bad");
  EXPECT_EQ(diary.text, "text=good closed ");
}

TEST_F(EngineSessions, RefuseAnUploadBeyondMaxPayload) {
  options.max_payload = 5;
  net.on([&] { remake(); });
  const std::string sid = open();
  EXPECT_EQ(post(sid, "4hello")->status, 413);
  EXPECT_EQ(post(sid, "4hell")->status, 200);
}

TEST_F(EngineSessions, EndOnASecondPoll) {
  const std::string sid = open();
  const Sent first = poll(sid), second = poll(sid);
  EXPECT_EQ(first->status, 200);
  EXPECT_EQ(first->answer, "1");
  EXPECT_EQ(second->status, 400);
  EXPECT_EQ(poll(sid)->status, 400);
  EXPECT_EQ(diary.text, "closed ");
}

TEST_F(EngineSessions, EndOnASecondUpload) {
  const std::string sid = open();
  const Sent first = request("POST", "EIO=4&transport=polling&sid=" + sid, "4a",
                             [](FakeExchange& x) { x.slow_body = true; });
  EXPECT_EQ(post(sid, "4b")->status, 400);
  net.on([&] { first->deliver_body(); });
  EXPECT_EQ(first->status, 400);
  EXPECT_EQ(diary.text, "closed ");
}

TEST_F(EngineSessions, EndWhenTheClientGoesAwayFromAPollOrAnUpload) {
  const std::string one = open();
  const Sent waiting = poll(one);
  net.on([&] { waiting->cancel(); });
  EXPECT_EQ(poll(one)->status, 400);
  const std::string other = open();
  const Sent slow = request("POST", "EIO=4&transport=polling&sid=" + other, "4a",
                            [](FakeExchange& x) { x.slow_body = true; });
  net.on([&] { slow->cancel(); });
  EXPECT_EQ(poll(other)->status, 400);
  EXPECT_EQ(diary.text, "closed closed ");
}

TEST_F(EngineSessions, EndWithANoopWhenTheClientSaysGoodbye) {
  const std::string sid = open();
  const Sent waiting = poll(sid);
  EXPECT_EQ(post(sid, "1")->answer, "ok");
  turns();
  EXPECT_EQ(waiting->answer, "6");
  EXPECT_EQ(diary.text, "closed ");
  EXPECT_EQ(poll(sid)->status, 400);
}

TEST_F(EngineSessions, AnswerThePollThatCrossesTheClientsGoodbye) {
  const std::string sid = open();
  post(sid, "1");
  turns();
  EXPECT_EQ(diary.text, "closed ");
  EXPECT_EQ(sessions(), 0u);
  EXPECT_EQ(post(sid, "4late")->status, 400);
  EXPECT_EQ(poll(sid)->answer, "6");
  EXPECT_EQ(poll(sid)->status, 400);
  const std::string slower = open();
  post(slower, "1");
  net.advance(1001ms);
  EXPECT_EQ(poll(slower)->status, 400);
}

TEST_F(EngineSessions, SayTheirOwnGoodbyeBehindWhatWasSent) {
  const std::string sid = open();
  net.on([&] {
    EngineMessages last = text_message("last");
    EXPECT_TRUE(diary.session->send(last));
    diary.session->close();
    EXPECT_FALSE(diary.session->send(last));
    EXPECT_EQ(diary.text, "");
  });
  turns();
  EXPECT_EQ(diary.text, "closed ");
  EXPECT_EQ(poll(sid)->answer,
            "4last\x1e"
            "1");
  EXPECT_EQ(poll(sid)->status, 400);
  net.advance(60s);
}

TEST_F(EngineSessions, PingAndCountOnThePong) {
  const std::string sid = open();
  for (int i = 0; i < 3; ++i) {
    const Sent waiting = poll(sid);
    net.advance(299ms);
    EXPECT_TRUE(waiting->waits());
    net.advance(1ms);
    turns();
    EXPECT_EQ(waiting->answer, "2");
    net.advance(150ms);
    EXPECT_EQ(post(sid, "3")->answer, "ok");
  }
}

TEST_F(EngineSessions, EndWithoutAPong) {
  const std::string sid = open();
  net.advance(300ms);
  EXPECT_EQ(poll(sid)->answer, "2");
  net.advance(199ms);
  const Sent waiting = poll(sid);
  EXPECT_TRUE(waiting->waits());
  net.advance(1ms);
  turns();
  EXPECT_EQ(waiting->answer, "1");
  EXPECT_EQ(poll(sid)->status, 400);
  EXPECT_EQ(diary.text, "closed ");
}

TEST_F(EngineSessions, GiveAClientThatStillTalksOneMoreTimeout) {
  const std::string sid = open();
  net.advance(300ms);
  net.advance(150ms);
  post(sid, "4a");
  net.advance(150ms);
  EXPECT_EQ(post(sid, "4b")->status, 200);
  net.advance(50ms);
  EXPECT_EQ(post(sid, "4c")->status, 400);
}

TEST_F(EngineSessions, StopPingingWhereAMockSaysSo) {
  const std::string sid = open();
  net.on([&] { diary.session->fault(ChannelFault::ignore_pings, 0); });
  net.advance(999ms);
  EXPECT_EQ(sessions(), 1u);
  const Sent waiting = poll(sid);
  EXPECT_TRUE(waiting->waits()) << "no ping";
  net.advance(1ms);
  EXPECT_EQ(sessions(), 0u) << "nobody stays for ever";
}

TEST_F(EngineSessions, MisbehaveOverPolling) {
  const std::string sid = open();
  const Sent waiting = poll(sid);
  net.on([&] { diary.session->fault(ChannelFault::garbage, 0); });
  turns();
  EXPECT_EQ(waiting->answer, "?");
  const Sent next = poll(sid);
  net.on([&] { diary.session->fault(ChannelFault::drop, 0); });
  turns();
  EXPECT_TRUE(next->aborted);
  EXPECT_EQ(diary.text, "closed ");
}

TEST_F(EngineSessions, AnswerPollsSlowlyWhereAMockSaysSo) {
  const std::string sid = open();
  const std::size_t timers = armed();
  net.on([&] { diary.session->fault(ChannelFault::slow, 30); });
  const Sent waiting = poll(sid);
  post(sid, "4hello");
  EXPECT_EQ(waiting->length, 6);
  EXPECT_EQ(waiting->answer, "");
  net.advance(100ms);
  EXPECT_EQ(waiting->answer, "4he");
  EXPECT_TRUE(waiting->waits());
  net.advance(100ms);
  EXPECT_EQ(waiting->answer, "4hello");
  EXPECT_FALSE(waiting->waits());
  const Sent left = poll(sid);
  post(sid, "4again");
  net.on([&] { left->cancel(); });
  EXPECT_EQ(armed(), timers);
  EXPECT_EQ(sessions(), 1u) << "an answer that is on its way is the session's no more";
}

TEST_F(EngineSessions, SayGoodbyeWhenTheHostStops) {
  diary.at_drain = [](EngineSession& session) {
    EngineMessages bye = text_message("bye");
    session.send(bye);
  };
  const std::string sid = open();
  const Sent waiting = poll(sid);
  EnginePeer& peer = connect();
  taken(peer);
  net.on([&] { table->drain(); });
  turns();
  EXPECT_EQ(waiting->answer,
            "4bye\x1e"
            "1");
  EXPECT_EQ(taken(peer), text_frame("4bye") + close_frame(1001));
  EXPECT_EQ(diary.text, "drain drain closed closed ");
  EXPECT_EQ(request("GET", "EIO=4&transport=polling")->status, 503);
  EXPECT_EQ(request("GET", "EIO=4&transport=websocket", {}, asks_for_websocket)->status, 503);
}

TEST_F(EngineSessions, EndWithTheirTable) {
  const std::string sid = open();
  const Sent waiting = poll(sid);
  EnginePeer& peer = connect();
  const Sent slow = request("POST", "EIO=4&transport=polling&sid=" + sid, "4a",
                            [](FakeExchange& x) { x.slow_body = true; });
  net.on([&] { table.reset(); });
  EXPECT_EQ(diary.text, "closed closed ");
  EXPECT_EQ(diary.alive, 0);
  net.on([&] {
    waiting->cancel();
    slow->cancel();
    peer.text("4late");
  });
  net.advance(60s);
}

TEST_F(EngineSessions, LeaveNothingBehind) {
  const std::size_t timers = armed();
  for (int i = 0; i < 1000; ++i) {
    const std::string sid = open();
    const Sent waiting = i % 2 == 0 ? poll(sid) : nullptr;
    if (i % 4 < 2) {
      EnginePeer& peer = connect(sid);
      text(peer, "2probe");
      if (i % 8 < 4) text(peer, "5");
    }
    EnginePeer& direct = connect();
    if (i % 3 == 0) text(direct, "1");
    net.on([&] {
      if (waiting && waiting->waits()) waiting->cancel();
      for (auto& peer : peers) peer->takeover->on_closed();
      peers.clear();
    });
    if (i % 5 == 0) post(sid, "1");
  }
  net.advance(600ms);
  net.advance(60s);
  EXPECT_EQ(sessions(), 0u);
  EXPECT_EQ(diary.alive, 0);
  EXPECT_EQ(armed(), timers);
}

}  // namespace
}  // namespace mimus
