/* mimus/plugin.h - the contract between the Mimus host and a plugin, whole, in C11.
 *
 * A plugin is a shared object that exports one function, `mimus_plugin_entry_v1`, or the
 * same code linked into the host. Nothing else crosses this line: no C++ types, no
 * exceptions, no allocator.
 *
 * The promise of ABI 1: what is below stays where it is and means what it says. A minor
 * version only appends: fields at the end of structs that begin with `size`, values of
 * enumerations, extensions. A plugin runs on every host of its major whose minor is not
 * lower than the one in its manifest. Whatever cannot be done by appending is another
 * major, which has another entry symbol (mimus_plugin_entry_v2), so that a host can load
 * both and never mistakes one for the other. Structs without `size` (mimus_str,
 * mimus_field, mimus_fault) never change.
 *
 * Rules
 *  R1 Every struct that may grow starts with `size`, the bytes known to the side that
 *     filled it. Fields are only ever appended; read field f only if MIMUS_HAS(p, f).
 *  R2 Whatever is optional is an extension, looked up by the string "name/REV".
 *     NULL means that the other side does not have it.
 *  R3 A mimus_str is borrowed. What the host lends a hook is valid until the exchange
 *     ends, unless the function says otherwise; what a plugin passes is valid for the
 *     call and the host copies it. Nobody frees the other side's memory.
 *  R4 Enumerations are int32_t; an unknown value means the documented default.
 *  R5 No exception leaves a function in either direction.
 *  R6 respond, problem and forward are recorded and applied after the hook returns, so
 *     that a hook can never free what it runs on.
 *
 * Threads, named on every function:
 *  [ctl]   one thread at a time, never while a request hook of the same instance that
 *          depends on it runs; may block
 *  [w]     the worker that owns the exchange or channel; must not block
 *  [query] the thread that answers admin reads; may take its time
 *  [jrn]   the journal's thread; must not wait for anything
 *  [any]   any thread
 * Hooks of different exchanges run at the same time, on one instance.
 */
#ifndef MIMUS_PLUGIN_H
#define MIMUS_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define MIMUS_C_LINKAGE extern "C" /* where that is needed */
#else
#define MIMUS_C_LINKAGE
#endif

#define MIMUS_ABI_MAJOR 1u /* of the ABI that this header describes */
#define MIMUS_ABI_MINOR 1u /* likewise; 1: what follows "since 1.1" below */
/* Whether a struct is there and its size covers a field: ask before reading what a later minor brought. */
#define MIMUS_HAS(p, f) ((p) != NULL && (size_t)(p)->size >= offsetof(__typeof__(*(p)), f) + sizeof((p)->f))

typedef struct mimus_str {
  const char* p; /* not NUL-terminated; may be NULL when n is 0 */
  size_t n;
} mimus_str;

/* What a call came to. 0 and above are answers, below 0 are refusals. */
typedef int32_t mimus_rc;
enum {
  MIMUS_OK = 0,
  MIMUS_ABSENT = 1,         /* there is no such thing */
  MIMUS_PENDING = 2,        /* not yet; the resume that was passed will be resumed */
  MIMUS_E_GONE = -1,        /* the exchange, channel or host it belongs to has ended */
  MIMUS_E_NOSPC = -2,       /* a bound was reached; nothing was changed */
  MIMUS_E_INVAL = -3,       /* the arguments are wrong; nothing was changed */
  MIMUS_E_UNAVAILABLE = -4, /* not now; the same call may work later */
  MIMUS_E_EXCEPTION = -5    /* a C++ exception ended at the SDK's wall */
};

/* What a request hook wants done next. */
typedef int32_t mimus_action;
enum {
  MIMUS_NEXT = 0,      /* go on with the next plugin */
  MIMUS_RESPONDED = 1, /* respond, problem or forward was called: that is the answer */
  MIMUS_SUSPEND = 2,   /* wait for the resume of a live hold(); then on_resume is called */
  MIMUS_NEED_BODY = 3, /* call the body hook when the whole body is there */
  MIMUS_FAIL = 4       /* this plugin failed: its fail policy decides. Also the default */
};

/* Opaque, owned by the host. */
typedef struct mimus_host mimus_host;       /* one plugin instance, as the host sees it */
typedef struct mimus_req mimus_req;         /* one exchange, as one plugin sees it */
typedef struct mimus_resume mimus_resume;   /* a weak handle on a held exchange */
typedef struct mimus_channel mimus_channel; /* one open WebSocket, or one namespace of a Socket.IO client */
typedef struct mimus_report mimus_report;   /* collects what is wrong with a definition */
typedef struct mimus_reply mimus_reply;     /* collects the answer of an admin route */

