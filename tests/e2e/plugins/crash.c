/* A third party's plugin that ends the process, or keeps its thread, in whatever hook it is asked to:
 * by a request's "X-Do: HOOK WAY", by its endpoint's {"bind": WAY}, by GET …/x/WAY. CRASH_ID is its id,
 * CRASH_VERSION its version; CRASH_IN_ACTIVATE is a way. Its manifest's ABI comes from outside. */
#include <stdlib.h>
#include <string.h>

#include "mimus/plugin.h"

#ifndef CRASH_ID
#define CRASH_ID "com.example.crash"
#endif
#ifndef CRASH_VERSION
#define CRASH_VERSION "1.0.0"
#endif
#ifndef CRASH_FAIL
#define CRASH_FAIL "open"
#endif
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

MIMUS_MANIFEST = "{\"id\":\"" CRASH_ID "\",\"version\":\"" CRASH_VERSION "\",\"abi\":{\"major\":" TEXT(
    CRASH_ABI_MAJOR) ",\"minor\":" TEXT(CRASH_ABI_MINOR) "},\"summary\":\"Crashes on demand\","
                                                         "\"order\":{\"phase\":\"transform\"},\"fail\":\"" CRASH_FAIL
                                                         "\",\"endpoint_schema\":{\"type\":\"object\"}}";

struct mimus_inst {
  mimus_host* host;
  const mimus_host_api* api;
  const mimus_http_v1* http;
  const mimus_async_v1* async;
  const mimus_timer_v1* timer;
  const mimus_task_v1* task;
};

static mimus_inst the_instance;
static int a_binding;
static const char* volatile enrich_way; /* how the next enrich is to end */

static mimus_str text(const char* s) {
  const mimus_str out = {s, strlen(s)};
  return out;
}

static int dig(int depth) {
  volatile char much[4096];
  much[0] = (char)depth;
  return depth < 0 ? 0 : dig(depth + 1) + much[0];
}

static const char* const ways[] = {"segv", "abort", "overflow", "loop", "exit"};
enum { n_ways = sizeof ways / sizeof *ways };

/* The way that a text ends with, or NULL. */
static const char* way_in(mimus_str s) {
  for (size_t i = 0; i < n_ways; ++i) {
    const size_t n = strlen(ways[i]);
    if (s.n >= n && memcmp(s.p + s.n - n, ways[i], n) == 0) return ways[i];
  }
  return NULL;
}

static void end(const char* way) {
  volatile int turns = 0;
  if (way == NULL) return;
  if (strcmp(way, "segv") == 0) *(volatile int*)NULL = 1;
  if (strcmp(way, "abort") == 0) abort();
  if (strcmp(way, "overflow") == 0) turns = dig(0);
  if (strcmp(way, "exit") == 0) exit(3);
  while (strcmp(way, "loop") == 0 && turns >= 0) turns ^= 1;
}

/* Whether the request asks for this hook; its way, or NULL. */
static const char* asked(mimus_inst* inst, mimus_req* req, const char* hook) {
  mimus_str what;
  const size_t n = strlen(hook);
  if (inst->http->get(req, MIMUS_REQUEST_HEADERS, text("X-Do"), 0, &what) != MIMUS_OK) return NULL;
  if (what.n <= n || memcmp(what.p, hook, n) != 0 || what.p[n] != ' ') return NULL;
  return way_in(what);
}

static mimus_rc create(const mimus_host_api* api, mimus_host* host, mimus_inst** out) {
  the_instance.host = host;
  the_instance.api = api;
  the_instance.http = api->get_extension(host, "mimus.http/1");
  the_instance.async = api->get_extension(host, "mimus.async/1");
  the_instance.timer = api->get_extension(host, "mimus.timer/1");
  the_instance.task = api->get_extension(host, "mimus.task/1");
  *out = &the_instance;
  return MIMUS_OK;
}

static void destroy(mimus_inst* inst) { (void)inst; }

#ifdef CRASH_IN_ACTIVATE
/* Not where the host tries it in a process of its own. glibc shows constructors the arguments. */
static int in_the_server;
__attribute__((constructor)) static void look(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) in_the_server |= strcmp(argv[i], "serve") == 0;
}
#endif

static mimus_rc activate(mimus_inst* inst) {
  (void)inst;
#ifdef CRASH_IN_ACTIVATE
  if (in_the_server) end(CRASH_IN_ACTIVATE);
#endif
  return MIMUS_OK;
}

