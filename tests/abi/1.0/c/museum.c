/* A plugin of ABI 1.0 in C, kept as it was compiled: it answers, holds, remembers, records. */
#include <stdlib.h>
#include <string.h>

#include "mimus/plugin.h"

struct mimus_inst {
  const mimus_host_api* api;
  mimus_host* host;
  const mimus_http_v1* http;
  const mimus_async_v1* async;
  const mimus_timer_v1* timer;
  const mimus_kv_v1* kv;
  const mimus_hash_v1* hash;
  const mimus_task_v1* task;
  int32_t field;
};

struct mimus_bound {
  size_t n;
  char value[];
};

static mimus_str text(const char* s) { return (mimus_str){s, strlen(s)}; }
static int is(mimus_str a, const char* b) { return a.n == strlen(b) && memcmp(a.p, b, a.n) == 0; }

static mimus_rc create(const mimus_host_api* api, mimus_host* host, mimus_inst** out) {
  mimus_inst* const inst = calloc(1, sizeof *inst);
  const mimus_journal_v1* const journal = api->get_extension(host, "mimus.journal/1");
  if (inst == NULL) return MIMUS_E_UNAVAILABLE;
  inst->api = api;
  inst->host = host;
  inst->http = api->get_extension(host, "mimus.http/1");
  inst->async = api->get_extension(host, "mimus.async/1");
  inst->timer = api->get_extension(host, "mimus.timer/1");
  inst->kv = api->get_extension(host, "mimus.kv/1");
  inst->hash = api->get_extension(host, "mimus.hash/1");
  inst->task = api->get_extension(host, "mimus.task/1");
  if (!MIMUS_HAS(inst->http, remove_request) || !MIMUS_HAS(inst->async, release) ||
      !MIMUS_HAS(inst->timer, start) || !MIMUS_HAS(inst->kv, del_prefix) || !MIMUS_HAS(inst->hash, md5) ||
      !MIMUS_HAS(inst->task, spawn) || !MIMUS_HAS(journal, scan)) {
    api->set_error(host, text("a table of ABI 1.0 is missing"));
    free(inst);
    return MIMUS_E_UNAVAILABLE;
  }
  inst->field = journal->field(host, text("museum"));
  *out = inst;
  return MIMUS_OK;
}

static mimus_rc configure(mimus_inst* inst, mimus_str json) {
  for (size_t i = 0; i + 6 <= json.n; ++i) {
    if (memcmp(json.p + i, "\"kept\"", 6) == 0) return MIMUS_OK;
  }
  inst->api->set_error(inst->host, text("museum-word is not \"kept\""));
  return MIMUS_E_INVAL;
}

static void destroy(mimus_inst* inst) { free(inst); }

static mimus_rc bind(mimus_inst* inst, const mimus_view* view, mimus_bound** out) {
  static const char key[] = "\"value\":\"";
  (void)inst;
  *out = NULL;
  if (view->level != MIMUS_LEVEL_ENDPOINT) return MIMUS_OK;
  for (size_t i = 0; i + sizeof key - 1 < view->config.n; ++i) {
    const char* const first = view->config.p + i + sizeof key - 1;
    if (memcmp(view->config.p + i, key, sizeof key - 1) != 0) continue;
    const char* const last = memchr(first, '"', (size_t)(view->config.p + view->config.n - first));
    if (last == NULL) return MIMUS_E_INVAL;
    *out = malloc(sizeof **out + (size_t)(last - first));
    if (*out == NULL) return MIMUS_E_UNAVAILABLE;
    (*out)->n = (size_t)(last - first);
    memcpy((*out)->value, first, (*out)->n);
  }
  return MIMUS_OK;
}

static void unbind(mimus_inst* inst, mimus_bound* bound) {
  (void)inst;
  free(bound);
}

static mimus_rc self_test(mimus_inst* inst) {
  return inst->api->abi_major == MIMUS_ABI_MAJOR && inst->field >= 0 ? MIMUS_OK : MIMUS_E_INVAL;
}

static void wake(mimus_inst* inst, void* ud, mimus_rc rc) {
  (void)rc;
  (void)inst->async->resume(ud);
  inst->async->release(ud);
}

