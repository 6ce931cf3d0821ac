// A third party's plugin that breaks the rule: an exception leaves a hook, past the SDK's wall.
#include <stdexcept>

#include "mimus/plugin.h"

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

MIMUS_MANIFEST =
    "{\"id\":\"com.example.throws\",\"version\":\"1.0.0\",\"abi\":{\"major\":" TEXT(THROWS_ABI_MAJOR) ",\"minor\":" TEXT(
        THROWS_ABI_MINOR) "},\"summary\":\"Throws past the wall\",\"order\":{\"phase\":\"auth\"},\"fail\":\"closed\","
                          "\"endpoint_schema\":{\"type\":\"object\"}}";

struct mimus_inst {
  const mimus_http_v1* http;
};
struct mimus_bound {};

namespace {

mimus_inst the_instance;
mimus_bound a_binding;

mimus_rc create(const mimus_host_api* api, mimus_host* host, mimus_inst** out) {
  the_instance.http = static_cast<const mimus_http_v1*>(api->get_extension(host, "mimus.http/1"));
  *out = &the_instance;
  return MIMUS_OK;
}
void destroy(mimus_inst*) {}
mimus_rc bind(mimus_inst*, const mimus_view* view, mimus_bound** out) {
  *out = view->level == MIMUS_LEVEL_ENDPOINT && view->config.n != 0 ? &a_binding : nullptr;
  return MIMUS_OK;
}
void unbind(mimus_inst*, mimus_bound*) {}
mimus_action on_request(mimus_inst* inst, mimus_bound*, mimus_req* req, void**) {
  mimus_str what;
  const mimus_str name{"X-Do", 4};
  if (inst->http->get(req, MIMUS_REQUEST_HEADERS, name, 0, &what) == MIMUS_OK)
    throw std::runtime_error("past the wall");
  return MIMUS_NEXT;
}

const mimus_plugin* entry(std::uint32_t, std::uint32_t) {
  static mimus_plugin plugin{};
  plugin.size = sizeof plugin;
  plugin.abi_major = MIMUS_ABI_MAJOR;
  plugin.abi_minor = MIMUS_ABI_MINOR;
  plugin.id = "com.example.throws";
  plugin.version = "1.0.0";
  plugin.create = create;
  plugin.destroy = destroy;
  plugin.bind = bind;
  plugin.unbind = unbind;
  plugin.on_request = on_request;
  return &plugin;
}

}  // namespace

MIMUS_EXPORT(entry)
