// The wall between plugin.h and a C++ plugin: tables of functions that no exception leaves.
//
// For plugin.hpp alone, which includes it.
#pragma once

#include <exception>
#include <memory>
#include <span>
#include <string_view>

#include "mimus/plugin.hpp"

namespace mimus {
namespace wall {

template <class P>
struct Instance {
  Instance(const mimus_host_api* api, mimus_host* handle) : host(api, handle), plugin(host) {}
  Host host;
  P plugin;
};

template <class P>
Instance<P>& from(mimus_inst* inst) {
  return *reinterpret_cast<Instance<P>*>(inst);
}
template <class P>
typename P::Binding& bound(mimus_bound* b) {
  return *reinterpret_cast<typename P::Binding*>(b);
}

/// Runs `body` and returns what it returns; an exception becomes a log line and `failed`.
template <class R, class F>
R guard(const Host* host, R failed, F&& body) noexcept {
  const char* what = "an exception of unknown type";
  try {
    return body();
  } catch (const std::exception& e) {
    what = e.what();
    if (host != nullptr) {
      host->log(MIMUS_LOG_ERROR, what);
      host->set_error(what);
    }
  } catch (...) {
    if (host != nullptr) {
      host->log(MIMUS_LOG_ERROR, what);
      host->set_error(what);
    }
  }
  return failed;
}

inline mimus_rc told(const Host& host, const Status& status) {
  if (status) return MIMUS_OK;
  host.set_error(status.error().message);
  return status.error().code == Code::unavailable ? MIMUS_E_UNAVAILABLE : MIMUS_E_INVAL;
}

inline View open(const mimus_view& v) {
  return {v.level,      view(v.id),     view(v.api_id),     view(v.slug),   view(v.method),
          view(v.path), view(v.fields), view(v.api_fields), view(v.config), v.revision};
}

/// The tables of P: its hooks behind walls, NULL where it has none.
template <class P>
struct Tables {
  using I = Instance<P>;

  static mimus_rc create(const mimus_host_api* api, mimus_host* host, mimus_inst** out) {
    return guard<mimus_rc>(nullptr, MIMUS_E_EXCEPTION, [&] {
      *out = reinterpret_cast<mimus_inst*>(new I(api, host));
      return mimus_rc{MIMUS_OK};
    });
  }
  static mimus_rc configure(mimus_inst* inst, mimus_str json) {
    I& i = from<P>(inst);
    return guard<mimus_rc>(&i.host, MIMUS_E_EXCEPTION, [&] {
      if constexpr (requires { i.plugin.configure(std::string_view{}); })
        return told(i.host, i.plugin.configure(view(json)));
      (void)json;
      return mimus_rc{MIMUS_OK};
    });
  }
  static mimus_rc self_test(mimus_inst* inst) {
    I& i = from<P>(inst);
    return guard<mimus_rc>(&i.host, MIMUS_E_EXCEPTION, [&] { return told(i.host, i.plugin.self_test()); });
  }
  static mimus_rc activate(mimus_inst* inst) {
    I& i = from<P>(inst);
    return guard<mimus_rc>(&i.host, MIMUS_E_EXCEPTION, [&] {
      if constexpr (requires { i.plugin.activate(); }) return told(i.host, i.plugin.activate());
      return mimus_rc{MIMUS_OK};
    });
  }
  static mimus_rc quiesce(mimus_inst* inst) {
    I& i = from<P>(inst);
    return guard<mimus_rc>(&i.host, MIMUS_E_EXCEPTION, [&] {
      if constexpr (requires { i.plugin.quiesce(); }) i.plugin.quiesce();
      return mimus_rc{MIMUS_OK};
    });
  }
  static void destroy(mimus_inst* inst) {
    guard<int>(nullptr, 0, [&] {
      delete &from<P>(inst);
      return 0;
    });
  }
  static mimus_rc check(mimus_inst* inst, const mimus_view* v, mimus_report* report, mimus_report_fn add) {
    I& i = from<P>(inst);
    return guard<mimus_rc>(&i.host, MIMUS_E_EXCEPTION, [&] {
      Report collected(report, add);
      if constexpr (requires { i.plugin.check(open(*v), collected); }) i.plugin.check(open(*v), collected);
      return mimus_rc{MIMUS_OK};
    });
  }
  static mimus_rc bind(mimus_inst* inst, const mimus_view* v, mimus_bound** out) {
    I& i = from<P>(inst);
    return guard<mimus_rc>(&i.host, MIMUS_E_EXCEPTION, [&] {
      *out = nullptr;
      Result<std::unique_ptr<typename P::Binding>> made = i.plugin.bind(open(*v));
      if (!made) {
        i.host.set_error(made.error().message);
        return mimus_rc{MIMUS_E_INVAL};
      }
      *out = reinterpret_cast<mimus_bound*>((*made).release());
      return mimus_rc{MIMUS_OK};
    });
  }
  static void unbind(mimus_inst* inst, mimus_bound* b) {
    guard<int>(&from<P>(inst).host, 0, [&] {
      delete &bound<P>(b);
      return 0;
    });
  }

