//! @NAME@: adds the response header X-@NAME@ to the endpoints that configure it.
mod mimus;
use mimus::*;
use std::ffi::c_void;
use std::panic::catch_unwind;

const MANIFEST: &[u8] = include_bytes!("manifest.json");
#[used]
#[link_section = ".mimus_manifest"]
static IN_THE_FILE: [u8; MANIFEST.len()] = {
    let mut copy = [0; MANIFEST.len()];
    let mut i = 0;
    while i < copy.len() {
        copy[i] = MANIFEST[i];
        i += 1;
    }
    copy
};

/// The string "value" of a JSON object that the host has checked against the endpoint_schema of
/// the manifest, which allows no escapes in it.
fn value_in(object: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(object).ok()?;
    text.split_once("\"value\"")?.1.split('"').nth(1)
}

struct Instance {
    http: &'static HttpV1, // lives as long as the instance
}

unsafe extern "C" fn create(api: *const HostApi, host: *mut Host, out: *mut *mut c_void) -> Rc {
    let http = unsafe { ((*api).get_extension)(host, c"mimus.http/1".as_ptr()).cast::<HttpV1>().as_ref() };
    let Some(http) = http else { return E_UNAVAILABLE };
    unsafe { *out = Box::into_raw(Box::new(Instance { http })).cast() };
    OK
}
unsafe extern "C" fn destroy(inst: *mut c_void) {
    drop(unsafe { Box::from_raw(inst.cast::<Instance>()) });
}

/// Once for each revision of an endpoint. Its configuration is plugins.{id} of the endpoint, or
/// else of its API. No panic may leave a hook.
unsafe extern "C" fn bind(_: *mut c_void, view: *const View, out: *mut *mut c_void) -> Rc {
    let walled = catch_unwind(|| unsafe {
        *out = std::ptr::null_mut(); // not in this pipeline
        if let (LEVEL_ENDPOINT, Some(value)) = ((*view).level, value_in((*view).config.bytes())) {
            *out = Box::into_raw(Box::new(value.to_string())).cast();
        }
        OK
    });
    walled.unwrap_or(E_EXCEPTION)
}
unsafe extern "C" fn unbind(_: *mut c_void, bound: *mut c_void) {
    drop(unsafe { Box::from_raw(bound.cast::<String>()) });
}

/// On a worker, for many requests at once: no locks, no waiting.
unsafe extern "C" fn on_response(inst: *mut c_void, bound: *mut c_void, req: *mut Req, _: *mut *mut c_void) -> Action {
    let (inst, value) = unsafe { (&*inst.cast::<Instance>(), &*bound.cast::<String>()) };
    let rc = unsafe { (inst.http.set)(req, Str::of("X-@NAME@"), Str::of(value)) };
    if rc == OK { NEXT } else { FAIL }
}

static PLUGIN: Plugin = Plugin {
    id: c"@ID@".as_ptr(),
    version: c"0.1.0".as_ptr(),
    create: Some(create),
    destroy: Some(destroy),
    bind: Some(bind),
    unbind: Some(unbind),
    on_response: Some(on_response),
    ..Plugin::EMPTY
};

#[no_mangle]
pub extern "C" fn mimus_plugin_entry_v1(major: u32, _minor: u32) -> *const Plugin {
    if major == ABI_MAJOR { &PLUGIN } else { std::ptr::null() }
}

#[cfg(test)]
mod tests {
    use super::value_in;

    #[test]
    fn finds_the_value() {
        assert_eq!(value_in(br#"{ "value" : "world" }"#), Some("world"));
        assert_eq!(value_in(br#"{"value":""}"#), Some(""));
    }

    #[test]
    fn finds_nothing_where_there_is_none() {
        assert_eq!(value_in(b""), None);
        assert_eq!(value_in(b"{}"), None);
    }
}
