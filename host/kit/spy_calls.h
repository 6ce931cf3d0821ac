// How one function of a C table is replaced by one that tells the watcher. For spy.cc.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "host/kit/spy.h"

namespace mimus::kit::calls {

inline Watcher* watcher = nullptr;

/// A function's name as a template argument.
template <std::size_t N>
struct Name {
  char text[N];
  constexpr Name(const char (&from)[N]) { std::copy(from, from + N, text); }
};

/// The table that is stood in for, and its replacement.
template <class T>
inline const T* real = nullptr;
template <class T>
inline T stand_in{};

/// What a refused call gives back.
enum class Refusal { code, null, minus_one, never };

template <Name name>
struct InHook {
  InHook() { watcher->enter_hook(name.text); }
  ~InHook() { watcher->leave_hook(name.text); }
};
template <Name name>
struct InHost {
  InHost() { watcher->enter_host(name.text); }
  ~InHost() { watcher->leave_host(name.text); }
};

/// The host calls the plugin. noexcept: an exception ends here, in std::terminate, and is told of.
template <Name name, auto member>
struct Hook;
template <Name name, class T, class R, class... A, R (*T::*member)(A...)>
struct Hook<name, member> {
  static R call(A... a) noexcept {
    const InHook<name> here;
    return (real<T>->*member)(a...);
  }
};

/// The plugin calls the host.
template <Name name, Refusal refusal, auto member>
struct HostCall;
template <Name name, Refusal refusal, class T, class R, class... A, R (*T::*member)(A...)>
struct HostCall<name, refusal, member> {
  static R call(A... a) noexcept {
    const InHost<name> here;
    if constexpr (refusal != Refusal::never) {
      if (const auto code = watcher->refuse(name.text)) {
        if constexpr (refusal == Refusal::code) return *code;
        if constexpr (refusal == Refusal::null) return nullptr;
        if constexpr (refusal == Refusal::minus_one) return -1;
      }
    }
    return (real<T>->*member)(a...);
  }
};

/// Replaces one hook of a table, unless it is absent.
template <Name name, auto member, class T>
void hook(T& table) {
  if (table.*member != nullptr) table.*member = &Hook<name, member>::call;
}
template <Name name, auto member, Refusal refusal = Refusal::code, class T>
void host_call(T& table) {
  if (table.*member != nullptr) table.*member = &HostCall<name, refusal, member>::call;
}

/// A callback that the plugin left with the host: called once, as a hook of its own.
template <Name name, class Fn>
struct Late;
template <Name name, class... A>
struct Late<name, void (*)(mimus_inst*, void*, A...)> {
  using Fn = void (*)(mimus_inst*, void*, A...);
  Fn fn;
  void* ud;
  static void call(mimus_inst* inst, void* self, A... a) noexcept {
    const std::unique_ptr<Late> late(static_cast<Late*>(self));
    const InHook<name> here;
    late->fn(inst, late->ud, a...);
  }
};

/// Calls `start(callback, ud)` with a callback that calls `fn(ud)`; a refusal leaves nothing.
template <Name name, class Fn, class F>
mimus_rc with_late(Fn fn, void* ud, F&& start) {
  auto late = std::make_unique<Late<name, Fn>>(Late<name, Fn>{fn, ud});
  const mimus_rc rc = start(&Late<name, Fn>::call, late.get());
  if (rc >= 0) (void)late.release();  // the callback's now
  return rc;
}

}  // namespace mimus::kit::calls
