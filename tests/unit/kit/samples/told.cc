// A plugin that does in one place what the environment's MIMUS_TOLD says: "crash:on_request",
// "hang:create", "leak:create"; without it, a good one. Macros make its file a bad one.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>

#include "mimus/plugin.h"

#ifndef CODE_ID
#define CODE_ID "com.example.told"
#endif
#ifndef CODE_VERSION
#define CODE_VERSION "1.0.0"
#endif
#ifndef CODE_ABI
#define CODE_ABI MIMUS_ABI_MAJOR
#endif
#if defined(BAD_MANIFEST)
#define MANIFEST_MORE ",\"colour\":\"red\""
#elif defined(NEVER_UNLOADED)
#define MANIFEST_MORE ",\"unload\":\"never\""
#else
#define MANIFEST_MORE ""
#endif
#define STRING_(x) #x
#define STRING(x) STRING_(x)

MIMUS_MANIFEST =
    "{\"id\":\"com.example.told\",\"version\":\"1.0.0\",\"abi\":{\"major\":1,\"minor\":0},"
    "\"summary\":\"Does what it is "
    "told\",\"order\":{\"phase\":\"transform\"},\"fail\":\"closed\"" MANIFEST_MORE "}";

#if defined(UNIQUE)
template <class T>
struct __attribute__((visibility("default"))) Shared {
  static inline int n = 0;
};
#endif

