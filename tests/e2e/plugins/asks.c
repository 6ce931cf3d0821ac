/* A third party's plugin in C that tells which extensions it was given, in a header. PLUGIN_ID is
 * its id, PLUGIN_VERSION its version, PLUGIN_ASKS the value of its manifest's "capabilities". */
#include <stdio.h>
#include <string.h>

#include "mimus/plugin.h"

#ifndef PLUGIN_ID
#define PLUGIN_ID "com.example.asks"
#endif
#ifndef PLUGIN_VERSION
#define PLUGIN_VERSION "1.0.0"
#endif
#ifndef PLUGIN_ASKS
#define PLUGIN_ASKS "{}"
#endif

MIMUS_MANIFEST = "{\"id\":\"" PLUGIN_ID "\",\"version\":\"" PLUGIN_VERSION
                 "\",\"abi\":{\"major\":1,\"minor\":0},\"summary\":\"Tells what it was given\","
                 "\"order\":{\"phase\":\"transform\"},\"fail\":\"open\",\"capabilities\":" PLUGIN_ASKS
                 ",\"endpoint_schema\":{\"type\":\"object\"}}";

struct mimus_inst {
  const mimus_http_v1* http;
  char given[100];
};

static mimus_inst the_instance;
static int a_binding;

static mimus_str text(const char* s) {
  const mimus_str out = {s, strlen(s)};
  return out;
}

static mimus_rc create(const mimus_host_api* api, mimus_host* host, mimus_inst** out) {
  static const char* const names[] = {"kv", "fetch", "forward", "journal", "channel", "timer", "hash"};
  size_t i;
  the_instance.http = api->get_extension(host, "mimus.http/1");
  the_instance.given[0] = 0;
  for (i = 0; i < sizeof names / sizeof *names; ++i) {
    char id[32];
    snprintf(id, sizeof id, "mimus.%s/1", names[i]);
    if (api->get_extension(host, id) == NULL) continue;
    if (the_instance.given[0] != 0) strcat(the_instance.given, " ");
    strcat(the_instance.given, names[i]);
  }
  *out = &the_instance;
  return MIMUS_OK;
}

static void destroy(mimus_inst* inst) { (void)inst; }

static mimus_rc bind(mimus_inst* inst, const mimus_view* view, mimus_bound** out) {
  (void)inst;
  *out = view->config.n == 0 ? NULL : (mimus_bound*)&a_binding;
  return MIMUS_OK;
}

static void unbind(mimus_inst* inst, mimus_bound* bound) {
  (void)inst;
  (void)bound;
}

static mimus_action on_response(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx) {
  (void)bound;
  (void)ctx;
  (void)inst->http->set(req, text("X-Given"), text(inst->given));
  (void)inst->http->set(req, text("X-Plugin-Version"), text(PLUGIN_VERSION));
  return MIMUS_NEXT;
}

static const mimus_plugin plugin = {
    .size = sizeof(mimus_plugin),
    .abi_major = MIMUS_ABI_MAJOR,
    .abi_minor = MIMUS_ABI_MINOR,
    .id = PLUGIN_ID,
    .version = PLUGIN_VERSION,
    .create = create,
    .destroy = destroy,
    .bind = bind,
    .unbind = unbind,
    .on_response = on_response,
};

static const mimus_plugin* entry(uint32_t major, uint32_t minor) {
  (void)minor;
  return major == MIMUS_ABI_MAJOR ? &plugin : NULL;
}

MIMUS_EXPORT(entry)