/* Opaque, owned by the plugin. */
typedef struct mimus_inst mimus_inst;   /* a configured instance */
typedef struct mimus_bound mimus_bound; /* an instance bound to one API, endpoint or channel */

/* ---- What a plugin is bound to ------------------------------------------------------ */

typedef int32_t mimus_level;
enum {
  MIMUS_LEVEL_API = 0,      /* what a miss, a 405 or a preflight under a known slug runs */
  MIMUS_LEVEL_ENDPOINT = 1, /* one mock HTTP endpoint */
  MIMUS_LEVEL_CHANNEL = 2   /* one mock WebSocket endpoint */
};

/* Valid for the call. */
typedef struct mimus_view {
  uint32_t size;
  mimus_level level;
  mimus_str id;         /* ULID of what is bound */
  uint64_t revision;    /* of what is bound */
  mimus_str api_id;     /* ULID of its API */
  mimus_str slug;       /* of its API */
  mimus_str method;     /* of the endpoint; "" at the other levels */
  mimus_str path;       /* of the endpoint or channel; "" for an API */
  mimus_str fields;     /* JSON object: the fields this plugin's manifest claims at this
                           level, as they were sent, byte for byte; absent ones left out */
  mimus_str api_fields; /* the same of the API's claimed fields, at every level */
  mimus_str config;     /* JSON of the nearest plugins.{id}, or "" */
} mimus_view;

/* ---- Host to plugin: always there ----------------------------------------------------- */

typedef int32_t mimus_log_level;
enum { MIMUS_LOG_DEBUG = 0, MIMUS_LOG_INFO = 1, MIMUS_LOG_WARN = 2, MIMUS_LOG_ERROR = 3 };

typedef struct mimus_host_api {
  uint32_t size, abi_major, abi_minor, worker_count;
  const char* host_version;
  /* The table of an extension, or NULL: absent, or not granted. Lives as long as the
     instance. [any] */
  const void* (*get_extension)(mimus_host*, const char* id);
  void (*log)(mimus_host*, mimus_log_level, mimus_str text); /* [any] */
  /* Says why the call that is about to return a refusal refuses. [any] */
  void (*set_error)(mimus_host*, mimus_str text);
  uint64_t (*now_ms)(mimus_host*);       /* monotonic, a worker's cached tick; virtual in tests [any] */
  int64_t (*wall_us)(mimus_host*);       /* microseconds since 1970, UTC [any] */
  uint32_t (*worker_index)(mimus_host*); /* 0 … worker_count-1; only meaningful [w] */
} mimus_host_api;

/* ---- "mimus.http/1": one exchange. All [w], own exchange only ------------------------- */

typedef int32_t mimus_set; /* which list of names and values */
enum {
  MIMUS_REQUEST_HEADERS = 0, /* names compared without regard to case, kept as they came */
  MIMUS_RESPONSE_HEADERS = 1,
  MIMUS_QUERY = 2, /* percent-decoded, "+" is a space, in order, repeated keys kept */
  MIMUS_PARAMS = 3 /* the path's :name, {name} and *name, decoded; a tail joined by "/" */
};

typedef int32_t mimus_attr;
enum {
  MIMUS_METHOD = 0,
  MIMUS_TARGET = 1,      /* the request-target as it came */
  MIMUS_PATH = 2,        /* below the API, dot-free, each segment decoded, from its "/" on */
  MIMUS_RAW_PATH = 3,    /* the same in its original percent-encoding */
  MIMUS_RAW_QUERY = 4,   /* without "?" */
  MIMUS_CLIENT_IP = 5,   /* behind trusted proxies: what they forwarded */
  MIMUS_ENDPOINT_ID = 6, /* "" on a miss */
  MIMUS_API_ID = 7,
  MIMUS_ALLOW = 8,  /* the methods that the path has, ", " between them */
  MIMUS_SCHEME = 9, /* "http" or "https" */
  MIMUS_HOST = 10   /* the Host field, or the authority of an absolute-form target */
};

typedef struct mimus_field {
  mimus_str name, value;
} mimus_field;

typedef struct mimus_fault { /* one thing wrong with a body or definition */
  mimus_str pointer;         /* RFC 6901 */
  mimus_str detail;
} mimus_fault;

enum {
  MIMUS_OF_BOUND = 1, /* the bytes of the headers and the body belong to the bound: they are not copied */
  MIMUS_CODED = 2     /* of replace_body: the same content in a content coding; captures keep it uncoded */
};

