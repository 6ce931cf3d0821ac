// The response direction, and plugins that cannot be bound.
#include "tests/unit/pipeline/world.h"

namespace mimus {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

mimus_action ok(Request& r) { return r.respond(200, {}, "fine"); }

TEST(ResponseDirection, HeadersAreSetAddedAndRemoved) {
  World world;
  probes().c.request = [](Request& r) {
    const mimus_field fields[] = {field("X-One", "1"), field("x-one", "2"), field("X-Two", "2"),
                                  field("Content-Length", "99"), field("Date", "never")};
    EXPECT_EQ(r.set("X-Early", "1"), MIMUS_E_INVAL);
    return r.respond(200, fields, "");
  };
  probes().b.response = [](Request& r) {
    EXPECT_EQ(r.set("X-ONE", "3"), MIMUS_OK);
    EXPECT_EQ(r.add("X-Two", "4"), MIMUS_OK);
    EXPECT_EQ(r.add("X-Bad", "a\nb"), MIMUS_E_INVAL);
    EXPECT_EQ(r.add("Bad Name", "a"), MIMUS_E_INVAL);
    EXPECT_EQ(r.set("Content-Length", "5"), MIMUS_E_INVAL);
    r.remove("x-none");
    return MIMUS_NEXT;
  };
  world.open();
  world.start();
  EXPECT_THAT(world.sink->headers,
              UnorderedElementsAre(Pair("X-ONE", "3"), Pair("X-Two", "2"), Pair("X-Two", "4")));
}

TEST(ResponseDirection, AFailureIsDecidedByTheFailPolicy) {
  struct Row {
    const char* name;
    std::function<mimus_action(Request&)> response;
  };
  const Row rows[] = {
      {"FAIL", [](Request&) { return MIMUS_FAIL; }},
      {"RESPONDED",
       [](Request& r) {
         EXPECT_EQ(ok(r), MIMUS_FAIL);
         return MIMUS_RESPONDED;
       }},
      {"SUSPEND",
       [](Request& r) {
         EXPECT_FALSE(r.hold());
         return MIMUS_SUSPEND;
       }},
      {"unknown", [](Request&) { return -5; }},
  };
  for (const Row& row : rows) {
    for (const bool open : {true, false}) {
      SCOPED_TRACE(std::string(row.name) + (open ? ", fail open" : ", fail closed"));
      World world;
      probes().c.request = ok;
      (open ? probes().b : probes().c).response = row.response;
      world.open();
      world.start();
      EXPECT_EQ(world.sink->status, open ? 200 : 503);
      EXPECT_THAT(probes().calls(), ElementsAre("a request", "b request", "c request", "c response",
                                                "b response", "a response", "c end", "b end", "a end"));
    }
  }
}

TEST(ResponseDirection, TheWholeBodyIsShownAndMayBeEmptied) {
  World world;
  probes().c.request = ok;
  probes().b.response = [](Request&) { return MIMUS_NEED_BODY; };
  probes().b.response_body = [](Request& r, std::string_view whole, mimus_rc) {
    EXPECT_EQ(whole, "fine");
    r.replace_status(304);
    return MIMUS_NEXT;
  };
  world.open();
  world.start();
  EXPECT_EQ(world.sink->status, 304);
  EXPECT_EQ(world.sink->body, "");
}

TEST(ResponseDirection, TheBodyIsReplaced) {
  static constexpr std::string_view owned = "owned";
  const struct {
    const char* name;
    mimus_action (*response)(Request&);
    const char* sent;
    const char* captured;
  } rows[] = {
      {"by other content", [](Request& r) { return r.replace_body("new"); }, "new", "new"},
      {"by bytes of the bound", [](Request& r) { return r.replace_body(owned, MIMUS_OF_BOUND); }, "owned",
       "owned"},
      {"by the same content in a coding", [](Request& r) { return r.replace_body("coded", MIMUS_CODED); },
       "coded", "fine"},
      {"in two codings",
       [](Request& r) {
         r.replace_body("coded", MIMUS_CODED);
         return r.replace_body("again", MIMUS_CODED);
       },
       "again", "fine"},
      {"by other content after a coding",
       [](Request& r) {
         r.replace_body("coded", MIMUS_CODED);
         return r.replace_body("new");
       },
       "new", "new"},
      {"and emptied after a coding",
       [](Request& r) {
         r.replace_body("coded", MIMUS_CODED);
         r.replace_status(304);
         return mimus_action{MIMUS_NEXT};
       },
       "", ""},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    World world;
    probes().c.request = [](Request& r) {
      EXPECT_EQ(r.replace_body("early"), MIMUS_E_INVAL);
      return ok(r);
    };
    probes().b.response = row.response;
    probes().a.response = [&](Request& r) {
      EXPECT_EQ(r.response_length(), std::string_view(row.sent).size());
      return MIMUS_NEXT;
    };
    world.open({.api = R"({"capture":{"bodies":true}})"});
    world.start();
    EXPECT_EQ(world.sink->body, row.sent);
    ASSERT_EQ(world.journal.records.size(), 1U);
    EXPECT_EQ(world.journal.records[0].text.at(field_response_body), row.captured);
  }
}

TEST(ResponseDirection, NeedingTheBodyTwiceIsAFailure) {
  World world;
  probes().c.request = ok;
  probes().a.response = [](Request&) { return MIMUS_NEED_BODY; };
  probes().a.response_body = [](Request&, std::string_view, mimus_rc) { return MIMUS_NEED_BODY; };
  world.open();
  world.start();
  EXPECT_EQ(world.problem(), "plugin-failed");
}

TEST(Binding, APluginThatRefusesIsDecidedByItsFailPolicyAtEveryRequest) {
  for (const bool open : {true, false}) {
    SCOPED_TRACE(open);
    World world;
    (open ? probes().b : probes().a).bind = [](const View&) { return MIMUS_E_INVAL; };
    probes().c.request = ok;
    world.open();
    for (int i = 0; i < 2; ++i) {
      world.start();
      EXPECT_EQ(world.sink->status, open ? 200 : 503);
    }
    EXPECT_EQ(world.plugins->current()->find(open ? "test.b" : "test.a")->failures, 2U);
  }
}

TEST(Binding, HappensAtTheFirstHitOffTheWorker) {
  World world;
  probes().c.request = ok;
  world.open({.compile_first = false});
  for (int i = 0; i < 2; ++i) {
    world.start();
    world.await_end();
    EXPECT_EQ(world.sink->status, 200);
  }
  EXPECT_EQ(world.plugins->current()->find("test.c")->holders.bindings, 1U);
}

class Unreadable final : public DefinitionStore {
  static Error broken() { return {Code::unavailable, "the disk is broken"}; }
  Result<std::uint64_t> commit(std::span<const DefinitionWrite>, std::int64_t) override { return broken(); }
  std::uint64_t sequence() const override { return 0; }
  Result<std::string> document(Kind, const Ulid&) const override { return broken(); }
  Status each(Kind, const std::function<void(const StoredDefinition&)>&) const override { return broken(); }
  Result<std::vector<DefinitionChange>> changes(std::uint64_t, std::size_t) const override {
    return broken();
  }
};

TEST(Binding, ADocumentThatCannotBeReadIsAnError) {
  const Unreadable store;
  World world;
  world.open({.compile_first = false, .definitions = &store});
  world.start();
  world.await_end();
  EXPECT_EQ(world.sink->status, 503);
  EXPECT_EQ(world.problem(), "definition-unreadable");
}

TEST(Binding, AnEndpointThatIsDeletedAsItsFirstRequestComesIsAMiss) {
  World world;
  world.open({.compile_first = false});
  const DefinitionWrite gone{Kind::endpoint, world.id, world.api_id, 2, true, "", {}};
  ASSERT_TRUE(world.database->definitions().commit({&gone, 1}, 0));
  world.start();
  world.await_end();
  EXPECT_EQ(world.sink->status, 404);
  EXPECT_EQ(world.problem(), "no-such-endpoint");
  EXPECT_EQ(world.journal.records.at(0).status, 404);
}

}  // namespace
}  // namespace mimus