  /// A request hook: `call(plugin, binding, request)` behind the wall.
  template <class F>
  static mimus_action hook(mimus_inst* inst, mimus_req* req, void** ctx, F&& call) noexcept {
    I& i = from<P>(inst);
    return guard<mimus_action>(&i.host, MIMUS_FAIL, [&] {
      Request request(i.host, req, ctx);
      return mimus_action{call(i.plugin, request)};
    });
  }
  static mimus_action on_request(mimus_inst* inst, mimus_bound* b, mimus_req* req, void** ctx) {
    return hook(inst, req, ctx, [&](P& p, Request& r) { return p.on_request(bound<P>(b), r); });
  }
  static mimus_action on_request_body(mimus_inst* inst, mimus_bound* b, mimus_req* req, void** ctx,
                                      mimus_str whole) {
    return hook(inst, req, ctx,
                [&](P& p, Request& r) { return p.on_request_body(bound<P>(b), r, view(whole)); });
  }
  static mimus_action on_resume(mimus_inst* inst, mimus_bound* b, mimus_req* req, void** ctx) {
    return hook(inst, req, ctx, [&](P& p, Request& r) { return p.on_resume(bound<P>(b), r); });
  }
  static mimus_action on_response(mimus_inst* inst, mimus_bound* b, mimus_req* req, void** ctx) {
    return hook(inst, req, ctx, [&](P& p, Request& r) { return p.on_response(bound<P>(b), r); });
  }
  static mimus_action on_response_body(mimus_inst* inst, mimus_bound* b, mimus_req* req, void** ctx,
                                       mimus_str whole, mimus_rc rc) {
    return hook(inst, req, ctx,
                [&](P& p, Request& r) { return p.on_response_body(bound<P>(b), r, view(whole), rc); });
  }
  static void on_end(mimus_inst* inst, mimus_bound* b, mimus_req* req, void** ctx) {
    hook(inst, req, ctx, [&](P& p, Request& r) {
      p.on_end(bound<P>(b), r);
      return MIMUS_NEXT;
    });
  }

