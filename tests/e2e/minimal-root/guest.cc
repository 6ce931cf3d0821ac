// A third party's plugin that needs much of the C++ runtime: exceptions, streams, locales, threads.
#include <future>
#include <sstream>
#include <stdexcept>

#include "mimus/plugin.hpp"

namespace {

class Guest {
 public:
  struct Binding {};
  explicit Guest(mimus::Host&) {}

  mimus::Result<std::unique_ptr<Binding>> bind(const mimus::View& view) {
    if (view.level != MIMUS_LEVEL_ENDPOINT || view.config.empty()) return std::unique_ptr<Binding>();
    return std::make_unique<Binding>();
  }

  mimus_action on_request(Binding&, mimus::Request& r) {
    if (r.get(MIMUS_REQUEST_HEADERS, "X-Do") == "throw") throw std::runtime_error("to the wall");
    return MIMUS_NEXT;
  }

  mimus_action on_response(Binding&, mimus::Request& r) {
    std::ostringstream text;
    try {
      std::async(std::launch::async, [] { throw std::runtime_error("from another thread"); }).get();
    } catch (const std::exception& caught) {
      text << "caught " << caught.what() << ' ' << 1.5;
    }
    r.set("X-Guest", text.str());
    return MIMUS_NEXT;
  }
};

}  // namespace

MIMUS_MANIFEST =
#include "manifest.inc"
    ;

MIMUS_PLUGIN(Guest, "com.example.guest", "1.0.0")
