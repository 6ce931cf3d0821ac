#include "host/app/live_feed.h"

#include <utility>

#include "host/admin/definition.h"
#include "host/channel/base_channel.h"
#include "host/pipeline/captured_message.h"
#include "mimus/json_text.h"

namespace mimus {
namespace {

using admin::add_member;

std::string begun(const BaseChannel& channel, std::int64_t wall_us) {
  std::string out = "{";
  add_member(out, "connectionId", json::quoted(channel.id().text()));
  add_member(out, "time", json::quoted(admin::rfc3339(wall_us)));
  return out;
}

void tell(const std::vector<std::shared_ptr<Mailbox>>& boxes, std::string_view name, std::string& json) {
  json += '}';
  const std::string event = sse_event(name, json);
  for (const auto& box : boxes) box->put(event);
}

}  // namespace

std::string sse_event(std::string_view name, std::string_view json) {
  std::string out = "event: ";
  out.append(name).append("\ndata: ").append(json).append("\n\n");
  return out;
}

Mailbox::Mailbox(Loop& home, std::function<void()> on_mail) : home_(home), on_mail_(std::move(on_mail)) {
  wake_.run = [](Post& post) {
    const std::shared_ptr<Mailbox> box = std::move(static_cast<Wake&>(post).box);
    {
      const std::lock_guard lock(box->mutex_);
      box->woken_ = false;
      if (box->closed_) return;
    }
    box->on_mail_();
  };
}

void Mailbox::put(std::string_view event) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    if (mail_.dropped != 0 || mail_.events.size() + event.size() > most_bytes) {
      ++mail_.dropped;  // until what is before it was taken: the order is kept
    } else {
      mail_.events.append(event);
    }
    if (std::exchange(woken_, true)) return;
    wake_.box = shared_from_this();
  }
  home_.post(wake_);
}

Mailbox::Mail Mailbox::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(mail_, {});
}

void Mailbox::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  mail_ = {};
}

void LiveFeed::watch(const Ulid& endpoint, std::shared_ptr<Mailbox> box) {
  viewers_[endpoint].push_back(std::move(box));
  channels_.watch(endpoint, true);
}

void LiveFeed::unwatch(const Ulid& endpoint, const Mailbox* box) {
  const auto at = viewers_.find(endpoint);
  if (at == viewers_.end()) return;
  if (std::erase_if(at->second, [&](const auto& one) { return one.get() == box; }) == 0) return;
  channels_.watch(endpoint, false);
  if (at->second.empty()) viewers_.erase(at);
}

const LiveFeed::Boxes* LiveFeed::viewers_of(const BaseChannel& channel) const {
  if (viewers_.empty()) return nullptr;
  const auto at = viewers_.find(channel.endpoint());
  return at == viewers_.end() ? nullptr : &at->second;
}

void LiveFeed::on_open(const BaseChannel& channel) {
  const Boxes* const boxes = viewers_of(channel);
  if (boxes == nullptr) return;
  std::string out = begun(channel, channel.since_us());
  add_member(out, "protocol", json::quoted(name_of(channel.origin().protocol)));
  add_member(out, "clientIp", json::quoted(channel.origin().client_ip));
  tell(*boxes, "open", out);
}

void LiveFeed::on_message(const BaseChannel& channel, const ChannelMessage& message) {
  const Boxes* const boxes = viewers_of(channel);
  if (boxes == nullptr) return;
  const CapturedMessage kept(message);
  std::string out = begun(channel, loop_.wall_us());
  add_member(out, "direction", json::quoted(kept.direction));
  add_member(out, "messageType", json::quoted(kept.type));
  if (message.kind == Outgoing::Kind::event) add_member(out, "event", json::quoted(message.name));
  add_member(out, "data", json::quoted(kept.data));
  if (!kept.binaries.empty()) add_member(out, "binaries", kept.binaries);
  if (message.ack >= 0) add_member(out, "ack", std::to_string(message.ack));
  if (kept.truncated) add_member(out, "truncated", "true");
  tell(*boxes, "message", out);
}

void LiveFeed::on_close(const BaseChannel& channel, int code, std::string_view reason) {
  const Boxes* const boxes = viewers_of(channel);
  if (boxes == nullptr) return;
  const ChannelInfo info = channel.info();
  std::string out = begun(channel, loop_.wall_us());
  add_member(out, "closeCode", std::to_string(code));
  add_member(out, "closeReason", json::quoted(reason));
  add_member(out, "messagesIn", std::to_string(info.messages_in));
  add_member(out, "messagesOut", std::to_string(info.messages_out));
  add_member(out, "bytesIn", std::to_string(info.bytes_in));
  add_member(out, "bytesOut", std::to_string(info.bytes_out));
  tell(*boxes, "close", out);
}

}  // namespace mimus