  static mimus_rc admin_handle(mimus_inst* inst, const mimus_admin_request* request, mimus_reply* reply,
                               AdminReply::Fn fn) {
    I& i = from<P>(inst);
    return guard<mimus_rc>(&i.host, MIMUS_E_EXCEPTION, [&] {
      AdminReply answer(reply, fn);
      if constexpr (requires { i.plugin.admin(AdminRequest{}, answer); }) {
        i.plugin.admin(
            {view(request->method), view(request->path), view(request->query), view(request->body)}, answer);
      } else {
        (void)request;
        answer.problem(404, "no-such-resource", "this plugin has no routes");
      }
      return mimus_rc{MIMUS_OK};
    });
  }
  static mimus_rc admin_reset(mimus_inst* inst, mimus_str what) {
    I& i = from<P>(inst);
    return guard<mimus_rc>(&i.host, MIMUS_E_EXCEPTION, [&] {
      if constexpr (requires { i.plugin.reset(std::string_view{}); }) i.plugin.reset(view(what));
      (void)what;
      return mimus_rc{MIMUS_OK};
    });
  }
  static void enrich(mimus_inst* inst, mimus_record* const* records, size_t n) {
    I& i = from<P>(inst);
    guard<int>(&i.host, 0, [&] {
      i.plugin.enrich(std::span<mimus_record* const>(records, n));
      return 0;
    });
  }
  /// A channel hook: `call(plugin, peer)` behind the wall.
  template <class F>
  static void peer_hook(mimus_inst* inst, mimus_channel* channel, void** ctx, F&& call) noexcept {
    I& i = from<P>(inst);
    guard<int>(&i.host, 0, [&] {
      Peer peer(i.host, channel, ctx);
      call(i.plugin, peer);
      return 0;
    });
  }
  static void on_open(mimus_inst* inst, mimus_bound* b, mimus_channel* c, void** ctx) {
    peer_hook(inst, c, ctx, [&](P& p, Peer& peer) { p.on_open(bound<P>(b), peer); });
  }
  static void on_timer(mimus_inst* inst, mimus_bound* b, mimus_channel* c, void** ctx, void* ud) {
    peer_hook(inst, c, ctx, [&](P& p, Peer& peer) { p.on_timer(bound<P>(b), peer, ud); });
  }
  static void on_close(mimus_inst* inst, mimus_bound* b, mimus_channel* c, void** ctx) {
    peer_hook(inst, c, ctx, [&](P& p, Peer& peer) { p.on_close(bound<P>(b), peer); });
  }

  static void on_message(mimus_inst* inst, mimus_bound* b, mimus_channel* c, void** ctx, mimus_str data,
                         std::int32_t binary) {
    peer_hook(inst, c, ctx,
              [&](P& p, Peer& peer) { p.on_message(bound<P>(b), peer, view(data), binary != 0); });
  }

  static void on_event(mimus_inst* inst, mimus_bound* b, mimus_channel* c, void** ctx,
                       const mimus_event* event) {
    peer_hook(inst, c, ctx, [&](P& p, Peer& peer) { p.on_event(bound<P>(b), peer, *event); });
  }
  static void on_rebind(mimus_inst* inst, mimus_bound* b, mimus_channel* c, void** ctx) {
    peer_hook(inst, c, ctx, [&](P& p, Peer& peer) { p.on_rebind(bound<P>(b), peer); });
  }
  static void on_handshake(mimus_inst* inst, mimus_bound* b, mimus_handshake* handshake) {
    I& i = from<P>(inst);
    guard<int>(&i.host, 0, [&] {
      i.plugin.on_handshake(bound<P>(b), *handshake);
      return 0;
    });
  }
  static mimus_rc replay(mimus_inst* inst, mimus_str session, mimus_reply* reply, AdminReply::Fn fn) {
    I& i = from<P>(inst);
    return guard<mimus_rc>(&i.host, MIMUS_E_EXCEPTION, [&] {
      AdminReply answer(reply, fn);
      i.plugin.replay(view(session), answer);
      return MIMUS_OK;
    });
  }

