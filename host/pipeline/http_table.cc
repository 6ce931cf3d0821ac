#include "host/pipeline/http_table.h"

#include <string>
#include <type_traits>

#include "host/pipeline/channel_services.h"
#include "host/pipeline/flow.h"
#include "host/plugin/loaded.h"
#include "host/upstream/upstream.h"

namespace mimus {
namespace {

/// REQUIRES: the handle's exchange has not ended. See Living.
Flow& flow_of(mimus_req* req) { return *Flow::of(req); }

/// A function of a table, for a handle that may be of an exchange that has ended: then it
/// returns `gone`, or nullptr.
template <auto function, std::int32_t gone = MIMUS_E_GONE>
struct Living;
template <class Return, class... More, Return (*function)(mimus_req*, More...), std::int32_t gone>
struct Living<function, gone> {
  static Return call(mimus_req* req, More... more) {
    if (Flow::of(req) != nullptr) return function(req, more...);
    if constexpr (std::is_pointer_v<Return>) {
      return nullptr;
    } else {
      return gone;
    }
  }
};
template <auto function, std::int32_t gone = MIMUS_E_GONE>
constexpr auto living = &Living<function, gone>::call;

std::string_view view(mimus_str text) {
  return text.n == 0 ? std::string_view{} : std::string_view{text.p, text.n};
}

mimus_rc give(std::string_view text, mimus_str* out) {
  *out = {text.data(), text.size()};
  return MIMUS_OK;
}

// ---- mimus.http/1 ----------------------------------------------------------------------

mimus_rc attr(mimus_req* req, mimus_attr which, mimus_str* out) {
  Flow& flow = flow_of(req);
  Exchange& exchange = flow.exchange();
  const RequestHead& request = exchange.request;
  const auto id = [&](const Ulid& ulid) {
    char* const text = static_cast<char*>(exchange.arena.allocate(26));
    ulid.text_to(text);
    return give({text, 26}, out);
  };
  switch (which) {
    case MIMUS_METHOD:
      return give(request.method, out);
    case MIMUS_TARGET:
      return give(request.target, out);
    case MIMUS_PATH:
      return give(flow.route().path, out);
    case MIMUS_RAW_PATH:
      return give(flow.route().raw_path, out);
    case MIMUS_RAW_QUERY:
      return give(request.raw_query, out);
    case MIMUS_CLIENT_IP:
      return give(exchange.client_ip, out);
    case MIMUS_ENDPOINT_ID:
      return flow.route().endpoint == nullptr ? give({}, out) : id(flow.route().endpoint->id);
    case MIMUS_API_ID:
      return id(flow.route().api->id);
    case MIMUS_ALLOW:
      return give(flow.route().allow, out);
    case MIMUS_SCHEME:
      return give("http", out);
    case MIMUS_HOST:
      return give(request.host, out);
    default:
      return MIMUS_ABSENT;
  }
}

mimus_rc at_header(const std::vector<Header>& headers, std::uint32_t index, mimus_field* out) {
  if (index >= headers.size()) return MIMUS_ABSENT;
  give(headers[index].name, &out->name);
  return give(headers[index].value, &out->value);
}

mimus_rc at(mimus_req* req, mimus_set set, std::uint32_t index, mimus_field* out) {
  Flow& flow = flow_of(req);
  switch (set) {
    case MIMUS_REQUEST_HEADERS:
      return at_header(flow.exchange().request.headers, index, out);
    case MIMUS_RESPONSE_HEADERS:
      return at_header(flow.exchange().response.headers, index, out);
    case MIMUS_QUERY: {
      const auto fields = flow.query();
      if (index >= fields.size()) return MIMUS_ABSENT;
      give(fields[index].name, &out->name);
      return give(fields[index].value, &out->value);
    }
    case MIMUS_PARAMS: {
      const auto params = flow.route().params;
      if (index >= params.size()) return MIMUS_ABSENT;
      give(params[index].name, &out->name);
      return give(params[index].value, &out->value);
    }
    default:
      return MIMUS_ABSENT;
  }
}

mimus_rc get_header(const std::vector<Header>& headers, std::string_view name, std::uint32_t nth,
                    mimus_str* out) {
  for (const Header& header : headers) {
    if (same_name(header.name, name) && nth-- == 0) return give(header.value, out);
  }
  return MIMUS_ABSENT;
}

mimus_rc get(mimus_req* req, mimus_set set, mimus_str name, std::uint32_t nth, mimus_str* out) {
  Flow& flow = flow_of(req);
  if (set == MIMUS_REQUEST_HEADERS) return get_header(flow.exchange().request.headers, view(name), nth, out);
  if (set == MIMUS_RESPONSE_HEADERS)
    return get_header(flow.exchange().response.headers, view(name), nth, out);
  mimus_field field{};
  for (std::uint32_t i = 0; at(req, set, i, &field) == MIMUS_OK; ++i) {
    if (view(field.name) == view(name) && nth-- == 0) return give(view(field.value), out);
  }
  return MIMUS_ABSENT;
}

mimus_rc set(mimus_req* req, mimus_str name, mimus_str value) {
  return flow_of(req).set_header(view(name), view(value), false);
}
mimus_rc add(mimus_req* req, mimus_str name, mimus_str value) {
  return flow_of(req).set_header(view(name), view(value), true);
}
mimus_rc remove(mimus_req* req, mimus_str name) { return flow_of(req).remove_header(view(name)); }

mimus_rc set_request(mimus_req* req, mimus_str name, mimus_str value) {
  return flow_of(req).set_request_header(view(name), view(value));
}
mimus_rc remove_request(mimus_req* req, mimus_str name) {
  return flow_of(req).remove_request_header(view(name));
}

mimus_rc request_body(mimus_req* req, mimus_str* out) {
  Flow& flow = flow_of(req);
  if (!flow.request_body_known()) return MIMUS_PENDING;
  return give(flow.exchange().body, out);
}

mimus_rc response_body(mimus_req* req, mimus_str* out) {
  std::string_view body;
  const mimus_rc rc = flow_of(req).response_body(body);
  give(body, out);
  return rc;
}

mimus_rc body_ceiling(mimus_req* req, std::size_t bytes) {
  flow_of(req).body_ceiling(bytes);
  return MIMUS_OK;
}
mimus_rc response_length(mimus_req* req, std::uint64_t* out) { return flow_of(req).response_length(*out); }
mimus_rc forget_length(mimus_req* req) { return flow_of(req).forget_length(); }
mimus_rc replace_body(mimus_req* req, mimus_str body, std::uint32_t flags) {
  return flow_of(req).replace_body(view(body), flags);
}
std::int32_t status(mimus_req* req) { return flow_of(req).exchange().response.status; }
mimus_rc replace_status(mimus_req* req, std::int32_t value) { return flow_of(req).replace_status(value); }

mimus_rc respond(mimus_req* req, std::int32_t code, const mimus_field* fields, std::size_t n, mimus_str body,
                 std::uint32_t flags) {
  return flow_of(req).respond(code, fields, n, view(body), flags);
}
mimus_rc problem(mimus_req* req, std::int32_t code, mimus_str name, mimus_str detail,
                 const mimus_fault* faults, std::size_t n) {
  return flow_of(req).problem(code, view(name), view(detail), {faults, n});
}
void* alloc(mimus_req* req, std::size_t bytes) { return flow_of(req).exchange().arena.allocate(bytes); }

mimus_rc record_number(mimus_req* req, std::int32_t field, std::int64_t value) {
  if (field < core_field_count) return MIMUS_E_INVAL;
  flow_of(req).record({static_cast<std::uint16_t>(field), value, {}});
  return MIMUS_OK;
}
mimus_rc record_flag(mimus_req* req, std::int32_t field, std::int32_t value) {
  return record_number(req, field, value != 0 ? 1 : 0);
}
mimus_rc record_text(mimus_req* req, std::int32_t field, mimus_str value) {
  if (field < core_field_count) return MIMUS_E_INVAL;
  Flow& flow = flow_of(req);
  flow.record({static_cast<std::uint16_t>(field), 0, flow.exchange().arena.copy(view(value))});
  return MIMUS_OK;
}
mimus_rc record_error(mimus_req* req, mimus_str code) {
  flow_of(req).record_error(view(code));
  return MIMUS_OK;
}

// ---- mimus.async/1 ---------------------------------------------------------------------

mimus_resume* hold(mimus_req* req, std::uint32_t timeout_ms) {
  return flow_of(req).hold(std::chrono::milliseconds(timeout_ms));
}
mimus_rc resume(mimus_resume* handle) { return handle->resume() ? MIMUS_OK : MIMUS_E_GONE; }
void release(mimus_resume* handle) { handle->release(); }

// ---- mimus.forward/1 -------------------------------------------------------------------

mimus_rc forward(mimus_req* req, const mimus_forward* to) { return flow_of(req).forward(*to); }
std::int32_t forwarded(mimus_req* req) { return flow_of(req).forwarded() ? 1 : 0; }

mimus_rc forward_check(mimus_host* host, mimus_str url, mimus_str* why) {
  thread_local std::string reason;
  const Result<Url> parsed = Url::parse(view(url));
  if (!parsed) {
    reason = parsed.error().message;
  } else if (std::optional<std::string> refused = host->services.addresses->refuses(*parsed)) {
    reason = std::move(*refused);
  } else {
    return MIMUS_OK;
  }
  if (why != nullptr) give(reason, why);
  return MIMUS_E_INVAL;
}

constexpr mimus_http_v1 http_table{
    sizeof(mimus_http_v1), living<attr>,         living<get>,          living<at>,
    living<set>,           living<add>,          living<remove>,       living<request_body>,
    living<response_body>, living<body_ceiling>, living<status, 0>,    living<replace_status>,
    living<respond>,       living<problem>,      living<alloc>,        living<record_flag>,
    living<record_number>, living<record_text>,  living<record_error>, living<response_length>,
    living<forget_length>, living<replace_body>, living<set_request>,  living<remove_request>};
constexpr mimus_async_v1 async_table{sizeof(mimus_async_v1), living<hold>, resume, release};
constexpr mimus_forward_v1 forward_table{sizeof(mimus_forward_v1), living<forward>, living<forwarded, 0>,
                                         forward_check};

}  // namespace

const void* exchange_extension(std::string_view id) {
  if (id == "mimus.http/1") return &http_table;
  if (id == "mimus.async/1") return &async_table;
  if (id == "mimus.forward/1") return &forward_table;
  return channel_extension(id);
}

}  // namespace mimus
