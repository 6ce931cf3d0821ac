// Telling what a message is: only on demand, since an echo does not care.
#include "plugins/channels/message.h"

#include "mimus/base64.h"
#include "mimus/json_text.h"
#include "plugins/when/condition.h"

namespace mimus::channels {

Message Message::raw(std::string_view text, bool binary) {
  Message out;
  out.binary_ = binary;
  out.bytes_ = text;
  return out;
}

Message Message::event(std::string_view name, std::string_view args, std::span<const mimus_str> binaries,
                       std::int64_t ack) {
  Message out;
  out.raw_ = false;
  out.ack_ = ack;
  out.bytes_ = args;
  out.binaries_ = binaries;
  out.named_ = true;
  out.name_ = name;
  return out;
}

std::optional<std::string_view> Message::name() const {
  look();
  if (!named_) return std::nullopt;
  return name_;
}

std::string_view Message::data() const {
  look();
  return data_;
}

std::string_view Message::args() const {
  if (!raw_) return bytes_;
  if (args_.empty()) args_.append("[").append(data()).append("]");
  return args_;
}

std::optional<std::string_view> Message::text() const {
  if (!raw_ || binary_) return std::nullopt;
  return bytes_;
}

void Message::look() const {
  if (looked_) return;
  looked_ = true;
  if (raw_) return look_at_raw();
  std::size_t count = 0;
  json::elements(bytes_, [&](std::string_view argument) {
    data_ = argument;
    return ++count < 2;
  });
  if (count != 1) data_ = bytes_;
}

void Message::look_at_raw() const {
  if (binary_) {
    made_ = "\"" + base64::encoded(bytes_) + "\"";
    data_ = made_;
    return;
  }
  if (!when::is_bounded_json(bytes_)) {
    json::quote(made_, bytes_);
    data_ = made_;
    return;
  }
  const std::size_t first = bytes_.find_first_not_of(" \t\r\n"), last = bytes_.find_last_not_of(" \t\r\n");
  data_ = bytes_.substr(first, last - first + 1);
  if (data_.front() != '{') return;
  std::optional<std::string_view> event, inner;
  bool others = false;
  json::members(data_, [&](std::string_view key, std::string_view value) {
    if (key == "event") {
      event = value;
    } else if (key == "data") {
      inner = value;
    } else {
      others = true;
    }
    return true;
  });
  if (!event || event->front() != '"') return;
  named_ = true;
  name_ = json::unquote(*event);
  if (inner) {
    data_ = *inner;
  } else if (!others) {
    data_ = {};
  }
}

KeptMessage::KeptMessage(const Message& message)
    : raw_(message.is_raw()), binary_(message.is_binary()), ack_(message.ack()), bytes_(message.bytes()) {
  if (!raw_) name_ = message.name().value_or("");
  size_ = sizeof *this + name_.size() + bytes_.size();
  binaries_.reserve(message.binaries().size());
  for (const mimus_str& one : message.binaries()) {
    const std::string& kept = binaries_.emplace_back(one.p, one.n);
    lent_.push_back({kept.data(), kept.size()});
    size_ += sizeof kept + sizeof(mimus_str) + kept.size();
  }
}

Message KeptMessage::look() const {
  return raw_ ? Message::raw(bytes_, binary_) : Message::event(name_, bytes_, lent_, ack_);
}

}  // namespace mimus::channels
