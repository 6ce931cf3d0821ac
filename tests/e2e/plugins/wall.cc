// A third party's plugin in C++ whose hooks throw: what the SDK's wall is for.
#include <stdexcept>

#include "mimus/plugin.hpp"

namespace {

class Thrower {
 public:
  struct Binding {};
  explicit Thrower(mimus::Host&) {}

  mimus::Result<std::unique_ptr<Binding>> bind(const mimus::View& view) {
    if (view.level == MIMUS_LEVEL_API || view.config.empty()) return std::unique_ptr<Binding>();
    if (view.config.find("throw-in-bind") != view.config.npos) throw std::runtime_error("in bind");
    return std::make_unique<Binding>();
  }

  mimus_action on_request(Binding&, mimus::Request& r) {
    const auto what = r.get(MIMUS_REQUEST_HEADERS, "X-Do");
    if (what == "throw") throw std::runtime_error("in a request hook");
    if (what == "throw-a-number") throw 7;
    return MIMUS_NEXT;
  }

  void on_open(Binding&, mimus::Peer&) {}

  mimus_action on_response(Binding&, mimus::Request& r) {
    if (r.get(MIMUS_REQUEST_HEADERS, "X-Do") == "throw-late") throw std::bad_alloc();
    r.set("X-Wall", "stands");
    return MIMUS_NEXT;
  }
};

}  // namespace

MIMUS_MANIFEST =
    R"({"id":"com.example.wall","version":"0.9","abi":{"major":1,"minor":0},"summary":"Throws","order":{"phase":"auth"},"fail":"closed","endpoint_schema":{"type":"object"}})";

MIMUS_PLUGIN(Thrower, "com.example.wall", "0.9")
