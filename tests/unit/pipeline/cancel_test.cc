// A client that goes away at each point at which a flow can wait.
#include <future>

#include "tests/unit/pipeline/world.h"

namespace mimus {
namespace {

using ::testing::ElementsAre;

struct Row {
  const char* name;
  std::function<void(World&)> arrange;  ///< Before open: scripts.
  std::function<void(World&)> reach;    ///< After start: up to the point.
  bool has_body;
  int status;           ///< In the journal.
  const char* entered;  ///< The plugins that were entered, innermost first.
  const char* api = R"({"slug":"test"})";
};

std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name; }

mimus_action need_body(Request&) { return MIMUS_NEED_BODY; }
const mimus_forward_v1* forward_table() {
  return static_cast<const mimus_forward_v1*>(exchange_extension("mimus.forward/1"));
}
mimus_action forward_to(Request& r) {
  const mimus_forward to{sizeof(mimus_forward), 1000, str("http://upstream.test/x"), str("GET"), nullptr, 0};
  EXPECT_EQ(forward_table()->forward(r.get(), &to), MIMUS_OK);
  return MIMUS_RESPONDED;
}
void nothing(World&) {}
void head(World& world) {
  world.on([&] { world.upstream.receiver->on_head(200, {}, -1); });
}

const Row rows[] = {
    {"for the body", [](World&) { probes().b.request = need_body; }, nothing, true, 499, "ba"},
    {"for the body that is captured", nothing, nothing, true, 499, "", R"({"capture":{"bodies":true}})"},
    {"for a resume",
     [](World&) {
       probes().b.request = [](Request& r) {
         static_cast<void>(r.hold());
         return MIMUS_SUSPEND;
       };
     },
     nothing, false, 499, "ba"},
    {"for the body to forward", [](World&) { probes().c.request = forward_to; }, nothing, true, 499, "cba"},
    {"for the upstream's head", [](World&) { probes().c.request = forward_to; }, nothing, false, 499, "cba"},
    {"for the upstream's body",
     [](World&) {
       probes().c.request = forward_to;
       probes().b.response = [](Request& r) {
         r.body_ceiling(100);
         return MIMUS_NEED_BODY;
       };
     },
     head, false, 499, "cba"},
    {"for the client to read", [](World&) { probes().c.request = forward_to; }, head, false, 200, "cba"},
};

class Cancel : public ::testing::TestWithParam<Row> {};

TEST_P(Cancel, EndsEachEnteredPluginOnceAndLeavesNothing) {
  const Row& row = GetParam();
  World world;
  row.arrange(world);
  world.open({.api = row.api});
  world.start({.has_body = row.has_body});
  row.reach(world);
  ASSERT_EQ(world.sink->ended, 0) << "it does not wait";
  static_cast<void>(probes().calls());
  world.cancel();
  std::vector<std::string> ends;
  for (const char* one = row.entered; *one != '\0'; ++one) ends.push_back(std::string(1, *one) + " end");
  EXPECT_EQ(probes().calls(), ends);
  EXPECT_EQ(world.upstream.living, 0);
  ASSERT_EQ(world.journal.records.size(), 1U);
  EXPECT_EQ(world.journal.records[0].status, row.status);
  EXPECT_EQ(world.journal.records[0].error, "client-closed");
  EXPECT_EQ(world.idle.size(), 1U);
  world.settle();
  // The same flow serves the next.
  probes().scripts = {};
  probes().c.request = [](Request& r) { return r.respond(200, {}, "next"); };
  world.start();
  if (world.sink->wanted > 0) world.arrive("");
  EXPECT_EQ(world.sink->body, "next");
}

INSTANTIATE_TEST_SUITE_P(While, Cancel, ::testing::ValuesIn(rows), [](const auto& test) {
  std::string name = std::string("waits_") + test.param.name;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

TEST(Gone, AClientThatWasRefusedIsJournalledWithWhatItWasTold) {
  const struct {
    int status;
    const char* error;
  } cases[] = {{408, "request-timeout"}, {400, "bad-request"}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.status);
    World world;
    probes().b.request = need_body;
    world.open();
    world.start({.has_body = true});
    world.exchange->request.content_length = 100;
    world.exchange->request_size = 3;
    world.exchange->response_size = 50;
    world.exchange->refused_with = c.status;
    world.cancel();
    ASSERT_EQ(world.journal.records.size(), 1U);
    EXPECT_EQ(world.journal.records[0].status, c.status);
    EXPECT_EQ(world.journal.records[0].error, c.error);
    EXPECT_EQ(world.journal.records[0].request_size, 3);
    EXPECT_EQ(world.journal.records[0].response_size, 50);
  }
}

TEST(Gone, WhileThePluginsAreBoundDoesNotWaitForThem) {
  World world;
  std::promise<void> go_on, reached;
  probes().a.bind = [&, gate = go_on.get_future().share()](const View&) {
    reached.set_value();
    gate.wait();
    return MIMUS_OK;
  };
  world.open({.compile_first = false});
  world.start();
  reached.get_future().wait();
  world.cancel();
  EXPECT_EQ(world.sink->ended, 1);
  EXPECT_EQ(world.journal.records.at(0).status, 499);
  go_on.set_value();
}

TEST(Gone, WhileTheJournalIsFullDropsTheRecord) {
  World world;
  probes().c.request = [](Request& r) { return r.respond(200, {}, "fine"); };
  world.open();
  world.journal.full = true;
  world.start();
  EXPECT_EQ(world.sink->ended, 0);
  world.cancel();
  EXPECT_TRUE(world.worker->waiting_for_journal.empty());
  EXPECT_THAT(world.metrics.render(), ::testing::HasSubstr("mimus_dropped 1\n"));
  world.journal.full = false;
  world.on([&] { world.worker->retry_journal(); });
  EXPECT_TRUE(world.journal.records.empty());
}

TEST(Gone, AHandleThatIsKeptBeyondTheEndDoesNothing) {
  World world;
  Hold kept;
  probes().b.request = [&](Request& r) {
    kept = r.hold(50);
    return MIMUS_SUSPEND;
  };
  world.open();
  world.start();
  world.cancel();
  EXPECT_FALSE(kept.resume());
  world.loop_thread.advance(std::chrono::milliseconds(100));
  EXPECT_EQ(world.sink->ended, 1);
}

TEST(Gone, AResumeThatIsOnItsWayFindsNobody) {
  World world;
  Hold kept;
  probes().b.request = [&](Request& r) {
    kept = r.hold(50);
    return MIMUS_SUSPEND;
  };
  world.open();
  world.start();
  static_cast<void>(probes().calls());
  world.on([&] {
    EXPECT_TRUE(kept.resume());  // posted; the client goes before the loop gets there
    world.flow->on_cancel();
    world.sink->end();
  });
  world.settle();
  EXPECT_THAT(probes().calls(), ElementsAre("b end", "a end"));
}

}  // namespace
}  // namespace mimus