typedef struct mimus_http_v1 {
  uint32_t size;
  mimus_rc (*attr)(mimus_req*, mimus_attr, mimus_str* out); /* ABSENT: one that this host does not know */
  /* The nth value under a name, or ABSENT. */
  mimus_rc (*get)(mimus_req*, mimus_set, mimus_str name, uint32_t nth, mimus_str* out);
  /* The field at an index, or ABSENT past the end. */
  mimus_rc (*at)(mimus_req*, mimus_set, uint32_t index, mimus_field* out);
  /* Change the response's header fields, from a response hook. `set` leaves exactly one;
     `remove` is OK when there was none. A value with CR, LF or NUL is INVAL. */
  mimus_rc (*set)(mimus_req*, mimus_str name, mimus_str value);
  mimus_rc (*add)(mimus_req*, mimus_str name, mimus_str value);
  mimus_rc (*remove)(mimus_req*, mimus_str name);
  /* The request's body: OK once it is whole (there is none: OK with n = 0), else PENDING. */
  mimus_rc (*request_body)(mimus_req*, mimus_str* out);
  /* The answer's body: OK if it is whole in memory, PENDING if it streams (return
     MIMUS_NEED_BODY to have it), E_NOSPC if it grew beyond the ceiling that was asked. */
  mimus_rc (*response_body)(mimus_req*, mimus_str* out);
  /* How many bytes of a streaming answer to gather for MIMUS_NEED_BODY. */
  mimus_rc (*body_ceiling)(mimus_req*, size_t bytes);
  int32_t (*status)(mimus_req*); /* of the answer; 0 before there is one */
  /* Replaces the answer's status and empties its body: for a 304. From a response hook. */
  mimus_rc (*replace_status)(mimus_req*, int32_t status);
  /* Records a whole answer. Content-Length, Date and Connection are the host's. */
  mimus_rc (*respond)(mimus_req*, int32_t status, const mimus_field*, size_t n, mimus_str body,
                      uint32_t flags);
  /* Records an RFC 9457 answer: code is the last part of its type and goes to the journal. */
  mimus_rc (*problem)(mimus_req*, int32_t status, mimus_str code, mimus_str detail, const mimus_fault*,
                      size_t n);
  /* Memory that lives as long as the exchange, aligned for anything; never NULL. */
  void* (*alloc)(mimus_req*, size_t bytes);
  /* Fill a journal field that the manifest declares; `field` from journal->field. */
  mimus_rc (*record_flag)(mimus_req*, int32_t field, int32_t value);
  mimus_rc (*record_int)(mimus_req*, int32_t field, int64_t value);
  mimus_rc (*record_text)(mimus_req*, int32_t field, mimus_str value);
  /* The code for the record's `error`, without changing the answer. */
  mimus_rc (*record_error)(mimus_req*, mimus_str code);
  /* The bytes of the answer's body: of a whole one, or as an upstream announced them, for a
     HEAD too. ABSENT: nobody knows yet. From a response hook. */
  mimus_rc (*response_length)(mimus_req*, uint64_t* out);
  /* Leaves out the length that an upstream announced: the answer to a HEAD whose GET would
     have another. From a response hook. */
  mimus_rc (*forget_length)(mimus_req*);
  /* Replaces the answer's body, and its length with it; `flags` as above. PENDING while it
     streams: nothing was changed. From a response hook. */
  mimus_rc (*replace_body)(mimus_req*, mimus_str body, uint32_t flags);
  /* Change the request's header fields as the plugins that come later, the mock and an
     upstream see them; the journal keeps what the client sent. From the hooks of the
     request direction, before an answer. `set_request` leaves exactly one; `remove_request`
     is OK when there was none. INVAL: a value with CR, LF or NUL, a name that is no token,
     or a field that frames the message or belongs to the connection: Host, Content-Length,
     Transfer-Encoding, Connection, Keep-Alive, Trailer, TE, Upgrade, Expect, Proxy-*. */
  mimus_rc (*set_request)(mimus_req*, mimus_str name, mimus_str value);
  mimus_rc (*remove_request)(mimus_req*, mimus_str name);
} mimus_http_v1;

/* ---- "mimus.async/1" ------------------------------------------------------------------ */

typedef struct mimus_async_v1 {
  uint32_t size;
  /* A handle to this exchange. Return MIMUS_SUSPEND afterwards; at the deadline the host
     fails the plugin by its policy (0 means the host's own ceiling, 11 minutes). The
     handle is the plugin's until release. NULL if one is already held. [w] */
  mimus_resume* (*hold)(mimus_req*, uint32_t timeout_ms);
  /* Has on_resume called on the exchange's worker, once. GONE: it ended, or was resumed
     before; never blocks, never fails otherwise. [any] */
  mimus_rc (*resume)(mimus_resume*);
  /* Gives the handle back; call it exactly once, resumed or not. [any] */
  void (*release)(mimus_resume*);
} mimus_async_v1;

