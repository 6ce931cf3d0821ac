#include "host/pipeline/channel_journal.h"

#include <array>

#include "host/channel/base_channel.h"
#include "host/pipeline/captured_message.h"
#include "store/record_code.h"

namespace mimus {
namespace {

constexpr std::size_t whole = SIZE_MAX;

/// What an owned record is charged with: its texts and itself.
std::size_t cost_of(const Record& record) {
  std::vector<FieldValue> extra;
  return sizeof record + record_bound(view_of(record, extra), whole);
}

Record owned(const RecordInput& input) {
  Record out;
  out.id = input.id;
  out.api = input.api;
  out.endpoint = input.endpoint;
  out.kind = input.kind;
  out.time_us = input.time_us;
  out.duration_us = input.duration_us;
  out.request_size = input.request_size;
  out.response_size = input.response_size;
  out.status = input.status;
  out.method = input.method;
  out.path = input.path;
  out.query = input.query;
  out.client_ip = input.client_ip;
  out.user_agent = input.user_agent;
  out.error = input.error;
  for (const FieldValue& value : input.extra)
    out.extra.push_back({value.field, value.number, std::string(value.text)});
  return out;
}

RecordInput begun(const ChannelOrigin& origin) {
  RecordInput out;
  out.kind = RecordKind::channel;
  out.api = origin.api;
  out.path = origin.path;
  out.client_ip = origin.client_ip;
  return out;
}

/// Of a client that comes.
RecordInput knock(const ChannelOrigin& origin) {
  RecordInput out = begun(origin);
  out.method = "GET";
  out.query = origin.query;
  out.user_agent = origin.user_agent;
  return out;
}

std::int64_t number(std::uint64_t n) { return static_cast<std::int64_t>(n); }

}  // namespace

ChannelJournal::~ChannelJournal() {
  retry();
  if (!waiting_.empty()) worker_.metrics.add(worker_.journal_dropped, waiting_.size());
}

void ChannelJournal::on_open(const BaseChannel& channel) {
  const std::string id = channel.id().text();
  const FieldValue extra[] = {{field_connection_id, 0, id},
                              {field_protocol, 0, name_of(channel.origin().protocol)}};
  RecordInput input = knock(channel.origin());
  input.id = channel.id();
  input.endpoint = channel.endpoint();
  input.time_us = channel.since_us();
  input.status = 101;
  input.extra = extra;
  append(input);
}

void ChannelJournal::on_refused(const ChannelRefusal& refusal) {
  const FieldValue extra[] = {{field_protocol, 0, name_of(refusal.origin.protocol)}};
  RecordInput input = knock(refusal.origin);
  input.time_us = worker_.loop.wall_us();
  input.id = worker_.next_id(worker_.clock.now());
  if (refusal.endpoint != nullptr) input.endpoint = *refusal.endpoint;
  input.status = refusal.status;
  input.error = refusal.code;
  input.extra = extra;
  append(input);
}

void ChannelJournal::on_message(const BaseChannel& channel, const ChannelMessage& message) {
  if (!channel.captures()) return;  // but somebody watches
  const std::string id = channel.id().text();
  const CapturedMessage kept(message);
  std::array<FieldValue, 9> extra;
  std::size_t count = 0;
  const auto add = [&](int field, std::int64_t value, std::string_view text) {
    extra[count++] = {static_cast<std::uint16_t>(field), value, text};
  };
  add(field_connection_id, 0, id);
  add(field_protocol, 0, name_of(channel.origin().protocol));
  add(field_direction, 0, kept.direction);
  add(field_message_type, 0, kept.type);
  if (message.kind == Outgoing::Kind::event) add(field_event, 0, message.name);
  add(field_data, 0, kept.data);
  if (!kept.binaries.empty()) add(field_binaries, 0, kept.binaries);
  if (message.ack >= 0) add(field_ack, message.ack, {});
  if (kept.truncated) add(field_truncated, 1, {});
  RecordInput input = begun(channel.origin());
  input.endpoint = channel.endpoint();
  input.time_us = worker_.loop.wall_us();
  input.id = worker_.next_id(worker_.clock.now());
  (message.out ? input.response_size : input.request_size) = number(size_of(message));
  input.extra = std::span(extra.data(), count);
  append(input);
}

void ChannelJournal::on_close(const BaseChannel& channel, int code, std::string_view reason) {
  if (!channel.captures()) return;
  const std::string id = channel.id().text();
  const ChannelInfo info = channel.info();
  const FieldValue extra[] = {{field_connection_id, 0, id},
                              {field_protocol, 0, name_of(info.protocol)},
                              {field_close_code, code, {}},
                              {field_close_reason, 0, reason},
                              {field_messages_in, number(info.messages_in), {}},
                              {field_messages_out, number(info.messages_out), {}}};
  RecordInput input = begun(channel.origin());
  input.endpoint = channel.endpoint();
  input.time_us = worker_.loop.wall_us();
  input.id = worker_.next_id(worker_.clock.now());
  input.duration_us = std::max<std::int64_t>(0, input.time_us - info.since_us);
  input.request_size = number(info.bytes_in);
  input.response_size = number(info.bytes_out);
  input.extra = extra;
  append(input);
}

void ChannelJournal::append(const RecordInput& input) {
  if (worker_.journal == nullptr) return;
  if (waiting_.empty() && worker_.journal->append(input)) return;
  Record kept;
  if (worker_.lossless) kept = owned(input);
  const std::size_t cost = worker_.lossless ? cost_of(kept) : 0;
  if (!worker_.lossless || waiting_bytes_ + cost > max_waiting) {
    return worker_.metrics.add(worker_.journal_dropped, 1);
  }
  waiting_bytes_ += cost;
  waiting_.push_back(std::move(kept));
}

void ChannelJournal::retry() {
  std::vector<FieldValue> extra;
  while (!waiting_.empty() && worker_.journal->append(view_of(waiting_.front(), extra))) {
    waiting_bytes_ -= cost_of(waiting_.front());
    waiting_.pop_front();
  }
}

}  // namespace mimus
