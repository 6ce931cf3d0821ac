/* The layout of plugin.h, frozen with ABI 1.0: compiling it is the test. Where a struct has grown at its
 * end, AT lines are added and its SIZE is new; an AT or a VALUE that is here never changes. */
#include "mimus/plugin.h"

#define AT(type, field, at) _Static_assert(offsetof(type, field) == (at), #type "." #field " has moved")
#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " has another size")
#define VALUE(name, value) _Static_assert((name) == (value), #name " has another value")

/* mimus_str */
AT(mimus_str, p, 0);
AT(mimus_str, n, 8);
SIZE(mimus_str, 16);

/* mimus_view */
AT(mimus_view, size, 0);
AT(mimus_view, level, 4);
AT(mimus_view, id, 8);
AT(mimus_view, revision, 24);
AT(mimus_view, api_id, 32);
AT(mimus_view, slug, 48);
AT(mimus_view, method, 64);
AT(mimus_view, path, 80);
AT(mimus_view, fields, 96);
AT(mimus_view, api_fields, 112);
AT(mimus_view, config, 128);
SIZE(mimus_view, 144);

/* mimus_host_api */
AT(mimus_host_api, size, 0);
AT(mimus_host_api, abi_major, 4);
AT(mimus_host_api, abi_minor, 8);
AT(mimus_host_api, worker_count, 12);
AT(mimus_host_api, host_version, 16);
AT(mimus_host_api, get_extension, 24);
AT(mimus_host_api, log, 32);
AT(mimus_host_api, set_error, 40);
AT(mimus_host_api, now_ms, 48);
AT(mimus_host_api, wall_us, 56);
AT(mimus_host_api, worker_index, 64);
SIZE(mimus_host_api, 72);

/* mimus_field */
AT(mimus_field, name, 0);
AT(mimus_field, value, 16);
SIZE(mimus_field, 32);

/* mimus_fault */
AT(mimus_fault, pointer, 0);
AT(mimus_fault, detail, 16);
SIZE(mimus_fault, 32);

/* mimus_http_v1 */
AT(mimus_http_v1, size, 0);
AT(mimus_http_v1, attr, 8);
AT(mimus_http_v1, get, 16);
AT(mimus_http_v1, at, 24);
AT(mimus_http_v1, set, 32);
AT(mimus_http_v1, add, 40);
AT(mimus_http_v1, remove, 48);
AT(mimus_http_v1, request_body, 56);
AT(mimus_http_v1, response_body, 64);
AT(mimus_http_v1, body_ceiling, 72);
AT(mimus_http_v1, status, 80);
AT(mimus_http_v1, replace_status, 88);
AT(mimus_http_v1, respond, 96);
AT(mimus_http_v1, problem, 104);
AT(mimus_http_v1, alloc, 112);
AT(mimus_http_v1, record_flag, 120);
AT(mimus_http_v1, record_int, 128);
AT(mimus_http_v1, record_text, 136);
AT(mimus_http_v1, record_error, 144);
AT(mimus_http_v1, response_length, 152);
AT(mimus_http_v1, forget_length, 160);
AT(mimus_http_v1, replace_body, 168);
AT(mimus_http_v1, set_request, 176);
AT(mimus_http_v1, remove_request, 184);
SIZE(mimus_http_v1, 192);

/* mimus_async_v1 */
AT(mimus_async_v1, size, 0);
AT(mimus_async_v1, hold, 8);
AT(mimus_async_v1, resume, 16);
AT(mimus_async_v1, release, 24);
SIZE(mimus_async_v1, 32);

/* mimus_timer_v1 */
AT(mimus_timer_v1, size, 0);
AT(mimus_timer_v1, start, 8);
SIZE(mimus_timer_v1, 16);

/* mimus_kv_v1 */
AT(mimus_kv_v1, size, 0);
AT(mimus_kv_v1, get, 8);
AT(mimus_kv_v1, put, 16);
AT(mimus_kv_v1, del, 24);
AT(mimus_kv_v1, del_prefix, 32);
SIZE(mimus_kv_v1, 40);

/* mimus_forward */
AT(mimus_forward, size, 0);
AT(mimus_forward, timeout_ms, 4);
AT(mimus_forward, url, 8);
AT(mimus_forward, method, 24);
AT(mimus_forward, headers, 40);
AT(mimus_forward, n_headers, 48);
SIZE(mimus_forward, 56);

/* mimus_forward_v1 */
AT(mimus_forward_v1, size, 0);
AT(mimus_forward_v1, forward, 8);
AT(mimus_forward_v1, forwarded, 16);
AT(mimus_forward_v1, check, 24);
SIZE(mimus_forward_v1, 32);