/* ---- "mimus.timer/1" ------------------------------------------------------------------ */

typedef struct mimus_timer_v1 {
  uint32_t size;
  /* Calls `fire(inst, ud, rc)` on this worker after `ms`, exactly once: OK when it was time, GONE
     when the instance ends before. Called outside a worker, it fires on worker 0. [any] */
  mimus_rc (*start)(mimus_host*, uint64_t ms, void (*fire)(mimus_inst*, void* ud, mimus_rc), void* ud);
} mimus_timer_v1;

/* ---- "mimus.kv/1": memory first, RocksDB behind, named apart by plugin id ------------- */

typedef struct mimus_kv_v1 {
  uint32_t size;
  /* OK: `with` was called with the value, lent for that call, and must not call kv again. ABSENT: there is
     none. PENDING (only with a resume): it is being read from disk; the resume will be resumed and the next
     get answers. Without a resume such a key is ABSENT. [any] */
  mimus_rc (*get)(mimus_host*, mimus_str key, mimus_resume*, void (*with)(void* ud, mimus_str value),
                  void* ud);
  /* Visible at once, on disk within a second. ttl_ms 0 is for ever. NOSPC: the store's
     queue is full, nothing was stored. [any] */
  mimus_rc (*put)(mimus_host*, mimus_str key, mimus_str value, uint64_t ttl_ms);
  mimus_rc (*del)(mimus_host*, mimus_str key);           /* [any] */
  mimus_rc (*del_prefix)(mimus_host*, mimus_str prefix); /* [any]; "" is all of this plugin's */
} mimus_kv_v1;

/* ---- "mimus.forward/1": an upstream's answer as this exchange's answer ---------------- */

typedef struct mimus_forward {
  uint32_t size;
  uint32_t timeout_ms; /* connect, TLS and first byte of the head; then idle bound */
  mimus_str url;       /* absolute, http or https */
  mimus_str method;
  const mimus_field* headers; /* the whole request head but Host, Content-Length, hop-by-hop */
  size_t n_headers;
} mimus_forward;

typedef struct mimus_forward_v1 {
  uint32_t size;
  /* Records the forward as the answer; then return MIMUS_RESPONDED. The request's body
     goes along. The answer streams back with back-pressure, its hop-by-hop fields left
     out. Failures are answered by the host: 504 upstream-timeout, 502
     upstream-unreachable, 403 upstream-forbidden. INVAL: the URL does not parse. [w] */
  mimus_rc (*forward)(mimus_req*, const mimus_forward*);
  /* 1 if the answer came from an upstream, else 0. From a response hook. [w] */
  int32_t (*forwarded)(mimus_req*);
  /* OK, or INVAL if a literal address in the URL is one that the host refuses to
     connect to or the URL is malformed; `why` (may be NULL) is lent until the next
     call on this thread. [any] */
  mimus_rc (*check)(mimus_host*, mimus_str url, mimus_str* why);
} mimus_forward_v1;

/* ---- "mimus.fetch/1": a request of the plugin's own --------------------------------------- */

typedef struct mimus_fetch {
  uint32_t size;
  uint32_t timeout_ms;        /* of the whole of it; 0 is 5000 */
  mimus_str method;           /* "" is GET */
  mimus_str url;              /* absolute, http or https */
  const mimus_field* headers; /* but Host, Content-Length and hop-by-hop ones; these are left out */
  size_t n_headers;
  mimus_str body;
  size_t max_body; /* bytes of the answer's body to take; 0 is 1 MiB, the most is 16 MiB */
} mimus_fetch;

/* Valid for the call. */
typedef struct mimus_fetched {
  uint32_t size;
  mimus_rc rc;                /* what came of it: see start */
  int32_t status;             /* of the answer; 0 unless rc is OK or E_NOSPC */
  const mimus_field* headers; /* hop-by-hop ones left out */
  size_t n_headers;
  mimus_str body; /* whole, as it came (a content coding is not undone); "" unless rc is OK */
  mimus_str why;  /* in words, unless rc is OK */
} mimus_fetched;

