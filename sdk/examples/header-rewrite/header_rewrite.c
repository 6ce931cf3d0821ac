/* Sets and removes header fields of requests and responses, as the configuration of each API or endpoint
 * says. */
#include <mimus/plugin.h>
#include <stdlib.h>
#include <string.h>

MIMUS_MANIFEST =
#include "manifest.inc"
    ;

struct mimus_inst {
  mimus_host* host;
  const mimus_host_api* api;
  const mimus_http_v1* http;
};

struct mimus_bound {
  mimus_field set_request, set_response; /* no name: nothing to set */
  mimus_str remove_request, remove_response;
  char config[]; /* what the four above point into */
};

/* A member of a flat object of strings. The manifest's schema has refused quotes and backslashes in them, so
 * that the text between two quotes is the value. */
static mimus_str member(const char* object, const char* quoted_name) {
  const mimus_str none = {NULL, 0};
  const char* at = strstr(object, quoted_name);
  if (at == NULL || (at = strchr(at + strlen(quoted_name), '"')) == NULL) return none;
  const char* const end = strchr(++at, '"');
  if (end == NULL) return none;
  return (mimus_str){at, (size_t)(end - at)};
}

/* "Name: value" in two. */
static mimus_field field_of(mimus_str text) {
  mimus_field out = {{NULL, 0}, {NULL, 0}};
  const char* const colon = text.n == 0 ? NULL : memchr(text.p, ':', text.n);
  if (colon == NULL) return out;
  out.name = (mimus_str){text.p, (size_t)(colon - text.p)};
  out.value = (mimus_str){colon + 2, text.n - out.name.n - 2};
  return out;
}

static mimus_rc create(const mimus_host_api* api, mimus_host* host, mimus_inst** out) {
  mimus_inst* const inst = malloc(sizeof *inst);
  if (inst == NULL) return MIMUS_E_NOSPC;
  inst->host = host;
  inst->api = api;
  inst->http = api->get_extension(host, "mimus.http/1");
  *out = inst;
  return inst->http != NULL && MIMUS_HAS(inst->http, remove_request) ? MIMUS_OK : MIMUS_E_UNAVAILABLE;
}

static void destroy(mimus_inst* inst) { free(inst); }

/* OK with *out NULL: not configured here, so not in this pipeline. */
static mimus_rc bind(mimus_inst* inst, const mimus_view* view, mimus_bound** out) {
  *out = NULL;
  if (view->level == MIMUS_LEVEL_CHANNEL || view->config.n == 0) return MIMUS_OK;
  mimus_bound* const bound = calloc(1, sizeof *bound + view->config.n + 1);
  if (bound == NULL) {
    static const char why[] = "no memory";
    inst->api->set_error(inst->host, (mimus_str){why, sizeof why - 1});
    return MIMUS_E_NOSPC;
  }
  memcpy(bound->config, view->config.p, view->config.n);
  bound->set_request = field_of(member(bound->config, "\"setRequest\""));
  bound->set_response = field_of(member(bound->config, "\"setResponse\""));
  bound->remove_request = member(bound->config, "\"removeRequest\"");
  bound->remove_response = member(bound->config, "\"removeResponse\"");
  *out = bound;
  return MIMUS_OK;
}

static void unbind(mimus_inst* inst, mimus_bound* bound) {
  (void)inst;
  free(bound);
}

static mimus_action on_request(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx) {
  (void)ctx;
  mimus_rc rc = MIMUS_OK;
  if (bound->remove_request.n != 0) rc = inst->http->remove_request(req, bound->remove_request);
  if (rc == MIMUS_OK && bound->set_request.name.n != 0)
    rc = inst->http->set_request(req, bound->set_request.name, bound->set_request.value);
  return rc == MIMUS_OK ? MIMUS_NEXT : MIMUS_FAIL;
}

static mimus_action on_response(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx) {
  (void)ctx;
  mimus_rc rc = MIMUS_OK;
  if (bound->remove_response.n != 0) rc = inst->http->remove(req, bound->remove_response);
  if (rc == MIMUS_OK && bound->set_response.name.n != 0)
    rc = inst->http->set(req, bound->set_response.name, bound->set_response.value);
  return rc == MIMUS_OK ? MIMUS_NEXT : MIMUS_FAIL;
}

static const mimus_plugin plugin = {
    .size = sizeof(mimus_plugin),
    .abi_major = MIMUS_ABI_MAJOR,
    .abi_minor = MIMUS_ABI_MINOR,
    .id = "com.example.header-rewrite",
    .version = "1.0.0",
    .create = create,
    .destroy = destroy,
    .bind = bind,
    .unbind = unbind,
    .on_request = on_request,
    .on_response = on_response,
};

static const mimus_plugin* entry(uint32_t major, uint32_t minor) {
  (void)minor;
  return major == MIMUS_ABI_MAJOR ? &plugin : NULL;
}
MIMUS_EXPORT(entry)
