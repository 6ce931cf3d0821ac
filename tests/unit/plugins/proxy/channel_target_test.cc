// Where channels are relayed to.
#include "plugins/proxy/channel_target.h"

#include <gtest/gtest.h>

namespace mimus::proxy {
namespace {

TEST(ChannelTarget, IsCheckedInItsHttpForm) {
  const struct {
    const char* target;
    const char* want;  ///< "": it is none.
  } cases[] = {
      {"ws://h/a?b", "http://h/a?b"},
      {"wss://h", "https://h"},
      {"HTTP://h", "http://h"},
      {"Https://h:1/", "https://h:1/"},
      {"wsx://h", ""},
      {"h", ""},
      {"ws:h", ""},
      {"ws://", ""},
      {"ws:///a", ""},
      {"ws://?a", ""},
      {"ws://h/a b", ""},
      {"ws://h#", ""},
  };
  for (const auto& c : cases) {
    const Result<std::string> form = http_form(c.target);
    EXPECT_EQ(form ? *form : "", c.want) << c.target;
  }
}

TEST(ChannelTarget, HasTheClientsQueryAfterItsOwn) {
  const struct {
    const char* name;
    const char* target;
    const char* query;
    bool socket_io;
    const char* want;
  } cases[] = {
      {"none", "ws://h/a", "", false, "ws://h/a"},
      {"the client's", "ws://h", "b=2&a", false, "ws://h?b=2&a"},
      {"its own", "ws://h/a?x=1", "", true, "ws://h/a?x=1"},
      {"both", "ws://h/a?x=1", "b=2", false, "ws://h/a?x=1&b=2"},
      {"an empty one", "ws://h/a?", "b=2", false, "ws://h/a?b=2"},
      {"one that ends", "ws://h/a?x&", "b=2&&", false, "ws://h/a?x&b=2"},
      {"Engine.IO's", "ws://h/a", "EIO=4&transport=polling&t=1&sid=x&b64=1&j=0&tea=1", true,
       "ws://h/a?tea=1"},
      {"the same of a raw client", "ws://h/a", "EIO=4&t", false, "ws://h/a?EIO=4&t"},
  };
  for (const auto& c : cases) EXPECT_EQ(channel_url(c.target, c.query, c.socket_io), c.want) << c.name;
}

}  // namespace
}  // namespace mimus::proxy