typedef struct mimus_fetch_v1 {
  uint32_t size;
  /* Sends a request from this worker, under the rules for upstreams that forward obeys. On
     OK `done` is called exactly once, on this worker, never from within start: with rc OK;
     E_UNAVAILABLE (no answer: refused address, no connection, timeout, broken off); E_NOSPC
     (the body is larger than max_body); E_GONE (the instance ends before: start nothing
     new, free `ud`). It may come after the exchange that started it has ended: wake that
     one with a resume handle. On a refusal `done` is not called: E_INVAL (the URL does not
     parse, a header is unsafe, or the grant does not name the host; set_error says which),
     E_NOSPC (64 are in flight for this instance on this worker), E_UNAVAILABLE (not called
     on a worker, or the instance is ending). [w] */
  mimus_rc (*start)(mimus_host*, const mimus_fetch*,
                    void (*done)(mimus_inst*, void* ud, const mimus_fetched*), void* ud);
} mimus_fetch_v1;

/* ---- "mimus.task/1": work that blocks ----------------------------------------------------- */

typedef struct mimus_task_v1 {
  uint32_t size;
  /* Calls `run(inst, ud, rc)` exactly once, on one of the host's few task threads: with OK,
     and then it may block, compute, and resume exchanges; or GONE when the instance ends
     before its turn came. On a refusal it is not called: E_NOSPC (1024 are waiting, of all
     plugins), E_UNAVAILABLE (the instance is ending). Tasks that run hold up the swap of
     their plugin and the host's end: keep them to seconds. [any] */
  mimus_rc (*spawn)(mimus_host*, void (*run)(mimus_inst*, void* ud, mimus_rc), void* ud);
} mimus_task_v1;

/* ---- "mimus.hash/1" ------------------------------------------------------------------- */

typedef struct mimus_hash_v1 {
  uint32_t size;
  void (*sha256)(const mimus_str* parts, size_t n, uint8_t out[32]); /* of all parts in a row [any] */
  void (*md5)(const mimus_str* parts, size_t n, uint8_t out[16]);    /* [any] */
} mimus_hash_v1;

/* ---- "mimus.metrics/1" ---------------------------------------------------------------- */

typedef struct mimus_metrics_v1 {
  uint32_t size;
  /* A counter called mimus_<name>; from configure only. [ctl] */
  mimus_rc (*counter)(mimus_host*, mimus_str name, mimus_str help, uint32_t* id);
  void (*add)(mimus_host*, uint32_t id, uint64_t by); /* [any] */
} mimus_metrics_v1;

/* ---- "mimus.journal/1" ---------------------------------------------------------------- */

typedef struct mimus_record mimus_record; /* one journal record, lent for a call */

typedef struct mimus_journal_v1 {
  uint32_t size;
  /* The number of a field, core or declared in a manifest; < 0 if there is none. [any] */
  int32_t (*field)(mimus_host*, mimus_str name);
  /* A field's value: text of a record or ABSENT; numbers and flags as integers
     (`time` in microseconds since 1970). Valid while the record is. [jrn] [query] */
  mimus_rc (*text)(const mimus_record*, int32_t field, mimus_str* out);
  mimus_rc (*number)(const mimus_record*, int32_t field, int64_t* out);
  /* Fills a declared field of a record, from enrich. Host copies. [jrn] */
  mimus_rc (*set_text)(mimus_record*, int32_t field, mimus_str value);
  /* Shows every record that passes the filters, newest first, until `each` returns 0.
     `filters` is a query string of /admin/requests (since, until, apiId, …); what it does
     not know is INVAL. UNAVAILABLE: the newest could not be brought up to date in 2 s; those that are there
     were shown. [query] */
  mimus_rc (*scan)(mimus_host*, mimus_str filters, int32_t (*each)(void* ud, const mimus_record*), void* ud);
} mimus_journal_v1;

/* ---- "mimus.channel/1": WebSocket endpoints. All [w], own channel only --------------- */

/* Since 1.1. An event with its arguments, as Socket.IO has them. A raw WebSocket client receives
   {"event":name,"data":…} with the argument itself where there is one, and else with the array.
   In `args` a binary argument is {"_placeholder":true,"num":i}, and stands in binaries[i]. */
typedef struct mimus_event {
  uint32_t size;
  uint32_t n_binaries;
  mimus_str name; /* "" from on_event: it acknowledges what was emitted with this `ack` */
  mimus_str args; /* JSON array */
  const mimus_str* binaries;
  int64_t ack; /* from on_event: what acknowledge() wants to be told, -1 where none is awaited. To
                  emit: 0 or above asks for an acknowledgement, which comes as an on_event */
} mimus_event;