/* mimus_fetch */
AT(mimus_fetch, size, 0);
AT(mimus_fetch, timeout_ms, 4);
AT(mimus_fetch, method, 8);
AT(mimus_fetch, url, 24);
AT(mimus_fetch, headers, 40);
AT(mimus_fetch, n_headers, 48);
AT(mimus_fetch, body, 56);
AT(mimus_fetch, max_body, 72);
SIZE(mimus_fetch, 80);

/* mimus_fetched */
AT(mimus_fetched, size, 0);
AT(mimus_fetched, rc, 4);
AT(mimus_fetched, status, 8);
AT(mimus_fetched, headers, 16);
AT(mimus_fetched, n_headers, 24);
AT(mimus_fetched, body, 32);
AT(mimus_fetched, why, 48);
SIZE(mimus_fetched, 64);

/* mimus_fetch_v1 */
AT(mimus_fetch_v1, size, 0);
AT(mimus_fetch_v1, start, 8);
SIZE(mimus_fetch_v1, 16);

/* mimus_task_v1 */
AT(mimus_task_v1, size, 0);
AT(mimus_task_v1, spawn, 8);
SIZE(mimus_task_v1, 16);

/* mimus_hash_v1 */
AT(mimus_hash_v1, size, 0);
AT(mimus_hash_v1, sha256, 8);
AT(mimus_hash_v1, md5, 16);
SIZE(mimus_hash_v1, 24);

/* mimus_metrics_v1 */
AT(mimus_metrics_v1, size, 0);
AT(mimus_metrics_v1, counter, 8);
AT(mimus_metrics_v1, add, 16);
SIZE(mimus_metrics_v1, 24);

/* mimus_journal_v1 */
AT(mimus_journal_v1, size, 0);
AT(mimus_journal_v1, field, 8);
AT(mimus_journal_v1, text, 16);
AT(mimus_journal_v1, number, 24);
AT(mimus_journal_v1, set_text, 32);
AT(mimus_journal_v1, scan, 40);
SIZE(mimus_journal_v1, 48);

/* mimus_channel_v1 */
AT(mimus_channel_v1, size, 0);
AT(mimus_channel_v1, send_event, 8);
AT(mimus_channel_v1, close, 16);
AT(mimus_channel_v1, start_timer, 24);
AT(mimus_channel_v1, client_id, 32);
AT(mimus_channel_v1, send_text, 40);
AT(mimus_channel_v1, send_binary, 48);
AT(mimus_channel_v1, join, 56);
AT(mimus_channel_v1, leave, 64);
AT(mimus_channel_v1, broadcast, 72);
AT(mimus_channel_v1, emit, 80);
AT(mimus_channel_v1, broadcast_event, 88);
AT(mimus_channel_v1, acknowledge, 96);
AT(mimus_channel_v1, attr, 104);
AT(mimus_channel_v1, fault, 112);
SIZE(mimus_channel_v1, 120);

/* mimus_event */
AT(mimus_event, size, 0);
AT(mimus_event, n_binaries, 4);
AT(mimus_event, name, 8);
AT(mimus_event, args, 24);
AT(mimus_event, binaries, 40);
AT(mimus_event, ack, 48);
SIZE(mimus_event, 56);

/* mimus_relay */
AT(mimus_relay, size, 0);
AT(mimus_relay, timeout_ms, 4);
AT(mimus_relay, url, 8);
AT(mimus_relay, headers, 24);
AT(mimus_relay, n_headers, 32);
SIZE(mimus_relay, 40);

/* mimus_relay_v1 */
AT(mimus_relay_v1, size, 0);
AT(mimus_relay_v1, start, 8);
SIZE(mimus_relay_v1, 16);

/* mimus_plugin */
AT(mimus_plugin, size, 0);
AT(mimus_plugin, abi_major, 4);
AT(mimus_plugin, abi_minor, 8);
AT(mimus_plugin, flags, 12);
AT(mimus_plugin, id, 16);
AT(mimus_plugin, version, 24);
AT(mimus_plugin, create, 32);
AT(mimus_plugin, configure, 40);
AT(mimus_plugin, activate, 48);
AT(mimus_plugin, quiesce, 56);
AT(mimus_plugin, destroy, 64);
AT(mimus_plugin, check, 72);
AT(mimus_plugin, bind, 80);
AT(mimus_plugin, unbind, 88);
AT(mimus_plugin, on_request, 96);
AT(mimus_plugin, on_request_body, 104);
AT(mimus_plugin, on_resume, 112);
AT(mimus_plugin, on_response, 120);
AT(mimus_plugin, on_response_body, 128);
AT(mimus_plugin, on_end, 136);
AT(mimus_plugin, get_extension, 144);
AT(mimus_plugin, self_test, 152);
SIZE(mimus_plugin, 160);