static mimus_rc bind(mimus_inst* inst, const mimus_view* view, mimus_bound** out) {
  (void)inst;
  *out = NULL;
  if (view->level != MIMUS_LEVEL_ENDPOINT || view->config.n == 0) return MIMUS_OK;
  for (size_t i = 0; i < n_ways; ++i) {
    if (memmem(view->config.p, view->config.n, ways[i], strlen(ways[i])) != NULL) end(ways[i]);
  }
  *out = (mimus_bound*)&a_binding;
  return MIMUS_OK;
}

static void unbind(mimus_inst* inst, mimus_bound* bound) {
  (void)inst;
  (void)bound;
}

/* A timer, or a task. */
static void on_time(mimus_inst* inst, void* ud, mimus_rc rc) {
  (void)inst;
  if (rc == MIMUS_OK) end(ud);
}

static mimus_action on_request(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx) {
  const char* way;
  (void)bound;
  (void)ctx;
  end(asked(inst, req, "on_request"));
  if ((way = asked(inst, req, "timer")) != NULL) (void)inst->timer->start(inst->host, 1, on_time, (void*)way);
  if ((way = asked(inst, req, "task")) != NULL) (void)inst->task->spawn(inst->host, on_time, (void*)way);
  if ((way = asked(inst, req, "enrich")) != NULL) enrich_way = way;
  if (asked(inst, req, "on_request_body") != NULL) return MIMUS_NEED_BODY;
  if (asked(inst, req, "on_resume") != NULL) {
    mimus_resume* resume = inst->async->hold(req, 1000);
    if (resume == NULL) return MIMUS_FAIL;
    (void)inst->async->resume(resume);
    inst->async->release(resume);
    return MIMUS_SUSPEND;
  }
  return MIMUS_NEXT;
}

static mimus_action on_request_body(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx,
                                    mimus_str whole) {
  (void)bound;
  (void)ctx;
  (void)whole;
  end(asked(inst, req, "on_request_body"));
  return MIMUS_NEXT;
}

static mimus_action on_resume(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx) {
  (void)bound;
  (void)ctx;
  end(asked(inst, req, "on_resume"));
  return MIMUS_NEXT;
}

static mimus_action on_response(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx) {
  (void)bound;
  (void)ctx;
  end(asked(inst, req, "on_response"));
  (void)inst->http->set(req, text("X-Crash"), text(CRASH_VERSION));
  return asked(inst, req, "on_response_body") != NULL ? MIMUS_NEED_BODY : MIMUS_NEXT;
}

static mimus_action on_response_body(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx,
                                     mimus_str whole, mimus_rc rc) {
  (void)bound;
  (void)ctx;
  (void)whole;
  (void)rc;
  end(asked(inst, req, "on_response_body"));
  return MIMUS_NEXT;
}

static void on_end(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx) {
  (void)bound;
  (void)ctx;
  end(asked(inst, req, "on_end"));
}

static mimus_rc handle(mimus_inst* inst, const mimus_admin_request* request, mimus_reply* reply,
                       void (*answer)(mimus_reply*, int32_t status, mimus_str code, mimus_str body)) {
  (void)inst;
  end(way_in(request->path));
  answer(reply, 200, text(""), text("{}"));
  return MIMUS_OK;
}

static mimus_rc reset(mimus_inst* inst, mimus_str what) {
  (void)inst;
  (void)what;
  return MIMUS_OK;
}

static void enrich(mimus_inst* inst, mimus_record* const* records, size_t n) {
  (void)inst;
  (void)records;
  (void)n;
  end(enrich_way);
}

static const void* get_extension(mimus_inst* inst, const char* id) {
  static const mimus_admin_v1 admin = {sizeof(mimus_admin_v1), handle, reset};
  static const mimus_record_v1 record = {sizeof(mimus_record_v1), enrich};
  (void)inst;
  if (strcmp(id, "mimus.admin/1") == 0) return &admin;
  return strcmp(id, "mimus.record/1") == 0 ? (const void*)&record : NULL;
}

static const mimus_plugin plugin = {
    .size = sizeof(mimus_plugin),
    .abi_major = MIMUS_ABI_MAJOR,
    .abi_minor = MIMUS_ABI_MINOR,
    .id = CRASH_ID,
    .version = CRASH_VERSION,
    .create = create,
    .destroy = destroy,
    .activate = activate,
    .bind = bind,
    .unbind = unbind,
    .on_request = on_request,
    .on_request_body = on_request_body,
    .on_resume = on_resume,
    .on_response = on_response,
    .on_response_body = on_response_body,
    .on_end = on_end,
    .get_extension = get_extension,
};

static const mimus_plugin* entry(uint32_t major, uint32_t minor) {
  (void)minor;
  return major == MIMUS_ABI_MAJOR ? &plugin : NULL;
}

MIMUS_EXPORT(entry)
