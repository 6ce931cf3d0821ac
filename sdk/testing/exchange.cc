// One exchange through one plugin, as the host's pipeline walks it, and the tables
// mimus.http/1 and mimus.forward/1.
#include <algorithm>
#include <cctype>

#include "mimus/json_text.h"
#include "state.h"

namespace mimus::testing {

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

namespace {

bool is_token(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

}  // namespace

bool is_field(std::string_view name, std::string_view value) {
  return is_token(name) && value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

std::string Answer::header(std::string_view name) const {
  std::string all;
  for (const Field& f : headers) {
    if (same_name(f.name, name)) all += (all.empty() ? "" : ", ") + f.value;
  }
  return all;
}

std::size_t Answer::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(headers.begin(), headers.end(), [&](const Field& f) { return same_name(f.name, name); }));
}

// ---- the walk --------------------------------------------------------------------------

void State::end_hold(mimus_req& x) {
  if (x.held != nullptr) x.held->exchange = nullptr;
  x.held = nullptr;
}

/// What a hook of the request direction wanted done next.
void State::go_on(mimus_req& x, mimus_action action) {
  if (action != MIMUS_RESPONDED && x.has_answer) misuse("a hook answered but did not return MIMUS_RESPONDED");
  if (action == MIMUS_SUSPEND) {
    if (x.held != nullptr && (!x.held->released || x.held->resumed)) {
      x.state = Exchange::State::suspended;
      return;
    }
    misuse("MIMUS_SUSPEND without a live hold");
    action = MIMUS_FAIL;
  }
  end_hold(x);
  switch (action) {
    case MIMUS_NEXT:
      x.state = Exchange::State::passed;
      return;
    case MIMUS_RESPONDED:
      if (x.forward) {
        x.state = Exchange::State::forwarded;
        return;
      }
      if (!x.has_answer) {
        misuse("MIMUS_RESPONDED without an answer");
        break;
      }
      x.responded = true;
      respond(x);
      return;
    case MIMUS_NEED_BODY:
      if (plugin->on_request_body == nullptr) {
        misuse("MIMUS_NEED_BODY without an on_request_body");
        break;
      }
      x.request.body_arrived = true;
      go_on(x, plugin->on_request_body(instance, x.bound->handle, &x, &x.context, lend(x.request.body)));
      return;
    default:
      break;
  }
  x.failed = true;
  x.has_answer = false;
  if (!fail_closed) {
    x.state = Exchange::State::passed;
    return;
  }
  x.answer = {.status = 503};
  x.has_answer = true;
  respond(x);
}

/// The response direction: the answer is in `x.answer`.
void State::respond(mimus_req& x) {
  x.has_answer = true;
  x.in_response = true;
  mimus_action action = MIMUS_NEXT;
  if (plugin->on_response != nullptr) action = plugin->on_response(instance, x.bound->handle, &x, &x.context);
  if (action == MIMUS_NEED_BODY) {
    if (plugin->on_response_body == nullptr) {
      misuse("MIMUS_NEED_BODY without an on_response_body");
    } else {
      const bool fits = !x.answer.streaming || x.answer.body.size() <= x.ceiling;
      x.body_gathered = fits;
      x.body_too_large = !fits;
      const mimus_str whole = fits ? lend(x.lent.emplace_back(x.answer.body)) : mimus_str{};
      action = plugin->on_response_body(instance, x.bound->handle, &x, &x.context, whole,
                                        fits ? MIMUS_OK : MIMUS_E_NOSPC);
    }
  }
  if (action == MIMUS_FAIL) {
    x.failed = true;
    if (fail_closed) x.answer = {.status = 503};
  } else if (action != MIMUS_NEXT) {
    misuse("a response hook may return NEXT, NEED_BODY (once) or FAIL");
  }
  x.in_response = false;
  finish(x);
}

void State::finish(mimus_req& x) {
  end_hold(x);
  if (plugin->on_end != nullptr) plugin->on_end(instance, x.bound->handle, &x, &x.context);
  x.state = Exchange::State::ended;
}

void State::run_resumed() {
  while (!resumed.empty()) {
    mimus_resume* const hold = resumed.front();
    resumed.pop_front();
    if (hold->exchange == nullptr) continue;
    mimus_req& x = *hold->exchange;
    end_hold(x);
    if (plugin->on_resume == nullptr) {
      misuse("a suspended exchange was resumed, but there is no on_resume");
      continue;
    }
    go_on(x, plugin->on_resume(instance, x.bound->handle, &x, &x.context));
  }
}

// ---- mimus.http/1 ----------------------------------------------------------------------

namespace {

bool is_hosts_own(std::string_view name) {
  return same_name(name, "Content-Length") || same_name(name, "Date") || same_name(name, "Connection") ||
         same_name(name, "Transfer-Encoding");
}

/// Lends what will not change while the exchange lives, also if the answer does.
mimus_str keep(mimus_req* x, mimus_set set, const std::string& text) {
  if (set != MIMUS_RESPONSE_HEADERS) return lend(text);
  return lend(x->lent.emplace_back(text));
}

const Fields* list(mimus_req* x, mimus_set set) {
  switch (set) {
    case MIMUS_REQUEST_HEADERS:
      return &x->request.headers;
    case MIMUS_RESPONSE_HEADERS:
      return &x->answer.headers;
    case MIMUS_QUERY:
      return &x->request.query;
    case MIMUS_PARAMS:
      return &x->request.params;
    default:
      return nullptr;
  }
}

mimus_rc attr(mimus_req* x, mimus_attr which, mimus_str* out) {
  const Request& r = x->request;
  switch (which) {
    case MIMUS_METHOD:
      *out = lend(r.method);
      return MIMUS_OK;
    case MIMUS_TARGET:
      *out = lend(r.target.empty() ? r.path : r.target);
      return MIMUS_OK;
    case MIMUS_PATH:
      *out = lend(r.path);
      return MIMUS_OK;
    case MIMUS_RAW_PATH:
      *out = lend(r.raw_path.empty() ? r.path : r.raw_path);
      return MIMUS_OK;
    case MIMUS_RAW_QUERY:
      *out = lend(r.raw_query);
      return MIMUS_OK;
    case MIMUS_CLIENT_IP:
      *out = lend(r.client_ip);
      return MIMUS_OK;
    case MIMUS_ENDPOINT_ID:
      *out = lend("01JENDPOINT00000000000000A");
      return MIMUS_OK;
    case MIMUS_API_ID:
      *out = lend("01JAPI0000000000000000000A");
      return MIMUS_OK;
    case MIMUS_ALLOW:
      *out = lend(r.allow);
      return MIMUS_OK;
    case MIMUS_SCHEME:
      *out = lend(r.scheme);
      return MIMUS_OK;
    case MIMUS_HOST:
      *out = lend(r.host);
      return MIMUS_OK;
    default:
      return MIMUS_ABSENT;
  }
}

mimus_rc get(mimus_req* x, mimus_set set, mimus_str name, std::uint32_t nth, mimus_str* out) {
  const Fields* const fields = list(x, set);
  if (fields == nullptr) return MIMUS_E_INVAL;
  const bool header = set == MIMUS_REQUEST_HEADERS || set == MIMUS_RESPONSE_HEADERS;
  for (const Field& f : *fields) {
    if (header ? !same_name(f.name, borrow(name)) : f.name != borrow(name)) continue;
    if (nth-- != 0) continue;
    *out = keep(x, set, f.value);
    return MIMUS_OK;
  }
  return MIMUS_ABSENT;
}

mimus_rc at(mimus_req* x, mimus_set set, std::uint32_t index, mimus_field* out) {
  const Fields* const fields = list(x, set);
  if (fields == nullptr) return MIMUS_E_INVAL;
  if (index >= fields->size()) return MIMUS_ABSENT;
  *out = {keep(x, set, (*fields)[index].name), keep(x, set, (*fields)[index].value)};
  return MIMUS_OK;
}

/// Whether the answer's head may be changed now.
bool may_change(mimus_req* x, mimus_str name, mimus_str value) {
  if (!x->in_response) {
    x->host->misuse("the answer's head was changed outside a response hook");
    return false;
  }
  return is_field(borrow(name), borrow(value));
}

mimus_rc remove(mimus_req* x, mimus_str name) {
  if (!may_change(x, name, {})) return MIMUS_E_INVAL;
  std::erase_if(x->answer.headers, [&](const Field& f) { return same_name(f.name, borrow(name)); });
  return MIMUS_OK;
}
mimus_rc add(mimus_req* x, mimus_str name, mimus_str value) {
  if (!may_change(x, name, value)) return MIMUS_E_INVAL;
  x->answer.headers.push_back({std::string(borrow(name)), std::string(borrow(value))});
  return MIMUS_OK;
}
mimus_rc set(mimus_req* x, mimus_str name, mimus_str value) {
  if (!may_change(x, name, value)) return MIMUS_E_INVAL;
  const Field field{std::string(borrow(name)), std::string(borrow(value))};
  remove(x, lend(field.name));
  x->answer.headers.push_back(field);
  return MIMUS_OK;
}

/// Whether a field of the request may be changed now.
bool may_change_request(mimus_req* x, std::string_view name) {
  if (x->in_response || x->has_answer || x->forward || x->state == Exchange::State::ended) {
    x->host->misuse("the request was changed after the request direction, or after an answer");
    return false;
  }
  for (const char* const own : {"Host", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive",
                                "Trailer", "TE", "Upgrade", "Expect"}) {
    if (same_name(name, own)) return false;
  }
  return is_field(name, {}) && !same_name(name.substr(0, 6), "Proxy-");
}
mimus_rc remove_request(mimus_req* x, mimus_str name) {
  if (!may_change_request(x, borrow(name))) return MIMUS_E_INVAL;
  for (Field& f : x->request.headers) {
    if (!same_name(f.name, borrow(name))) continue;
    x->lent.push_back(std::move(f.name));  // what was lent of it stays valid
    x->lent.push_back(std::move(f.value));
    f = {};
  }
  std::erase_if(x->request.headers, [](const Field& f) { return f.name.empty(); });
  return MIMUS_OK;
}
mimus_rc set_request(mimus_req* x, mimus_str name, mimus_str value) {
  if (!is_field(borrow(name), borrow(value))) return MIMUS_E_INVAL;
  const Field field{std::string(borrow(name)), std::string(borrow(value))};
  if (const mimus_rc rc = remove_request(x, lend(field.name)); rc != MIMUS_OK) return rc;
  x->request.headers.push_back(field);
  return MIMUS_OK;
}

mimus_rc request_body(mimus_req* x, mimus_str* out) {
  if (!x->request.body_arrived) return MIMUS_PENDING;
  *out = lend(x->request.body);
  return MIMUS_OK;
}
mimus_rc response_body(mimus_req* x, mimus_str* out) {
  if (x->body_too_large) return MIMUS_E_NOSPC;
  if (x->answer.streaming && !x->body_gathered) return MIMUS_PENDING;
  *out = lend(x->lent.emplace_back(x->answer.body));
  return MIMUS_OK;
}
bool streams(mimus_req* x) { return x->answer.streaming && !x->body_gathered; }
mimus_rc response_length(mimus_req* x, std::uint64_t* out) {
  if (streams(x) && !x->answer.length) return MIMUS_ABSENT;
  *out = streams(x) ? *x->answer.length : x->answer.body.size();
  return MIMUS_OK;
}
mimus_rc forget_length(mimus_req* x) {
  if (!x->in_response) {
    x->host->misuse("forget_length outside a response hook");
    return MIMUS_E_INVAL;
  }
  x->answer.length.reset();
  return MIMUS_OK;
}
mimus_rc replace_body(mimus_req* x, mimus_str body, std::uint32_t) {
  if (!x->in_response) {
    x->host->misuse("replace_body outside a response hook");
    return MIMUS_E_INVAL;
  }
  if (streams(x)) return MIMUS_PENDING;
  x->answer.body = borrow(body);
  x->answer.streaming = false;
  return MIMUS_OK;
}
mimus_rc body_ceiling(mimus_req* x, size_t bytes) {
  x->ceiling = bytes;
  return MIMUS_OK;
}
std::int32_t status(mimus_req* x) { return x->has_answer ? x->answer.status : 0; }
mimus_rc replace_status(mimus_req* x, std::int32_t status) {
  if (!x->in_response) {
    x->host->misuse("replace_status outside a response hook");
    return MIMUS_E_INVAL;
  }
  if (status < 200 || status > 599) return MIMUS_E_INVAL;
  x->answer.status = status;
  x->lent.push_back(std::move(x->answer.body));
  x->answer.body.clear();
  x->answer.streaming = false;
  return MIMUS_OK;
}

/// Whether the request direction may record an answer now.
bool may_answer(mimus_req* x) {
  if (x->in_response || x->state == Exchange::State::ended) {
    x->host->misuse("an answer was given after the request direction");
    return false;
  }
  if (x->has_answer || x->forward) {
    x->host->misuse("answered twice");
    return false;
  }
  return true;
}

mimus_rc respond(mimus_req* x, std::int32_t status, const mimus_field* headers, size_t n, mimus_str body,
                 std::uint32_t) {
  if (!may_answer(x)) return MIMUS_E_INVAL;
  if (status < 200 || status > 599) return MIMUS_E_INVAL;
  Answer answer{.status = status, .body = std::string(borrow(body))};
  for (size_t i = 0; i < n; ++i) {
    const std::string_view name = borrow(headers[i].name), value = borrow(headers[i].value);
    if (!is_field(name, value)) return MIMUS_E_INVAL;
    if (is_hosts_own(name)) x->host->misuse("respond with " + std::string(name) + ", which is the host's");
    answer.headers.push_back({std::string(name), std::string(value)});
  }
  x->answer = std::move(answer);
  x->has_answer = true;
  return MIMUS_OK;
}

mimus_rc problem(mimus_req* x, std::int32_t status, mimus_str code, mimus_str detail,
                 const mimus_fault* faults, size_t n) {
  if (!may_answer(x)) return MIMUS_E_INVAL;
  if (status < 400 || status > 599) return MIMUS_E_INVAL;
  x->problem = x->error = borrow(code);
  std::string body = "{\"type\":" + json::quoted("urn:mimus:error:" + x->problem) +
                     ",\"status\":" + std::to_string(status) + ",\"detail\":" + json::quoted(borrow(detail));
  for (size_t i = 0; i < n; ++i) {
    x->faults.push_back({std::string(borrow(faults[i].pointer)), std::string(borrow(faults[i].detail)), {}});
    body += (i == 0 ? ",\"errors\":[" : ",") + ("{\"pointer\":" + json::quoted(x->faults.back().pointer)) +
            ",\"detail\":" + json::quoted(x->faults.back().detail) + "}";
  }
  body += n == 0 ? "}" : "]}";
  x->answer = {
      .status = status, .headers = {{"Content-Type", "application/problem+json"}}, .body = std::move(body)};
  x->has_answer = true;
  return MIMUS_OK;
}

void* alloc(mimus_req* x, size_t bytes) {
  x->memory.push_back(std::make_unique<std::max_align_t[]>(bytes / sizeof(std::max_align_t) + 1));
  return x->memory.back().get();
}

/// The name of a journal field by its number; a number out of range is misuse.
const std::string* named(mimus_req* x, std::int32_t field) {
  if (field >= 0 && static_cast<size_t>(field) < x->host->field_names.size())
    return &x->host->field_names[static_cast<size_t>(field)];
  x->host->misuse("a journal field that does not exist was recorded");
  return nullptr;
}
mimus_rc record_int(mimus_req* x, std::int32_t field, std::int64_t value) {
  const std::string* const name = named(x, field);
  if (name == nullptr) return MIMUS_E_INVAL;
  x->numbers[*name] = value;
  return MIMUS_OK;
}
mimus_rc record_flag(mimus_req* x, std::int32_t field, std::int32_t value) {
  return record_int(x, field, value != 0 ? 1 : 0);
}
mimus_rc record_text(mimus_req* x, std::int32_t field, mimus_str value) {
  const std::string* const name = named(x, field);
  if (name == nullptr) return MIMUS_E_INVAL;
  x->texts[*name] = borrow(value);
  return MIMUS_OK;
}
mimus_rc record_error(mimus_req* x, mimus_str code) {
  x->error = borrow(code);
  return MIMUS_OK;
}

// ---- mimus.forward/1 -------------------------------------------------------------------

mimus_rc forward(mimus_req* x, const mimus_forward* f) {
  if (const mimus_rc rc = x->host->fault("mimus.forward/1"); rc != MIMUS_OK) return rc;
  if (!may_answer(x)) return MIMUS_E_INVAL;
  const std::string_view url = borrow(f->url);
  if (!url.starts_with("http://") && !url.starts_with("https://")) return MIMUS_E_INVAL;
  Forwarded out{std::string(url), std::string(borrow(f->method)), {}, f->timeout_ms};
  for (size_t i = 0; i < f->n_headers; ++i) {
    const std::string_view name = borrow(f->headers[i].name), value = borrow(f->headers[i].value);
    if (!is_field(name, value)) return MIMUS_E_INVAL;
    if (is_hosts_own(name) || same_name(name, "Host"))
      x->host->misuse("forward with " + std::string(name) + ", which is the host's");
    out.headers.push_back({std::string(name), std::string(value)});
  }
  x->forward = std::move(out);
  return MIMUS_OK;
}
std::int32_t forwarded(mimus_req* x) { return x->forward && x->problem.empty() ? 1 : 0; }
mimus_rc check_target(mimus_host* h, mimus_str url, mimus_str* why) {
  State& host = *h->state;
  host.why = host.face->refuse_target ? host.face->refuse_target(borrow(url)) : std::string();
  if (host.why.empty() && !borrow(url).starts_with("http://") && !borrow(url).starts_with("https://"))
    host.why = "not an http or https URL";
  if (why != nullptr) *why = lend(host.why);
  return host.why.empty() ? MIMUS_OK : MIMUS_E_INVAL;
}

}  // namespace

const mimus_http_v1* http_table() {
  static const mimus_http_v1 table{sizeof table,  attr,         get,          at,
                                   set,           add,          remove,       request_body,
                                   response_body, body_ceiling, status,       replace_status,
                                   respond,       problem,      alloc,        record_flag,
                                   record_int,    record_text,  record_error, response_length,
                                   forget_length, replace_body, set_request,  remove_request};
  return &table;
}
const mimus_forward_v1* forward_table() {
  static const mimus_forward_v1 table{sizeof table, forward, forwarded, check_target};
  return &table;
}

}  // namespace mimus::testing
