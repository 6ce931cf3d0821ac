/* A third party's plugin that crashes at its first request. */
#include "mimus/plugin.h"

MIMUS_MANIFEST =
    "{\"id\":\"com.example.crash\",\"version\":\"1.0.0\",\"abi\":{\"major\":1,\"minor\":0},"
    "\"summary\":\"Crashes\",\"order\":{\"phase\":\"transform\"},\"fail\":\"open\"}";

static int here;

static mimus_rc create(const mimus_host_api* api, mimus_host* host, mimus_inst** out) {
  (void)api;
  (void)host;
  *out = (mimus_inst*)&here;
  return MIMUS_OK;
}
static void destroy(mimus_inst* inst) { (void)inst; }
static mimus_rc bind(mimus_inst* inst, const mimus_view* view, mimus_bound** out) {
  (void)inst;
  (void)view;
  *out = (mimus_bound*)&here;
  return MIMUS_OK;
}
static void unbind(mimus_inst* inst, mimus_bound* bound) {
  (void)inst;
  (void)bound;
}
static mimus_action on_request(mimus_inst* inst, mimus_bound* bound, mimus_req* req, void** ctx) {
  (void)inst;
  (void)bound;
  (void)req;
  (void)ctx;
  *(volatile int*)0 = 1;
  return MIMUS_NEXT;
}

static const mimus_plugin plugin = {
    .size = sizeof(mimus_plugin),
    .abi_major = MIMUS_ABI_MAJOR,
    .abi_minor = MIMUS_ABI_MINOR,
    .id = "com.example.crash",
    .version = "1.0.0",
    .create = create,
    .destroy = destroy,
    .bind = bind,
    .unbind = unbind,
    .on_request = on_request,
};

static const mimus_plugin* entry(uint32_t major, uint32_t minor) {
  (void)minor;
  return major == MIMUS_ABI_MAJOR ? &plugin : NULL;
}

MIMUS_EXPORT(entry)
