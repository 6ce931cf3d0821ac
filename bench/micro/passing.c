/* A plugin that passes: what a slot of a pipeline costs. PASSING_ID names it; compiled as a shared object,
 * and as PASSING_ENTRY into the program. */
#include "mimus/plugin.h"

static mimus_rc create(const mimus_host_api* api, mimus_host* host, mimus_inst** out) {
  (void)api;
  (void)host;
  (void)out;
  return MIMUS_OK;
}

static void destroy(mimus_inst* inst) { (void)inst; }

static mimus_rc bind(mimus_inst* inst, const mimus_view* view, mimus_bound** out) {
  static int bound;
  (void)inst;
  *out = view->level == MIMUS_LEVEL_ENDPOINT ? (mimus_bound*)&bound : NULL;
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
  return MIMUS_NEXT;
}

static const mimus_plugin* entry(uint32_t major, uint32_t minor) {
  static const mimus_plugin plugin = {
      .size = sizeof(mimus_plugin),
      .abi_major = MIMUS_ABI_MAJOR,
      .abi_minor = MIMUS_ABI_MINOR,
      .id = PASSING_ID,
      .version = "1.0.0",
      .create = create,
      .destroy = destroy,
      .bind = bind,
      .unbind = unbind,
      .on_request = on_request,
  };
  (void)minor;
  return major == MIMUS_ABI_MAJOR ? &plugin : NULL;
}

#ifdef PASSING_ENTRY
const mimus_plugin* PASSING_ENTRY(uint32_t major, uint32_t minor);
const mimus_plugin* PASSING_ENTRY(uint32_t major, uint32_t minor) { return entry(major, minor); }
#else
MIMUS_EXPORT(entry)
#endif