typedef int32_t mimus_channel_attr;
enum {
  MIMUS_CHANNEL_PROTOCOL = 0,  /* "websocket" or "socket.io" */
  MIMUS_CHANNEL_PATH = 1,      /* of the endpoint: the namespace */
  MIMUS_CHANNEL_CLIENT_IP = 2, /* behind trusted proxies: what they forwarded */
  MIMUS_CHANNEL_AUTH = 3,      /* JSON: what a Socket.IO client connected with; else {} */
  MIMUS_CHANNEL_QUERY = 4,     /* of the handshake's target, without "?" */
  MIMUS_CHANNEL_SUBPROTOCOL = 5
};

typedef int32_t mimus_channel_fault;
enum {
  MIMUS_FAULT_DROP = 0,         /* cuts the connection without a word; then on_close */
  MIMUS_FAULT_GARBAGE = 1,      /* sends a frame that no peer may send */
  MIMUS_FAULT_IGNORE_PINGS = 2, /* answers no ping any more, and sends none where the protocol wants them */
  MIMUS_FAULT_SLOW = 3          /* from now on sends `value` bytes a second; 0: as fast as it goes */
};

typedef struct mimus_channel_v1 {
  uint32_t size;
  /* Sends the event in the peer's own form: raw WebSocket clients receive the text frame
     {"event":name,"data":payload}. payload is JSON. NOSPC: the peer reads too slowly, and
     the channel is being closed. GONE: it is closed. */
  mimus_rc (*send_event)(mimus_channel*, mimus_str name, mimus_str payload);
  mimus_rc (*close)(mimus_channel*, int32_t code, mimus_str reason); /* after what was sent; then on_close */
  /* Calls the channel's on_timer with `ud` after `ms`, unless it closes before. */
  mimus_rc (*start_timer)(mimus_channel*, uint64_t ms, void* ud);
  mimus_str (*client_id)(mimus_channel*); /* ULID of the connection */
  /* One message as it is; the text must be UTF-8. rc as send_event. */
  mimus_rc (*send_text)(mimus_channel*, mimus_str text);
  mimus_rc (*send_binary)(mimus_channel*, mimus_str data);
  /* Rooms are names, of 1 to 128 bytes, that the channels of one endpoint may join, 64 at
     most each (NOSPC); they end with the channel. Joining twice and leaving what was not
     joined is OK. INVAL: the name's length. GONE: the channel is closed. */
  mimus_rc (*join)(mimus_channel*, mimus_str room);
  mimus_rc (*leave)(mimus_channel*, mimus_str room);
  /* Sends the event, framed once, to the open channels of this endpoint that are in the
     room, on every worker; to all of them if the room is "". `but_me` other than 0 leaves
     this channel out. In order for one sender; from on_close, too. NOSPC: more broadcasts wait for other
     workers than the host keeps; nothing was sent. */
  mimus_rc (*broadcast)(mimus_channel*, mimus_str room, mimus_str name, mimus_str payload, int32_t but_me);

  /* Since 1.1. */
  /* send_event with any arguments. INVAL: args is no JSON array. */
  mimus_rc (*emit)(mimus_channel*, const mimus_event*);
  /* broadcast with any arguments; nobody is asked for an acknowledgement. */
  mimus_rc (*broadcast_event)(mimus_channel*, mimus_str room, const mimus_event*, int32_t but_me);
  /* Answers an event that came with an `ack` other than -1; its name is not looked at. rc as
     send_event; ABSENT: the client speaks no Socket.IO. */
  mimus_rc (*acknowledge)(mimus_channel*, const mimus_event*);
  /* ABSENT: one that this host does not know. Lent for as long as the channel is open. */
  mimus_rc (*attr)(mimus_channel*, mimus_channel_attr, mimus_str* out);
  /* Misbehaves. INVAL: a fault that this host does not know. GONE: it is closed. A fault is of
     the connection, which the namespaces of one Socket.IO client share. */
  mimus_rc (*fault)(mimus_channel*, mimus_channel_fault, uint64_t value);
} mimus_channel_v1;

/* ---- "mimus.relay/1": a real server behind a channel. Since 1.1. [w], own channel only ------- */

typedef struct mimus_relay {
  uint32_t size;
  uint32_t timeout_ms;        /* for connect, TLS and the handshakes; 0 is 5000 */
  mimus_str url;              /* ws, wss, http or https. A raw client is relayed to it; a Socket.IO client to
                                 that origin's /socket.io/, and to the path as its namespace */
  const mimus_field* headers; /* for the handshake, but those that are the protocol's */
  size_t n_headers;
} mimus_relay;