namespace {

struct Instance {
  const mimus_host_api* api;
  mimus_host* host;
  const mimus_async_v1* async;
  const mimus_http_v1* http;
  const mimus_timer_v1* timer;
};

Instance& from(mimus_inst* inst) { return *reinterpret_cast<Instance*>(inst); }
mimus_str str(const char* text) { return {text, std::strlen(text)}; }

/// Whether this is the place of which it is told something, and what.
std::string told_of(const char* place) {
  const char* const what = std::getenv("MIMUS_TOLD");
  const char* const colon = what == nullptr ? nullptr : std::strchr(what, ':');
  return colon == nullptr || std::strcmp(colon + 1, place) != 0 ? "" : std::string(what, colon);
}

/// Work that takes about a millisecond for each unit.
void toil(long units) {
  volatile long n = 0;
  while (n < units * 2'000'000) n = n + 1;
}

/// Fails unless it is alone here; waits for company a little.
void be_alone() {
  static std::atomic<int> here{0};
  ++here;
  for (int i = 0; i < 200'000; ++i) {
    if (here > 1) std::abort();
  }
  --here;
}

/// True: refuse. Does the rest of what it is told itself.
bool told(const char* place) {
  const std::string verb = told_of(place);
  if (verb.empty()) return false;
  if (verb == "crash") ::raise(SIGSEGV);
  if (verb == "abort") std::abort();
  if (verb == "hang") {
    for (;;) ::pause();
  }
  if (verb == "throw") throw std::runtime_error("thrown as told");
  if (verb == "exit") std::exit(7);
  if (verb == "leak") static_cast<char*>(std::malloc(500))[0] = 1;
  if (verb == "open") (void)!::dup(0);
  if (verb == "thread")
    std::thread([] {
      for (;;) ::pause();
    }).detach();
  if (verb == "toil") toil(10);
  if (verb == "doze") (void)::poll(nullptr, 0, 60);  // however fast the machine
  if (verb == "alone") be_alone();
  return verb == "refuse";
}

#if defined(THREAD_LOCAL)
struct Counted {
  int n = 0;
  ~Counted() { n = -1; }
};
thread_local Counted counted;
#endif

/// What an exchange has that waits for a timer.
struct Waiting {
  const mimus_async_v1* async;
  mimus_resume* held;
  bool ended = false;
};

mimus_rc create(const mimus_host_api* api, mimus_host* host, mimus_inst** out) {
  if (told("create")) return MIMUS_E_UNAVAILABLE;
  const auto* const http = static_cast<const mimus_http_v1*>(api->get_extension(host, "mimus.http/1"));
  *out = reinterpret_cast<mimus_inst*>(
      new Instance{api, host, static_cast<const mimus_async_v1*>(api->get_extension(host, "mimus.async/1")),
                   http, static_cast<const mimus_timer_v1*>(api->get_extension(host, "mimus.timer/1"))});
  if (told_of("tables") == "overread")
    return static_cast<mimus_rc>(*(reinterpret_cast<const volatile char*>(http) + http->size) & 0);
  if (told_of("minor") == "exact" && api->abi_minor != MIMUS_ABI_MINOR) return MIMUS_E_UNAVAILABLE;
  return MIMUS_OK;
}
mimus_rc refusal(mimus_inst* inst, const char* hook) {
  if (!told(hook)) return MIMUS_OK;
  from(inst).api->set_error(from(inst).host, str("told\nto refuse"));
  return MIMUS_E_INVAL;
}
mimus_rc configure(mimus_inst* inst, mimus_str) { return refusal(inst, "configure"); }
mimus_rc self_test(mimus_inst* inst) { return refusal(inst, "self_test"); }
mimus_rc activate(mimus_inst* inst) { return refusal(inst, "activate"); }
mimus_rc quiesce(mimus_inst* inst) { return refusal(inst, "quiesce"); }
void destroy(mimus_inst* inst) {
  told("destroy");
  delete &from(inst);
}
mimus_rc check(mimus_inst* inst, const mimus_view*, mimus_report*, mimus_report_fn) {
  return refusal(inst, "check");
}
mimus_rc bind(mimus_inst* inst, const mimus_view*, mimus_bound** out) {
  *out = reinterpret_cast<mimus_bound*>(new int(0));
  if (told_of("bind") == "wrong") return 5;
  if (told_of("bind") == "mute") return MIMUS_E_INVAL;
  return refusal(inst, "bind");
}
void unbind(mimus_inst*, mimus_bound* bound) {
  told("unbind");
  delete reinterpret_cast<int*>(bound);
}
/// Uses what was the exchange's, which on_end would have freed.
void on_timer(mimus_inst*, void* ud, mimus_rc rc) {
  const Waiting& waiting = *static_cast<Waiting*>(ud);
  if (rc == MIMUS_OK && waiting.ended) std::abort();
  waiting.async->resume(waiting.held);
  waiting.async->release(waiting.held);
}
mimus_action on_request(mimus_inst* inst, mimus_bound*, mimus_req* req, void** ctx) {
  if (told("on_request")) return MIMUS_FAIL;
  const std::string verb = told_of("on_request");
  const Instance& self = from(inst);
#if defined(THREAD_LOCAL)
  ++counted.n;
#endif
#if defined(UNIQUE)
  ++Shared<int>::n;
#endif
  if (verb == "twice") {
    self.http->respond(req, 200, nullptr, 0, str("one"), 0);
    self.http->respond(req, 200, nullptr, 0, str("two"), 0);
    return MIMUS_RESPONDED;
  }
  if (verb == "bare-suspend") return MIMUS_SUSPEND;
  mimus_resume* const held = self.async->hold(req, 1000);
  if (verb == "trust") self.async->resume(held);
  if (held == nullptr) return MIMUS_FAIL;
  if (verb == "late") {
    auto* const waiting = new Waiting{self.async, held};
    *ctx = waiting;
    self.timer->start(self.host, 5000, on_timer, waiting);
    return MIMUS_SUSPEND;
  }
  self.async->resume(held);
  if (verb != "keep") self.async->release(held);
  return MIMUS_SUSPEND;
}
mimus_action on_resume(mimus_inst*, mimus_bound*, mimus_req*, void**) {
  return told("on_resume") ? MIMUS_FAIL : MIMUS_NEED_BODY;
}
mimus_action on_request_body(mimus_inst*, mimus_bound*, mimus_req*, void**, mimus_str) {
  return told("on_request_body") ? MIMUS_FAIL : MIMUS_NEXT;
}
mimus_action on_response(mimus_inst*, mimus_bound*, mimus_req*, void**) {
  return told("on_response") ? MIMUS_FAIL : MIMUS_NEED_BODY;
}
mimus_action on_response_body(mimus_inst*, mimus_bound*, mimus_req*, void**, mimus_str, mimus_rc) {
  return told("on_response_body") ? MIMUS_FAIL : MIMUS_NEXT;
}
void on_end(mimus_inst*, mimus_bound*, mimus_req*, void** ctx) {
  told("on_end");
  if (*ctx != nullptr) static_cast<Waiting*>(*ctx)->ended = true;
}

mimus_rc handle(mimus_inst*, const mimus_admin_request*, mimus_reply* reply,
                void (*answer)(mimus_reply*, std::int32_t, mimus_str, mimus_str)) {
  told("admin");
  answer(reply, told_of("admin") == "wrong" ? 42 : 200, str(""),
         str(told_of("admin") == "no-json" ? "}" : "{}"));
  return MIMUS_OK;
}
mimus_rc reset(mimus_inst*, mimus_str) { return MIMUS_OK; }

const void* get_extension(mimus_inst*, const char* id) {
  static const mimus_admin_v1 admin{sizeof admin, handle, reset};
  if (told_of("extension") == "any") return &admin;
  return std::strcmp(id, "mimus.admin/1") == 0 ? &admin : nullptr;
}

#if defined(MISSING_SYMBOL)
extern "C" void nobody_has_this_function();
#endif

const mimus_plugin* entry(std::uint32_t major, std::uint32_t minor) {
#if defined(MISSING_SYMBOL)
  nobody_has_this_function();
#endif
#if defined(REFUSES_ABI)
  return nullptr;
#endif
  if (major != MIMUS_ABI_MAJOR && told_of("major") != "any") return nullptr;
  if (minor != MIMUS_ABI_MINOR && told_of("minor") == "refuse") return nullptr;
  told("entry");
  static mimus_plugin table{};
  table.size = sizeof table;
  table.abi_major = CODE_ABI;
  table.abi_minor = MIMUS_ABI_MINOR;
  table.id = CODE_ID;
  table.version = CODE_VERSION;
  table.create = create;
  table.configure = configure;
  table.self_test = self_test;
  table.activate = activate;
  table.quiesce = quiesce;
  table.destroy = destroy;
  table.check = check;
  table.bind = bind;
#if defined(WITHOUT_BIND)
  table.bind = nullptr;
#endif
  table.unbind = unbind;
  table.on_request = on_request;
  table.on_request_body = on_request_body;
  table.on_resume = on_resume;
  table.on_response = on_response;
  table.on_response_body = on_response_body;
  table.on_end = on_end;
  table.get_extension = get_extension;
  return &table;
}

__attribute__((constructor)) void constructed() { told("constructor"); }

}  // namespace

#if defined(WITHOUT_ENTRY)
extern "C" __attribute__((visibility("default"))) const mimus_plugin* plugin_entry() {
  return entry(MIMUS_ABI_MAJOR, MIMUS_ABI_MINOR);
}
#else
MIMUS_EXPORT(entry)
#endif
#if defined(EXPORTS_MORE)
extern "C" __attribute__((visibility("default"))) int crc32() { return 0; }
#endif
