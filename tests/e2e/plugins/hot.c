/* A third party's plugin in C whose versions tell themselves apart: it answers with its version
 * in a header. Compile-time: PLUGIN_VERSION, PLUGIN_ID, PLUGIN_PHASE, PLUGIN_AFTER; BROKEN (1: it
 * fails every request, 2: it refuses its configuration), PLUGIN_EXTRA (more of the manifest),
 * ANSWERS (it is the endpoint's whole answer). It holds requests
 * whose X-Hold is set, for ever, and crashes when its word is to be "crash". */
#include <stdlib.h>
#include <string.h>

#include "mimus/plugin.h"

#ifndef PLUGIN_ID
#define PLUGIN_ID "com.example.hot"
#endif
#ifndef PLUGIN_VERSION
#define PLUGIN_VERSION "1.0.0"
#endif
#ifndef PLUGIN_PHASE
#define PLUGIN_PHASE "transform"
#endif
#ifndef PLUGIN_AFTER
#define PLUGIN_AFTER ""
#endif
#ifndef PLUGIN_EXTRA
#define PLUGIN_EXTRA ""
#endif
#ifndef PLUGIN_JOURNAL
#define PLUGIN_JOURNAL "{\"name\":\"hotVersion\",\"type\":\"text\"}"
#endif
#ifndef PLUGIN_SCHEMA
#define PLUGIN_SCHEMA \
  "\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"loud\":{\"type\":\"boolean\"}}"
#endif
#ifndef OPTION
#define OPTION "hot"
#endif
#ifndef BROKEN
#define BROKEN 0
#endif

MIMUS_MANIFEST = "{\"id\":\"" PLUGIN_ID "\",\"version\":\"" PLUGIN_VERSION
                 "\",\"abi\":{\"major\":1,\"minor\":0},\"summary\":\"Tells its version\","
                 "\"order\":{\"phase\":\"" PLUGIN_PHASE "\",\"after\":[" PLUGIN_AFTER
                 "],\"before\":[]},"
                 "\"fail\":\"open\",\"capabilities\":{\"channel\":true,\"journal\":true}," PLUGIN_EXTRA
                 "\"options\":[{\"name\":\"" OPTION
                 "-word\",\"type\":\"text\",\"default\":\"hi\","
                 "\"help\":\"a word\"},{\"name\":\"" OPTION
                 "-number\",\"type\":\"integer\",\"minimum\":1,"
                 "\"default\":1,\"help\":\"a number\"}],"
                 "\"journal\":[" PLUGIN_JOURNAL "],\"endpoint_schema\":{" PLUGIN_SCHEMA "}}";

struct mimus_inst {
  mimus_host* host;
  const mimus_host_api* api;
  const mimus_http_v1* http;
  const mimus_async_v1* async;
  const mimus_channel_v1* channel;
  int32_t version_field;
  char word[64];
};

struct mimus_bound {
  int level;
};

static mimus_str text(const char* s) {
  const mimus_str out = {s, strlen(s)};
  return out;
}

static mimus_rc create(const mimus_host_api* api, mimus_host* host, mimus_inst** out) {
  mimus_inst* const inst = calloc(1, sizeof *inst);
  inst->host = host;
  inst->api = api;
  inst->http = api->get_extension(host, "mimus.http/1");
  const mimus_journal_v1* const journal = api->get_extension(host, "mimus.journal/1");
  inst->channel = api->get_extension(host, "mimus.channel/1");
  inst->version_field = journal == NULL ? -1 : journal->field(host, text("hotVersion"));
  inst->async = api->get_extension(host, "mimus.async/1");
  *out = inst;
  return MIMUS_OK;
}

static mimus_rc configure(mimus_inst* inst, mimus_str json) {
  const char* const key = "\"" OPTION "-word\":\"";
  const char* at = memmem(json.p, json.n, key, strlen(key));
  size_t n = 0;
  if (BROKEN == 2) {
    inst->api->set_error(inst->host, text("told to refuse"));
    return MIMUS_E_INVAL;
  }
  for (at = at == NULL ? "\"" : at + strlen(key); *at != '"' && n + 1 < sizeof inst->word; ++at)
    inst->word[n++] = *at;
  if (strcmp(inst->word, "crash") == 0) abort();
  return MIMUS_OK;
}

static void destroy(mimus_inst* inst) { free(inst); }

static mimus_rc bind(mimus_inst* inst, const mimus_view* view, mimus_bound** out) {
  (void)inst;
  *out = NULL;
  if (view->level == MIMUS_LEVEL_API || view->config.n == 0) return MIMUS_OK;
  *out = malloc(sizeof **out);
  (*out)->level = view->level;
  return MIMUS_OK;
}

static void unbind(mimus_inst* inst, mimus_bound* bound) {
  (void)inst;
  free(bound);
}

static mimus_action on_request(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx) {
  mimus_str what;
  (void)bound;
  if (BROKEN == 1) return MIMUS_FAIL;
  if (inst->http->get(req, MIMUS_REQUEST_HEADERS, text("X-Hold"), 0, &what) != MIMUS_OK) {
#ifdef ANSWERS
    (void)inst->http->respond(req, 200, NULL, 0, text("answered by " PLUGIN_VERSION), 0);
    return MIMUS_RESPONDED;
#else
    return MIMUS_NEXT;
#endif
  }
  *ctx = inst->async->hold(req, 60000);
  return MIMUS_SUSPEND;
}

static mimus_action on_resume(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx) {
  (void)inst;
  (void)bound;
  (void)req;
  (void)ctx;
  return MIMUS_NEXT;
}

static mimus_action on_response(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx) {
  (void)bound;
  (void)ctx;
  inst->http->set(req, text("X-Hot"), text(PLUGIN_VERSION));
  if (inst->version_field >= 0) inst->http->record_text(req, inst->version_field, text(PLUGIN_VERSION));
  inst->http->set(req, text("X-Word"), text(inst->word));
  return MIMUS_NEXT;
}

static void on_end(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx) {
  (void)bound;
  (void)req;
  if (*ctx != NULL) inst->async->release(*ctx);
}

static void on_open(mimus_inst* inst, mimus_bound* bound, mimus_channel* channel, void** ctx) {
  (void)bound;
  (void)ctx;
  inst->channel->send_event(channel, text("version"), text("\"" PLUGIN_VERSION "\""));
}

static void on_message(mimus_inst* inst, mimus_bound* bound, mimus_channel* channel, void** ctx,
                       mimus_str data, int32_t binary) {
  (void)data;
  (void)binary;
  on_open(inst, bound, channel, ctx);
}

static const void* get_extension(mimus_inst* inst, const char* id) {
  static const mimus_peer_v1 peer = {.size = sizeof peer, .on_open = on_open, .on_message = on_message};
  (void)inst;
  return strcmp(id, "mimus.peer/1") == 0 ? &peer : NULL;
}

static const mimus_plugin* entry(uint32_t major, uint32_t minor) {
  static const mimus_plugin plugin = {
      .size = sizeof(mimus_plugin),
      .abi_major = MIMUS_ABI_MAJOR,
      .abi_minor = MIMUS_ABI_MINOR,
      .id = PLUGIN_ID,
      .version = PLUGIN_VERSION,
      .create = create,
      .configure = configure,
      .destroy = destroy,
      .bind = bind,
      .unbind = unbind,
      .on_request = on_request,
      .on_resume = on_resume,
      .on_response = on_response,
      .on_end = on_end,
      .get_extension = get_extension,
  };
  (void)minor;
  return major == MIMUS_ABI_MAJOR ? &plugin : NULL;
}

MIMUS_EXPORT(entry)
