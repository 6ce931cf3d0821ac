#include "host/channel/outgoing.h"

#include "host/channel/deflate.h"
#include "host/channel/framing.h"
#include "host/channel/socket_packet.h"
#include "mimus/json_text.h"

namespace mimus {
namespace {

/// `["name",…args]`
std::string with_name(std::string_view name, std::string_view args) {
  std::string out = "[";
  json::quote(out, name);
  const std::size_t first = args.find_first_not_of(" \t\r\n", 1);
  if (first != args.npos && args[first] != ']') out += ',';
  return out.append(args.substr(1));
}

}  // namespace

std::string event_text(std::string_view name, std::string_view args) {
  std::string_view data = args, only;
  std::size_t count = 0;
  json::elements(args, [&](std::string_view one) {
    only = one;
    return ++count < 2;
  });
  if (count == 1) data = only;
  std::string out;
  out.reserve(name.size() + data.size() + 24);
  out += R"({"event":)";
  json::quote(out, name);
  out += R"(,"data":)";
  out += data;
  out += '}';
  return out;
}

std::string only_argument(std::string_view argument) {
  std::string out;
  out.reserve(argument.size() + 2);
  return out.append("[").append(argument).append("]");
}

const std::string& EngineMessages::frames() {
  if (frames_.empty()) {
    for (const One& one : all_)
      frames_ += one.binary ? frame(Opcode::binary, one.data) : frame(Opcode::text, "4" + one.data);
  }
  return frames_;
}

std::string_view Outgoing::raw_payload() {
  if (kind_ == Kind::event && data_.empty()) data_ = event_text(parts_.name, parts_.args);
  return data_;
}

const std::string& Outgoing::raw_frame(int deflate_window_bits) {
  const Opcode opcode = kind_ == Kind::binary ? Opcode::binary : Opcode::text;
  if (deflate_window_bits == 0 || raw_payload().size() < min_deflated_bytes) {
    if (frame_.empty()) frame_ = frame(opcode, raw_payload());
    return frame_;
  }
  if (deflated_bits_ != deflate_window_bits) {
    deflated_ = deflated_frame(opcode, raw_payload(), deflate_window_bits);
    deflated_bits_ = deflate_window_bits;
  }
  return deflated_;
}

EngineMessages& Outgoing::socket(std::string_view ns) {
  if (!socket_.all().empty()) return socket_;
  if (kind_ == Kind::text) {
    socket_.add(false, socket_packet(SocketType::event, ns, -1,
                                     with_name("message", only_argument(json::quoted(data_)))));
    return socket_;
  }
  if (kind_ == Kind::binary) {
    socket_.add(false, socket_packet(SocketType::binary_event, ns, -1,
                                     R"(["message",{"_placeholder":true,"num":0}])", 1));
    socket_.add(true, data_);
    return socket_;
  }
  const bool event = kind_ == Kind::event, plain = parts_.binaries.empty();
  const SocketType type = event ? (plain ? SocketType::event : SocketType::binary_event)
                                : (plain ? SocketType::acknowledgement : SocketType::binary_acknowledgement);
  socket_.add(false,
              socket_packet(type, ns, parts_.ack, event ? with_name(parts_.name, parts_.args) : parts_.args,
                            parts_.binaries.size()));
  for (const std::string& one : parts_.binaries) socket_.add(true, one);
  return socket_;
}

}  // namespace mimus
