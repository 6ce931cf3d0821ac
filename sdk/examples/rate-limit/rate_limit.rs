//! A token bucket for each client address. Whoever has emptied theirs is answered 429 with Retry-After.
mod mimus;
use mimus::*;
use std::collections::HashMap;
use std::ffi::c_void;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Mutex;

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

/// Addresses remembered at once by one endpoint; those whose bucket is full are forgotten first.
const MOST_CLIENTS: usize = 10_000;

struct Instance {
    host: *mut Host,
    api: &'static HostApi, // lives as long as the instance
    http: &'static HttpV1,
}
struct Bucket {
    tokens: f64,
    at_ms: u64,
}
struct Limit {
    per_ms: f64,
    burst: f64,
    clients: Mutex<HashMap<Vec<u8>, Bucket>>,
}

impl Limit {
    /// Takes a token; else says in how many milliseconds there will be one.
    fn take(&self, client: &[u8], now_ms: u64) -> Result<(), u64> {
        let mut clients = self.clients.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if clients.len() >= MOST_CLIENTS && !clients.contains_key(client) {
            clients.retain(|_, b| b.tokens + now_ms.saturating_sub(b.at_ms) as f64 * self.per_ms < self.burst);
            if clients.len() >= MOST_CLIENTS {
                clients.clear();
            }
        }
        let bucket = clients.entry(client.to_vec()).or_insert(Bucket { tokens: self.burst, at_ms: now_ms });
        let passed = now_ms.saturating_sub(bucket.at_ms) as f64; // another worker's tick may be a little older
        bucket.tokens = (bucket.tokens + passed * self.per_ms).min(self.burst);
        bucket.at_ms = bucket.at_ms.max(now_ms);
        if bucket.tokens < 1.0 {
            return Err(((1.0 - bucket.tokens) / self.per_ms).ceil() as u64);
        }
        bucket.tokens -= 1.0;
        Ok(())
    }
}

/// A whole number of a flat JSON object, which the manifest's schema has checked.
fn number(object: &[u8], name: &str) -> Option<f64> {
    let text = std::str::from_utf8(object).ok()?;
    let after = text.split_once(&format!("\"{name}\""))?.1;
    let digits = after.trim_start_matches([' ', '\n', '\r', '\t', ':']);
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

unsafe extern "C" fn create(api: *const HostApi, host: *mut Host, out: *mut *mut c_void) -> Rc {
    let api = unsafe { &*api };
    let http = unsafe { (api.get_extension)(host, c"mimus.http/1".as_ptr()).cast::<HttpV1>().as_ref() };
    let Some(http) = http else { return E_UNAVAILABLE };
    unsafe { *out = Box::into_raw(Box::new(Instance { host, api, http })).cast() };
    OK
}
unsafe extern "C" fn destroy(inst: *mut c_void) {
    drop(unsafe { Box::from_raw(inst.cast::<Instance>()) });
}

unsafe extern "C" fn bind(_: *mut c_void, view: *const View, out: *mut *mut c_void) -> Rc {
    let walled = catch_unwind(|| unsafe {
        *out = std::ptr::null_mut();
        let config = (*view).config.bytes();
        let Some(per_minute) = number(config, "perMinute") else { return OK };
        if (*view).level == LEVEL_CHANNEL {
            return OK;
        }
        let burst = number(config, "burst").unwrap_or(per_minute);
        let limit = Limit { per_ms: per_minute / 60_000.0, burst, clients: Mutex::default() };
        *out = Box::into_raw(Box::new(limit)).cast();
        OK
    });
    walled.unwrap_or(E_EXCEPTION)
}
unsafe extern "C" fn unbind(_: *mut c_void, bound: *mut c_void) {
    drop(unsafe { Box::from_raw(bound.cast::<Limit>()) });
}

unsafe extern "C" fn on_request(inst: *mut c_void, bound: *mut c_void, req: *mut Req, _: *mut *mut c_void) -> Action {
    let (inst, limit) = unsafe { (&*inst.cast::<Instance>(), &*bound.cast::<Limit>()) };
    let walled = catch_unwind(AssertUnwindSafe(|| unsafe {
        let mut client = Str::EMPTY;
        if (inst.http.attr)(req, CLIENT_IP, &mut client) != OK {
            return FAIL;
        }
        let Err(wait_ms) = limit.take(client.bytes(), (inst.api.now_ms)(inst.host)) else { return NEXT };
        let seconds = wait_ms.div_ceil(1000).to_string();
        let fields = [
            Field { name: Str::of("Content-Type"), value: Str::of("application/problem+json") },
            Field { name: Str::of("Retry-After"), value: Str::of(&seconds) },
        ];
        let body = Str::of(r#"{"type":"urn:mimus:error:too-many-requests","title":"Too Many Requests","status":429}"#);
        (inst.http.record_error)(req, Str::of("too-many-requests"));
        let rc = (inst.http.respond)(req, 429, fields.as_ptr(), fields.len(), body, 0);
        if rc == OK { RESPONDED } else { FAIL }
    }));
    walled.unwrap_or(FAIL)
}

static PLUGIN: Plugin = Plugin {
    id: c"com.example.rate-limit".as_ptr(),
    version: c"1.0.0".as_ptr(),
    create: Some(create),
    destroy: Some(destroy),
    bind: Some(bind),
    unbind: Some(unbind),
    on_request: Some(on_request),
    ..Plugin::EMPTY
};

#[no_mangle]
pub extern "C" fn mimus_plugin_entry_v1(major: u32, _minor: u32) -> *const Plugin {
    if major == ABI_MAJOR { &PLUGIN } else { std::ptr::null() }
}
