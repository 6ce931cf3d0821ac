/* @NAME@: adds the response header X-@NAME@ to the endpoints that configure it. */
#include <stdlib.h>
#include <string.h>

#include "mimus/plugin.h"

struct mimus_inst {
  const mimus_http_v1* http;
};

/* What is kept for one endpoint: the header's value. */
struct mimus_bound {
  size_t n;
  char value[];
};

static mimus_str text(const char* s) { return (mimus_str){s, strlen(s)}; }

/* The string "value" of a JSON object that the host has checked against the endpoint_schema of
 * the manifest, which allows no escapes in it; p is NULL if there is none. */
static mimus_str value_in(mimus_str json) {
  static const char key[] = "\"value\"";
  const size_t n = sizeof key - 1;
  for (size_t at = 0; at + n < json.n; ++at) {
    if (memcmp(json.p + at, key, n) != 0) continue;
    const char* const end = json.p + json.n;
    const char* const first = memchr(json.p + at + n, '"', json.n - at - n);
    const char* const last = first == NULL ? NULL : memchr(first + 1, '"', (size_t)(end - first - 1));
    if (last != NULL) return (mimus_str){first + 1, (size_t)(last - first - 1)};
  }
  return (mimus_str){NULL, 0};
}

static mimus_rc create(const mimus_host_api* api, mimus_host* host, mimus_inst** out) {
  const mimus_http_v1* const http = api->get_extension(host, "mimus.http/1");
  if (!MIMUS_HAS(http, set)) return MIMUS_E_UNAVAILABLE;
  *out = malloc(sizeof **out);
  if (*out == NULL) return MIMUS_E_UNAVAILABLE;
  (*out)->http = http;
  return MIMUS_OK;
}

static void destroy(mimus_inst* inst) { free(inst); }

/* Once for each revision of an endpoint. Its configuration is plugins.{id} of the endpoint, or
 * else of its API. */
static mimus_rc bind(mimus_inst* inst, const mimus_view* view, mimus_bound** out) {
  (void)inst;
  const mimus_str value = value_in(view->config);
  *out = NULL; /* not in this pipeline */
  if (view->level != MIMUS_LEVEL_ENDPOINT || value.p == NULL) return MIMUS_OK;
  mimus_bound* const bound = malloc(sizeof *bound + value.n);
  if (bound == NULL) return MIMUS_E_UNAVAILABLE;
  bound->n = value.n;
  memcpy(bound->value, value.p, value.n);
  *out = bound;
  return MIMUS_OK;
}

static void unbind(mimus_inst* inst, mimus_bound* bound) {
  (void)inst;
  free(bound);
}

/* On a worker, for many requests at once: no locks, no waiting. */
static mimus_action on_response(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx) {
  (void)ctx;
  const mimus_str value = {bound->value, bound->n};
  return inst->http->set(req, text("X-@NAME@"), value) == MIMUS_OK ? MIMUS_NEXT : MIMUS_FAIL;
}

static const mimus_plugin plugin = {
    .size = sizeof(mimus_plugin),
    .abi_major = MIMUS_ABI_MAJOR,
    .abi_minor = MIMUS_ABI_MINOR,
    .id = "@ID@",
    .version = "0.1.0",
    .create = create,
    .destroy = destroy,
    .bind = bind,
    .unbind = unbind,
    .on_response = on_response,
};

static const mimus_plugin* entry(uint32_t host_major, uint32_t host_minor) {
  (void)host_minor;
  return host_major == MIMUS_ABI_MAJOR ? &plugin : NULL;
}

MIMUS_MANIFEST =
#include "manifest.inc"
    ;
MIMUS_EXPORT(entry)