typedef struct mimus_relay_v1 {
  uint32_t size;
  /* From on_open or on_rebind, once: hands what the client sends to a server, and what that sends to the
     client, acknowledgements and binaries included; the hooks go on being called for the
     client's side. Whichever ends closes the other with the same code; 1014 where the server
     cannot be reached. INVAL: the URL does not parse, or is none that may be
     connected to. NOSPC: it is relayed already. */
  mimus_rc (*start)(mimus_channel*, const mimus_relay*);
} mimus_relay_v1;

/* ---- Plugin to host ------------------------------------------------------------------- */

/* Adds one fault to a report. `code` may be "" (a plain bad value) or a problem code. */
typedef void (*mimus_report_fn)(mimus_report*, mimus_str pointer, mimus_str detail, mimus_str code);

typedef struct mimus_plugin {
  uint32_t size, abi_major, abi_minor, flags;
  const char *id, *version; /* equal to the manifest's */

  /* Lifecycle, in this order, each at most once per instance. [ctl] */
  mimus_rc (*create)(const mimus_host_api*, mimus_host*, mimus_inst** out);
  mimus_rc (*configure)(mimus_inst*,
                        mimus_str json); /* the options of the manifest, resolved; NULL: has none */
  mimus_rc (*activate)(mimus_inst*);     /* may start timers; may be NULL */
  mimus_rc (*quiesce)(mimus_inst*);      /* stop making work; requests in flight still come; may be NULL */
  void (*destroy)(mimus_inst*);          /* nothing of the instance is left */

  /* What is wrong with a definition beyond what the schemas say; pure. May be NULL. [ctl] */
  mimus_rc (*check)(mimus_inst*, const mimus_view*, mimus_report*, mimus_report_fn);
  /* Once per revision, at the first request. OK with *out NULL: not in this pipeline. [ctl]
     A refusal applies the fail policy to every request. */
  mimus_rc (*bind)(mimus_inst*, const mimus_view*, mimus_bound** out);
  void (*unbind)(mimus_inst*, mimus_bound*); /* [ctl] */

  /* Request direction, from the head on. [w] `ctx` is the plugin's own pointer for this
     exchange, NULL at first. Hooks may be NULL. */
  mimus_action (*on_request)(mimus_inst*, mimus_bound*, mimus_req*, void** ctx);
  mimus_action (*on_request_body)(mimus_inst*, mimus_bound*, mimus_req*, void** ctx, mimus_str whole);
  mimus_action (*on_resume)(mimus_inst*, mimus_bound*, mimus_req*, void** ctx);
  /* Response direction: the plugins entered so far, in reverse. NEXT, NEED_BODY or FAIL. [w] */
  mimus_action (*on_response)(mimus_inst*, mimus_bound*, mimus_req*, void** ctx);
  /* OK: `whole` is it. E_NOSPC: above the ceiling, it streams. E_GONE: broke off, `status` says how. [w] */
  mimus_action (*on_response_body)(mimus_inst*, mimus_bound*, mimus_req*, void** ctx, mimus_str whole,
                                   mimus_rc rc);
  /* Always last, once for each plugin entered, whatever happened; free *ctx here. The
     exchange may have been cut off before an answer. [w] */
  void (*on_end)(mimus_inst*, mimus_bound*, mimus_req*, void** ctx);

  const void* (*get_extension)(mimus_inst*, const char* id); /* one of the tables below [ctl]; may be NULL */

  /* Tries what can be tried without a request; a refusal keeps the instance from serving.
     After configure, in a process of its own and then, before activate, in the host: it must
     leave nothing behind. There are no workers and no KV yet. May be NULL. [ctl] */
  mimus_rc (*self_test)(mimus_inst*);
} mimus_plugin;

/* "mimus.admin/1": routes below /admin/plugins/{id}/x and the manifest's short path. */
typedef struct mimus_admin_request {
  uint32_t size;
  mimus_str method;
  mimus_str path;  /* below the short path or /x: "" or "/summary" */
  mimus_str query; /* raw */
  mimus_str body;
} mimus_admin_request;

typedef struct mimus_admin_v1 {
  uint32_t size;
  /* Answers by calling `reply` once. A status of 400 or above takes a problem: body is then
     the detail and `code` its code; else body is JSON and code "". [query] */
  mimus_rc (*handle)(mimus_inst*, const mimus_admin_request*, mimus_reply*,
                     void (*reply)(mimus_reply*, int32_t status, mimus_str code, mimus_str body));
  /* Forgets what the manifest's "resets" names. [ctl] */
  mimus_rc (*reset)(mimus_inst*, mimus_str what);
} mimus_admin_v1;

/* "mimus.record/1" */
typedef struct mimus_record_v1 {
  uint32_t size;
  /* Fills declared fields of records before they are stored. [jrn] */
  void (*enrich)(mimus_inst*, mimus_record* const* records, size_t n);
} mimus_record_v1;

