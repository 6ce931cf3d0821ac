/* A third party's plugin in C: adds a header, and misbehaves when a request's X-Do asks it to.
 * PLUGIN_FAIL is its fail policy, PLUGIN_ID its id. */
#include <string.h>

#include "mimus/plugin.h"

#ifndef PLUGIN_ID
#define PLUGIN_ID "com.example.misuse"
#endif
#ifndef PLUGIN_FAIL
#define PLUGIN_FAIL "closed"
#endif

MIMUS_MANIFEST = "{\"id\":\"" PLUGIN_ID
                 "\",\"version\":\"1.2.3\",\"abi\":{\"major\":1,\"minor\":0},"
                 "\"summary\":\"Adds a header, misbehaves on "
                 "demand\",\"order\":{\"phase\":\"transform\",\"after\":[],\"before\":[]},"
                 "\"fail\":\"" PLUGIN_FAIL
                 "\","
                 "\"endpoint_schema\":{\"type\":\"object\",\"additionalProperties\":false,"
                 "\"properties\":{\"value\":{\"type\":\"string\"},\"refuse\":{\"type\":\"boolean\"}}}}";

struct mimus_inst {
  mimus_host* host;
  const mimus_host_api* api;
  const mimus_http_v1* http;
  const mimus_async_v1* async;
};

static mimus_inst the_instance;
static int a_binding;

static mimus_str text(const char* s) {
  const mimus_str out = {s, strlen(s)};
  return out;
}

static int is(mimus_str a, const char* b) { return a.n == strlen(b) && memcmp(a.p, b, a.n) == 0; }

static mimus_rc create(const mimus_host_api* api, mimus_host* host, mimus_inst** out) {
  the_instance.host = host;
  the_instance.api = api;
  the_instance.http = api->get_extension(host, "mimus.http/1");
  the_instance.async = api->get_extension(host, "mimus.async/1");
  if (the_instance.http == NULL || the_instance.async == NULL) return MIMUS_E_UNAVAILABLE;
  if (api->get_extension(host, "mimus.nothing/9") != NULL) return MIMUS_E_INVAL;
  *out = &the_instance;
  return MIMUS_OK;
}

static void destroy(mimus_inst* inst) { (void)inst; }

static mimus_rc bind(mimus_inst* inst, const mimus_view* view, mimus_bound** out) {
  (void)inst;
  *out = NULL;
  if (view->level != MIMUS_LEVEL_ENDPOINT || view->config.n == 0) return MIMUS_OK;
  if (memmem(view->config.p, view->config.n, "refuse", 6) != NULL) {
    inst->api->set_error(inst->host, text("told to refuse"));
    return MIMUS_E_INVAL;
  }
  *out = (mimus_bound*)&a_binding;
  return MIMUS_OK;
}

static void unbind(mimus_inst* inst, mimus_bound* bound) {
  (void)inst;
  (void)bound;
}

static mimus_action on_request(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx) {
  const mimus_http_v1* http = inst->http;
  mimus_str what;
  (void)bound;
  (void)ctx;
  if (http->get(req, MIMUS_REQUEST_HEADERS, text("X-Do"), 0, &what) != MIMUS_OK) return MIMUS_NEXT;
  if (is(what, "fail")) return MIMUS_FAIL;
  if (is(what, "unknown-action")) return 4711;
  if (is(what, "suspend-without-hold")) return MIMUS_SUSPEND;
  if (is(what, "responded-without-answer")) return MIMUS_RESPONDED;
  if (is(what, "respond-twice")) {
    const mimus_rc first = http->respond(req, 201, NULL, 0, text("first"), 0);
    const mimus_rc second = http->respond(req, 202, NULL, 0, text("second"), 0);
    (void)first;
    (void)second;
    return MIMUS_RESPONDED;
  }
  if (is(what, "respond-and-next")) {
    (void)http->respond(req, 201, NULL, 0, text("forgotten"), 0);
    return MIMUS_NEXT;
  }
  if (is(what, "respond-bad-status") || is(what, "respond-bad-header")) {
    const mimus_field evil = {text("X-Evil"), text("a\r\nX-Split: yes")};
    const int status = is(what, "respond-bad-status");
    const mimus_rc rc = http->respond(req, status ? 42 : 200, &evil, status ? 0 : 1, text("x"), 0);
    const mimus_field said = {text("X-Rc"), text(rc == MIMUS_E_INVAL ? "inval" : "taken")};
    if (rc == MIMUS_E_INVAL) (void)http->respond(req, 200, &said, 1, text("refused"), 0);
    return MIMUS_RESPONDED;
  }
  if (is(what, "resume-twice")) {
    mimus_resume* resume = inst->async->hold(req, 1000);
    if (resume == NULL || inst->async->hold(req, 1000) != NULL) return MIMUS_FAIL;
    if (inst->async->resume(resume) != MIMUS_OK) return MIMUS_FAIL;
    const mimus_rc again = inst->async->resume(resume);
    inst->async->release(resume);
    return again == MIMUS_E_GONE ? MIMUS_SUSPEND : MIMUS_FAIL;
  }
  if (is(what, "never-resume")) {
    mimus_resume* resume = inst->async->hold(req, 150);
    if (resume == NULL) return MIMUS_FAIL;
    inst->async->release(resume);
    return MIMUS_SUSPEND;
  }
  return MIMUS_NEXT;
}

static mimus_action on_resume(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx) {
  (void)inst;
  (void)bound;
  (void)req;
  (void)ctx;
  return MIMUS_NEXT;
}

static mimus_action on_response(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx) {
  const mimus_http_v1* http = inst->http;
  mimus_str what;
  (void)bound;
  (void)ctx;
  (void)http->set(req, text("X-Third-Party"), text("was here"));
  if (http->get(req, MIMUS_REQUEST_HEADERS, text("X-Do"), 0, &what) != MIMUS_OK) return MIMUS_NEXT;
  if (is(what, "fail-in-response")) return MIMUS_FAIL;
  if (is(what, "split-header")) {
    const int refused = http->set(req, text("X-Evil"), text("a\r\nX-Split: yes")) == MIMUS_E_INVAL &&
                        http->add(req, text("X-Evil\r\nX-Split"), text("yes")) == MIMUS_E_INVAL &&
                        http->add(req, text(""), text("yes")) == MIMUS_E_INVAL;
    (void)http->set(req, text("X-Rc"), text(refused ? "inval" : "taken"));
  }
  return MIMUS_NEXT;
}

static const mimus_plugin plugin = {
    .size = sizeof(mimus_plugin),
    .abi_major = MIMUS_ABI_MAJOR,
    .abi_minor = MIMUS_ABI_MINOR,
    .id = PLUGIN_ID,
    .version = "1.2.3",
    .create = create,
    .destroy = destroy,
    .bind = bind,
    .unbind = unbind,
    .on_request = on_request,
    .on_resume = on_resume,
    .on_response = on_response,
};

static const mimus_plugin* entry(uint32_t major, uint32_t minor) {
  (void)minor;
  return major == MIMUS_ABI_MAJOR ? &plugin : NULL;
}

MIMUS_EXPORT(entry)