  static mimus_peer_v1 peer_table() {
    using B = typename P::Binding;
    mimus_peer_v1 t{};
    t.size = sizeof t;
    if constexpr (requires(P p, B & b, Peer & peer) { p.on_open(b, peer); }) t.on_open = on_open;
    if constexpr (requires(P p, B & b, Peer & peer) { p.on_timer(b, peer, nullptr); }) t.on_timer = on_timer;
    if constexpr (requires(P p, B & b, Peer & peer) { p.on_close(b, peer); }) t.on_close = on_close;
    if constexpr (requires(P p, B & b, Peer & peer) { p.on_message(b, peer, std::string_view{}, true); })
      t.on_message = on_message;
    if constexpr (requires(P p, B & b, Peer & peer, const mimus_event& e) { p.on_event(b, peer, e); })
      t.on_event = on_event;
    if constexpr (requires(P p, B & b, Peer & peer) { p.on_rebind(b, peer); }) t.on_rebind = on_rebind;
    if constexpr (requires(P p, B & b, mimus_handshake & h) { p.on_handshake(b, h); })
      t.on_handshake = on_handshake;
    return t;
  }

  static const void* get_extension(mimus_inst*, const char* id) {
    const std::string_view name = id;
    if constexpr (
        requires(P p, AdminReply & r) { p.admin(AdminRequest{}, r); } ||
        requires(P p) { p.reset(std::string_view{}); }) {
      static const mimus_admin_v1 admin{sizeof(mimus_admin_v1), admin_handle, admin_reset};
      if (name == "mimus.admin/1") return &admin;
    }
    if constexpr (requires(P p) { p.enrich(std::span<mimus_record* const>{}); }) {
      static const mimus_record_v1 record{sizeof(mimus_record_v1), enrich};
      if (name == "mimus.record/1") return &record;
    }
    if constexpr (requires(P p, AdminReply & r) { p.replay(std::string_view{}, r); }) {
      static const mimus_session_v1 session{sizeof(mimus_session_v1), replay};
      if (name == "mimus.session/1") return &session;
    }
    using B = typename P::Binding;
    constexpr bool opens = requires(P p, B & b, Peer & peer) { p.on_open(b, peer); };
    constexpr bool hears = requires(P p, B & b, Peer & peer) {
      p.on_message(b, peer, std::string_view{}, true);
    };
    if constexpr (opens || hears) {
      static const mimus_peer_v1 peer = peer_table();
      if (name == "mimus.peer/1") return &peer;
    }
    return nullptr;
  }

  static mimus_plugin plugin(const char* id, const char* version) {
    using B = typename P::Binding;
    mimus_plugin t{};
    t.size = sizeof t;
    t.abi_major = MIMUS_ABI_MAJOR;
    t.abi_minor = MIMUS_ABI_MINOR;
    t.id = id;
    t.version = version;
    t.create = create;
    t.configure = configure;
    t.activate = activate;
    t.quiesce = quiesce;
    t.destroy = destroy;
    t.check = check;
    t.bind = bind;
    t.unbind = unbind;
    if constexpr (requires(P p, B & b, Request & r) { p.on_request(b, r); }) t.on_request = on_request;
    if constexpr (requires(P p, B & b, Request & r) { p.on_request_body(b, r, std::string_view{}); })
      t.on_request_body = on_request_body;
    if constexpr (requires(P p, B & b, Request & r) { p.on_resume(b, r); }) t.on_resume = on_resume;
    if constexpr (requires(P p, B & b, Request & r) { p.on_response(b, r); }) t.on_response = on_response;
    if constexpr (requires(P p, B & b, Request & r) {
                    p.on_response_body(b, r, std::string_view{}, mimus_rc{});
                  })
      t.on_response_body = on_response_body;
    if constexpr (requires(P p, B & b, Request & r) { p.on_end(b, r); }) t.on_end = on_end;
    t.get_extension = get_extension;
    if constexpr (requires(P p) { p.self_test(); }) t.self_test = self_test;
    return t;
  }
};

/// Throws once, so that the first real exception does not have to load the unwinder's
/// tables in the middle of a request.
inline void prime_unwinder() noexcept {
  try {
    throw 0;
  } catch (int) {
    return;
  }
}

}  // namespace wall
}  // namespace mimus
