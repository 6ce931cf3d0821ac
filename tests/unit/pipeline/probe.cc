// The plugins of the pipeline's tests, linked in.
#include "tests/unit/pipeline/probe.h"

#include <gtest/gtest.h>

#include <memory>
#include <mutex>

namespace mimus {
namespace {

std::unique_ptr<Probes> current;
std::mutex notes_mutex;
std::vector<std::string> notes;  // guarded by notes_mutex

constexpr const char* names[] = {"a", "b", "c"};

template <int N>
class Probe {
 public:
  struct Binding {};
  explicit Probe(Host&) {}

  Result<std::unique_ptr<Binding>> bind(const View& view) {
    if (!script().bind) return std::make_unique<Binding>();
    const mimus_rc rc = script().bind(view);
    if (rc != MIMUS_OK) return invalid("refused on purpose");
    return std::unique_ptr<Binding>();
  }
  mimus_action on_request(Binding&, Request& r) { return call("request", script().request, r); }
  mimus_action on_resume(Binding&, Request& r) { return call("resume", script().resume, r); }
  mimus_action on_response(Binding&, Request& r) { return call("response", script().response, r); }
  mimus_action on_request_body(Binding&, Request& r, std::string_view whole) {
    note("body " + std::string(whole));
    return script().body ? script().body(r, whole) : MIMUS_NEXT;
  }
  mimus_action on_response_body(Binding&, Request& r, std::string_view whole, mimus_rc rc) {
    note("response_body " + (rc == MIMUS_OK        ? std::string(whole)
                             : rc == MIMUS_E_NOSPC ? "too large"
                                                   : "broke off"));
    return script().response_body ? script().response_body(r, whole, rc) : MIMUS_NEXT;
  }
  void on_end(Binding&, Request& r) {
    note("end");
    if (script().end) script().end(r);
  }

 private:
  static Script& script() { return current->scripts[N]; }
  static void note(const std::string& what) { current->note(std::string(names[N]) + " " + what); }
  static mimus_action call(const char* what, const std::function<mimus_action(Request&)>& hook, Request& r) {
    note(what);
    return hook ? hook(r) : MIMUS_NEXT;
  }
};

template <int N>
mimus_plugin table;

template <int N>
PluginSource source(const std::string& phase, const std::string& fail, const std::string& without) {
  const std::string id = std::string("test.") + names[N];
  static const std::string kept_id = id;
  table<N> = wall::Tables<Probe<N>>::plugin(kept_id.c_str(), "1.0.0");
  if (without == "on_resume") table<N>.on_resume = nullptr;
  if (without == "on_request_body") table<N>.on_request_body = nullptr;
  auto manifest = parse_manifest(R"({"id":")" + id +
                                 R"(","version":"1.0.0","abi":{"major":1,"minor":0},"summary":"For tests",
          "order":{"phase":")" + phase +
                                 R"("},"fail":")" + fail + R"(","fields":{"endpoint":{")" + names[N] +
                                 R"(":{}},"api":{"api_)" + names[N] + R"(":{}}}})");
  EXPECT_TRUE(manifest) << manifest.error().message;
  PluginSource out;
  out.manifest = *std::move(manifest);
  if (N == 1) out.manifest.after = {"test.c", "test.none"};
  out.builtin = true;
  out.entry = [](std::uint32_t, std::uint32_t) -> const mimus_plugin* { return &table<N>; };
  return out;
}

}  // namespace

void Probes::note(const std::string& what) {
  const std::lock_guard lock(notes_mutex);
  notes.push_back(what);
}

std::vector<std::string> Probes::calls() {
  const std::lock_guard lock(notes_mutex);
  return std::exchange(notes, {});
}

Probes& probes() { return *current; }

void reset_probes() {
  current = std::make_unique<Probes>();
  (void)current->calls();
}

std::vector<PluginSource> probe_sources(const std::string& without) {
  std::vector<PluginSource> out;
  out.push_back(source<0>("observe", "closed", without));
  out.push_back(source<1>("traffic", "open", without));
  out.push_back(source<2>("content", "closed", without));
  return out;
}

}  // namespace mimus