/* Since 1.1. What shall become of a client that asks to be let in. */
typedef struct mimus_handshake {
  uint32_t size;
  uint32_t delay_ms;   /* before it is answered; 600000 at most */
  int32_t refuse_with; /* an HTTP status of 400 to 599; for Socket.IO a connect error. 0: let in */
} mimus_handshake;

/* "mimus.peer/1": what a plugin bound to a WebSocket endpoint does. All [w]. */
typedef struct mimus_peer_v1 {
  uint32_t size;
  void (*on_open)(mimus_inst*, mimus_bound*, mimus_channel*, void** ctx);            /* *ctx is NULL */
  void (*on_timer)(mimus_inst*, mimus_bound*, mimus_channel*, void** ctx, void* ud); /* of a start_timer */
  void (*on_close)(mimus_inst*, mimus_bound*, mimus_channel*, void** ctx);           /* last; free *ctx */
  /* A whole message from the client: text (UTF-8), or `binary` other than 0. `data` is valid
     for the call. May be NULL. */
  void (*on_message)(mimus_inst*, mimus_bound*, mimus_channel*, void** ctx, mimus_str data, int32_t binary);

  /* Since 1.1. All may be NULL. */
  /* An event of a Socket.IO client, or its acknowledgement of one. Valid for the call. */
  void (*on_event)(mimus_inst*, mimus_bound*, mimus_channel*, void** ctx, const mimus_event*);
  /* Instead of on_open, where an operator has a changed definition apply to a channel that is
     open: of the old binding on_close was called, its rooms are left and its timers are gone. */
  void (*on_rebind)(mimus_inst*, mimus_bound*, mimus_channel*, void** ctx);
  /* Before a client is let in. What it leaves alone lets it in at once. */
  void (*on_handshake)(mimus_inst*, mimus_bound*, mimus_handshake*);
} mimus_peer_v1;

/* "mimus.session/1": makes definitions of what was recorded. Since 1.1. */
typedef struct mimus_session_v1 {
  uint32_t size;
  /* `session` is {"protocol":"websocket"|"socket.io","messages":[{"afterMs":…,"direction":"in"|"out",
     "event":…,"args":[…],"text":…,"base64":…,"close":…}]}, in order; afterMs counts from the
     connection on; a message has event and args, or text, or base64, or close. Answers by calling
     `reply` once: 200 with a JSON Merge Patch for the endpoint's definition, or as mimus_admin_v1. [query] */
  mimus_rc (*replay)(mimus_inst*, mimus_str session, mimus_reply*,
                     void (*reply)(mimus_reply*, int32_t status, mimus_str code, mimus_str body));
} mimus_session_v1;
/* The one exported function: the plugin's table, or NULL if it cannot live with that host. [ctl] */
typedef const mimus_plugin* (*mimus_entry_fn)(uint32_t host_major, uint32_t host_minor);
#define MIMUS_ENTRY_SYMBOL "mimus_plugin_entry_v1" /* its name in a shared object */
#define MIMUS_MANIFEST_SECTION ".mimus_manifest"   /* where the manifest is */

/* ---- One source, two placements ------------------------------------------------------- */

/* What a linked-in plugin leaves in the section "mimus_registry". */
typedef struct mimus_registration {
  uint32_t size;
  mimus_entry_fn entry;
  mimus_str manifest;
} mimus_registration;

/* At file scope, once: MIMUS_MANIFEST = "{…}"; then MIMUS_EXPORT(entry_function) */
#if defined(MIMUS_LINKED_IN)
#define MIMUS_MANIFEST static const char mimus_manifest_text[]
#define MIMUS_EXPORT(fn)                                                                            \
  static const mimus_registration mimus_registration_here = {                                       \
      sizeof(mimus_registration), fn, {mimus_manifest_text, sizeof(mimus_manifest_text) - 1}};      \
  __attribute__((                                                                                   \
      used, retain,                                                                                 \
      section("mimus_registry"))) static const mimus_registration* const mimus_registration_entry = \
      &mimus_registration_here;
#else
#define MIMUS_MANIFEST \
  __attribute__((used, retain, section(MIMUS_MANIFEST_SECTION))) static const char mimus_manifest_text[]
#define MIMUS_EXPORT(fn)                                                                            \
  MIMUS_C_LINKAGE __attribute__((visibility("default"))) const mimus_plugin* mimus_plugin_entry_v1( \
      uint32_t major, uint32_t minor) {                                                             \
    return fn(major, minor);                                                                        \
  }
#endif

#ifdef __cplusplus
}
#endif
#endif
