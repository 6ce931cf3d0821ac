//! What plugins use most of mimus/plugin.h, by hand. The asserts at the end hold it to the layout of ABI 1.
#![allow(dead_code)]
use std::ffi::{c_char, c_void};
use std::mem::{offset_of, size_of};

pub const ABI_MAJOR: u32 = 1;
pub const ABI_MINOR: u32 = 0;

pub type Rc = i32;
pub const OK: Rc = 0;
pub const E_INVAL: Rc = -3;
pub const E_UNAVAILABLE: Rc = -4;
pub const E_EXCEPTION: Rc = -5;

pub type Action = i32;
pub const NEXT: Action = 0;
pub const RESPONDED: Action = 1;
pub const FAIL: Action = 4;

pub const LEVEL_ENDPOINT: i32 = 1;
pub const LEVEL_CHANNEL: i32 = 2;
pub const CLIENT_IP: i32 = 5;
pub const REQUEST_HEADERS: i32 = 0;
pub const RESPONSE_HEADERS: i32 = 1;

/// Opaque: the host's, only ever behind a pointer.
pub enum Host {}
pub enum Req {}

/// Borrowed bytes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Str {
    pub p: *const c_char,
    pub n: usize,
}

impl Str {
    pub const EMPTY: Str = Str { p: std::ptr::null(), n: 0 };
    pub fn of(text: &str) -> Str {
        Str { p: text.as_ptr().cast(), n: text.len() }
    }
    /// # Safety
    /// What the host lent must still be valid: see the function that lent it.
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        if self.n == 0 {
            return &[];
        }
        unsafe { std::slice::from_raw_parts(self.p.cast(), self.n) }
    }
}

#[repr(C)]
pub struct Field {
    pub name: Str,
    pub value: Str,
}

#[repr(C)]
pub struct View {
    pub size: u32,
    pub level: i32,
    pub id: Str,
    pub revision: u64,
    pub api_id: Str,
    pub slug: Str,
    pub method: Str,
    pub path: Str,
    pub fields: Str,
    pub api_fields: Str,
    pub config: Str,
}

#[repr(C)]
pub struct HostApi {
    pub size: u32,
    pub abi_major: u32,
    pub abi_minor: u32,
    pub worker_count: u32,
    pub host_version: *const c_char,
    pub get_extension: unsafe extern "C" fn(*mut Host, *const c_char) -> *const c_void,
    pub log: unsafe extern "C" fn(*mut Host, i32, Str),
    pub set_error: unsafe extern "C" fn(*mut Host, Str),
    pub now_ms: unsafe extern "C" fn(*mut Host) -> u64,
    pub wall_us: unsafe extern "C" fn(*mut Host) -> i64,
    pub worker_index: unsafe extern "C" fn(*mut Host) -> u32,
}

/// "mimus.http/1", as far as it is used; what is not has a pointer's room.
#[repr(C)]
pub struct HttpV1 {
    pub size: u32,
    pub attr: unsafe extern "C" fn(*mut Req, i32, *mut Str) -> Rc,
    pub get: unsafe extern "C" fn(*mut Req, i32, Str, u32, *mut Str) -> Rc,
    pub at: unsafe extern "C" fn(*mut Req, i32, u32, *mut Field) -> Rc,
    pub set: unsafe extern "C" fn(*mut Req, Str, Str) -> Rc,
    pub add: unsafe extern "C" fn(*mut Req, Str, Str) -> Rc,
    pub remove: unsafe extern "C" fn(*mut Req, Str) -> Rc,
    unused: [*const c_void; 4],
    pub replace_status: *const c_void,
    pub respond: unsafe extern "C" fn(*mut Req, i32, *const Field, usize, Str, u32) -> Rc,
    unused_more: [*const c_void; 5],
    pub record_error: unsafe extern "C" fn(*mut Req, Str) -> Rc,
}

type RequestHook = unsafe extern "C" fn(*mut c_void, *mut c_void, *mut Req, *mut *mut c_void) -> Action;

/// mimus_plugin: the hooks that are not used are `None`.
#[repr(C)]
pub struct Plugin {
    pub size: u32,
    pub abi_major: u32,
    pub abi_minor: u32,
    pub flags: u32,
    pub id: *const c_char,
    pub version: *const c_char,
    pub create: Option<unsafe extern "C" fn(*const HostApi, *mut Host, *mut *mut c_void) -> Rc>,
    pub configure: Option<unsafe extern "C" fn(*mut c_void, Str) -> Rc>,
    pub activate: Option<unsafe extern "C" fn(*mut c_void) -> Rc>,
    pub quiesce: Option<unsafe extern "C" fn(*mut c_void) -> Rc>,
    pub destroy: Option<unsafe extern "C" fn(*mut c_void)>,
    pub check: *const c_void,
    pub bind: Option<unsafe extern "C" fn(*mut c_void, *const View, *mut *mut c_void) -> Rc>,
    pub unbind: Option<unsafe extern "C" fn(*mut c_void, *mut c_void)>,
    pub on_request: Option<RequestHook>,
    pub on_request_body: *const c_void,
    pub on_resume: Option<RequestHook>,
    pub on_response: Option<RequestHook>,
    pub on_response_body: *const c_void,
    pub on_end: *const c_void,
    pub get_extension: *const c_void,
    pub self_test: Option<unsafe extern "C" fn(*mut c_void) -> Rc>,
}
unsafe impl Sync for Plugin {} // it is never written

impl Plugin {
    /// One without hooks.
    pub const EMPTY: Plugin = Plugin {
        size: size_of::<Plugin>() as u32,
        abi_major: ABI_MAJOR,
        abi_minor: ABI_MINOR,
        flags: 0,
        id: std::ptr::null(),
        version: std::ptr::null(),
        create: None,
        configure: None,
        activate: None,
        quiesce: None,
        destroy: None,
        check: std::ptr::null(),
        bind: None,
        unbind: None,
        on_request: None,
        on_request_body: std::ptr::null(),
        on_resume: None,
        on_response: None,
        on_response_body: std::ptr::null(),
        on_end: std::ptr::null(),
        get_extension: std::ptr::null(),
        self_test: None,
    };
}

const _: () = {
    assert!(size_of::<Str>() == 16 && size_of::<Field>() == 32);
    assert!(size_of::<View>() == 144 && offset_of!(View, config) == 128);
    assert!(size_of::<HostApi>() == 72 && offset_of!(HostApi, now_ms) == 48);
    assert!(offset_of!(HttpV1, attr) == 8 && offset_of!(HttpV1, remove) == 48 && offset_of!(HttpV1, replace_status) == 88);
    assert!(offset_of!(HttpV1, respond) == 96 && offset_of!(HttpV1, record_error) == 144);
    assert!(offset_of!(Plugin, create) == 32 && offset_of!(Plugin, bind) == 80);
    assert!(offset_of!(Plugin, on_request) == 96 && offset_of!(Plugin, get_extension) == 144);
    assert!(size_of::<Plugin>() == 160);
};