static mimus_action on_request(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx) {
  mimus_str what;
  *ctx = bound;
  if (inst->http->get(req, MIMUS_REQUEST_HEADERS, text("x-do"), 0, &what) != MIMUS_OK) return MIMUS_NEXT;
  if (is(what, "respond")) {
    const mimus_field field = {text("X-Museum"), text("responded")};
    return inst->http->respond(req, 201, &field, 1, text("kept"), 0) == MIMUS_OK ? MIMUS_RESPONDED
                                                                                 : MIMUS_FAIL;
  }
  if (is(what, "problem")) {
    const mimus_fault fault = {text("/a"), text("is kept")};
    return inst->http->problem(req, 409, text("museum"), text("an exhibit"), &fault, 1) == MIMUS_OK
               ? MIMUS_RESPONDED
               : MIMUS_FAIL;
  }
  if (is(what, "rewrite")) {
    return inst->http->set_request(req, text("X-Museum"), text("asked")) == MIMUS_OK &&
                   inst->http->remove_request(req, text("X-Do")) == MIMUS_OK
               ? MIMUS_NEXT
               : MIMUS_FAIL;
  }
  if (is(what, "work")) {
    mimus_resume* const resume = inst->async->hold(req, 10000);
    if (resume == NULL) return MIMUS_FAIL;
    if (inst->task->spawn(inst->host, wake, resume) == MIMUS_OK) return MIMUS_SUSPEND;
    inst->async->release(resume);
    return MIMUS_FAIL;
  }
  if (is(what, "wait")) {
    mimus_resume* const resume = inst->async->hold(req, 10000);
    if (resume == NULL) return MIMUS_FAIL;
    if (inst->timer->start(inst->host, 1, wake, resume) == MIMUS_OK) return MIMUS_SUSPEND;
    inst->async->release(resume);
    return MIMUS_FAIL;
  }
  return is(what, "body") ? MIMUS_NEED_BODY : MIMUS_NEXT;
}

static mimus_action on_request_body(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx,
                                    mimus_str whole) {
  (void)bound;
  return *ctx == bound && inst->kv->put(inst->host, text("body"), whole, 0) == MIMUS_OK &&
                 inst->http->record_text(req, inst->field, whole) == MIMUS_OK
             ? MIMUS_NEXT
             : MIMUS_FAIL;
}

static mimus_action on_resume(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx) {
  (void)inst;
  (void)req;
  return *ctx == bound ? MIMUS_NEXT : MIMUS_FAIL;
}

static mimus_action on_response(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx) {
  uint8_t digest[32];
  const mimus_str value = {bound->value, bound->n};
  (void)ctx;
  inst->hash->sha256(&value, 1, digest);
  char* const hex = inst->http->alloc(req, 8);
  for (int i = 0; i < 4; ++i) {
    hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
    hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
  }
  return inst->http->set(req, text("X-Museum-C"), value) == MIMUS_OK &&
                 inst->http->add(req, text("X-Museum-Hash"), (mimus_str){hex, 8}) == MIMUS_OK
             ? MIMUS_NEXT
             : MIMUS_FAIL;
}

static void on_end(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx) {
  (void)inst;
  (void)bound;
  (void)req;
  *ctx = NULL;
}

struct remembered {
  char text[128];
  size_t n;
};

static void show(void* ud, mimus_str value) {
  struct remembered* const to = ud;
  to->n = value.n < sizeof to->text ? value.n : sizeof to->text;
  memcpy(to->text, value.p, to->n);
}

/* {"body":"…"}, or {} if there was none. */
static mimus_rc handle(mimus_inst* inst, const mimus_admin_request* request, mimus_reply* reply,
                       void (*answer)(mimus_reply*, int32_t status, mimus_str code, mimus_str body)) {
  struct remembered body = {.n = 0};
  char json[160] = "{";
  size_t n = 1;
  (void)request;
  if (inst->kv->get(inst->host, text("body"), NULL, show, &body) == MIMUS_OK) {
    memcpy(json + n, "\"body\":\"", 8);
    memcpy(json + n + 8, body.text, body.n);
    n += 8 + body.n;
    json[n++] = '"';
  }
  json[n++] = '}';
  answer(reply, 200, text(""), (mimus_str){json, n});
  return MIMUS_OK;
}

static mimus_rc reset(mimus_inst* inst, mimus_str what) {
  return is(what, "museum") ? inst->kv->del_prefix(inst->host, text("")) : MIMUS_E_INVAL;
}

static const mimus_admin_v1 admin = {sizeof admin, handle, reset};

static const void* get_extension(mimus_inst* inst, const char* id) {
  (void)inst;
  return strcmp(id, "mimus.admin/1") == 0 ? &admin : NULL;
}

static const mimus_plugin plugin = {
    .size = sizeof(mimus_plugin),
    .abi_major = MIMUS_ABI_MAJOR,
    .abi_minor = MIMUS_ABI_MINOR,
    .id = "com.example.museum-c",
    .version = "1.0.0",
    .create = create,
    .configure = configure,
    .destroy = destroy,
    .bind = bind,
    .unbind = unbind,
    .on_request = on_request,
    .on_request_body = on_request_body,
    .on_resume = on_resume,
    .on_response = on_response,
    .on_end = on_end,
    .get_extension = get_extension,
    .self_test = self_test,
};

static const mimus_plugin* entry(uint32_t major, uint32_t minor) {
  (void)minor;
  return major == MIMUS_ABI_MAJOR ? &plugin : NULL;
}

MIMUS_MANIFEST =
#include "manifest.inc"
    ;
MIMUS_EXPORT(entry)