/* mimus_admin_request */
AT(mimus_admin_request, size, 0);
AT(mimus_admin_request, method, 8);
AT(mimus_admin_request, path, 24);
AT(mimus_admin_request, query, 40);
AT(mimus_admin_request, body, 56);
SIZE(mimus_admin_request, 72);

/* mimus_admin_v1 */
AT(mimus_admin_v1, size, 0);
AT(mimus_admin_v1, handle, 8);
AT(mimus_admin_v1, reset, 16);
SIZE(mimus_admin_v1, 24);

/* mimus_record_v1 */
AT(mimus_record_v1, size, 0);
AT(mimus_record_v1, enrich, 8);
SIZE(mimus_record_v1, 16);

/* mimus_peer_v1 */
AT(mimus_peer_v1, size, 0);
AT(mimus_peer_v1, on_open, 8);
AT(mimus_peer_v1, on_timer, 16);
AT(mimus_peer_v1, on_close, 24);
AT(mimus_peer_v1, on_message, 32);
AT(mimus_peer_v1, on_event, 40);
AT(mimus_peer_v1, on_rebind, 48);
AT(mimus_peer_v1, on_handshake, 56);
SIZE(mimus_peer_v1, 64);

/* mimus_handshake */
AT(mimus_handshake, size, 0);
AT(mimus_handshake, delay_ms, 4);
AT(mimus_handshake, refuse_with, 8);
SIZE(mimus_handshake, 12);

/* mimus_session_v1 */
AT(mimus_session_v1, size, 0);
AT(mimus_session_v1, replay, 8);
SIZE(mimus_session_v1, 16);

/* mimus_registration */
AT(mimus_registration, size, 0);
AT(mimus_registration, entry, 8);
AT(mimus_registration, manifest, 16);
SIZE(mimus_registration, 32);

/* What is passed by number. */
VALUE(MIMUS_OK, 0);
VALUE(MIMUS_ABSENT, 1);
VALUE(MIMUS_PENDING, 2);
VALUE(MIMUS_E_GONE, -1);
VALUE(MIMUS_E_NOSPC, -2);
VALUE(MIMUS_E_INVAL, -3);
VALUE(MIMUS_E_UNAVAILABLE, -4);
VALUE(MIMUS_E_EXCEPTION, -5);
VALUE(MIMUS_NEXT, 0);
VALUE(MIMUS_RESPONDED, 1);
VALUE(MIMUS_SUSPEND, 2);
VALUE(MIMUS_NEED_BODY, 3);
VALUE(MIMUS_FAIL, 4);
VALUE(MIMUS_LEVEL_API, 0);
VALUE(MIMUS_LEVEL_ENDPOINT, 1);
VALUE(MIMUS_LEVEL_CHANNEL, 2);
VALUE(MIMUS_CHANNEL_PROTOCOL, 0);
VALUE(MIMUS_CHANNEL_PATH, 1);
VALUE(MIMUS_CHANNEL_CLIENT_IP, 2);
VALUE(MIMUS_CHANNEL_AUTH, 3);
VALUE(MIMUS_CHANNEL_QUERY, 4);
VALUE(MIMUS_CHANNEL_SUBPROTOCOL, 5);
VALUE(MIMUS_FAULT_DROP, 0);
VALUE(MIMUS_FAULT_GARBAGE, 1);
VALUE(MIMUS_FAULT_IGNORE_PINGS, 2);
VALUE(MIMUS_FAULT_SLOW, 3);
VALUE(MIMUS_LOG_DEBUG, 0);
VALUE(MIMUS_LOG_INFO, 1);
VALUE(MIMUS_LOG_WARN, 2);
VALUE(MIMUS_LOG_ERROR, 3);
VALUE(MIMUS_REQUEST_HEADERS, 0);
VALUE(MIMUS_RESPONSE_HEADERS, 1);
VALUE(MIMUS_QUERY, 2);
VALUE(MIMUS_PARAMS, 3);
VALUE(MIMUS_METHOD, 0);
VALUE(MIMUS_TARGET, 1);
VALUE(MIMUS_PATH, 2);
VALUE(MIMUS_RAW_PATH, 3);
VALUE(MIMUS_RAW_QUERY, 4);
VALUE(MIMUS_CLIENT_IP, 5);
VALUE(MIMUS_ENDPOINT_ID, 6);
VALUE(MIMUS_API_ID, 7);
VALUE(MIMUS_ALLOW, 8);
VALUE(MIMUS_SCHEME, 9);
VALUE(MIMUS_HOST, 10);
VALUE(MIMUS_OF_BOUND, 1);
VALUE(MIMUS_CODED, 2);
