// The stages of a call. After each word to the receiver the call may have been cancelled.
#include "host/upstream/call.h"

#include <algorithm>
#include <utility>

#include "host/upstream/request_bytes.h"

namespace mimus {
namespace {

constexpr std::size_t read_budget = 256 * 1024;  // Before other descriptors get their turn.

std::string origin_of(const Url& url) {
  return (url.tls ? "s|" : "p|") + url.host + "|" + std::to_string(url.port);
}

std::chrono::milliseconds rounded_up(std::chrono::microseconds span) {
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(span), std::chrono::milliseconds(1));
}

/// Hears what a call that was finished still has to say.
class Nobody final : public UpstreamReceiver {
  void on_head(int, std::span<const Header>, std::int64_t) override {}
  void on_data(std::string_view) override {}
  void on_end() override {}
  void on_error(UpstreamError, std::string_view) override {}
};
Nobody nobody;

}  // namespace

Call::Call(std::uint64_t id, const CallContext& context, const UpstreamRequest& request,
           UpstreamReceiver& receiver)
    : id_(id),
      context_(context),
      receiver_(&receiver),
      url_(request.url),
      origin_(origin_of(request.url)),
      upgrade_(request.upgrade),
      timeout_(request.timeout),
      is_head_(request.method == "HEAD"),
      is_idempotent_(is_idempotent(request.method)),
      fresh_only_(!request.upgrade.empty()),
      deadline_(context.loop.now() + request.timeout) {
  if (auto bytes = request_bytes(request)) {
    out_ = *std::move(bytes);
  } else {
    refusal_ = std::move(bytes).error().message;
  }
  Timer::fire = [](Timer& timer) { static_cast<Call&>(timer).on_time(); };
  context_.loop.arm(*this, timeout_);
}

Call::~Call() { context_.loop.disarm(*this); }

void Call::advance() {
  if (stage_ == Stage::starting) return begin();
  if (stage_ == Stage::exchanging || stage_ == Stage::tunnel) pump();
}

void Call::begin() {
  if (!refusal_.empty()) return fail(UpstreamError::protocol, refusal_);
  if (context_.policy.https_only && !url_.tls) {
    return fail(UpstreamError::forbidden, "only https targets are allowed (--production)");
  }
  if (!fresh_only_) {
    if (auto wire = context_.pool.take(origin_, !is_idempotent_, *this))
      return exchange(std::move(wire), true);
  }
  if (const auto literal = Address::parse(url_.host)) return try_addresses({*literal});
  stage_ = Stage::resolving;
  context_.resolver.look_up(id_, url_.host);
}

void Call::resolved(Resolver::Answer answer) {
  if (stage_ != Stage::resolving) return;
  if (answer.addresses.empty()) return fail(UpstreamError::unreachable, answer.why);
  try_addresses(std::move(answer.addresses));
}

void Call::try_addresses(std::vector<Address> addresses) {
  std::string why;
  std::erase_if(addresses, [&](const Address& address) {
    auto refusal = context_.policy.refuses(address.text(), url_.port);
    if (!refusal) return false;
    why = *std::move(refusal);
    return true;
  });
  if (addresses.empty()) return fail(UpstreamError::forbidden, why);
  addresses_ = std::move(addresses);
  next_address_ = 0;
  connect_next({});
}

/// Tries the addresses in turn, each for its share of the time that is left.
void Call::connect_next(std::string why) {
  stage_ = Stage::connecting;
  wire_.reset();
  while (next_address_ < addresses_.size()) {
    const auto left = static_cast<std::int64_t>(addresses_.size() - next_address_);
    const Address& address = addresses_[next_address_++];
    auto wire = Wire::connect(context_.loop, address, url_.port, url_.tls ? &context_.tls : nullptr,
                              url_.host, *this);
    if (wire) {
      wire_ = *std::move(wire);
      context_.loop.arm(*this, rounded_up((deadline_ - context_.loop.now()) / left));
      return;
    }
    why = wire.error().message;
  }
  fail(UpstreamError::unreachable, url_.authority + ": " + why);
}

void Call::on_wire_failed(std::string why) { connect_next(std::move(why)); }

void Call::on_wire_open() { exchange(std::move(wire_), false); }

void Call::exchange(std::unique_ptr<Wire> wire, bool reused) {
  wire_ = std::move(wire);
  reused_ = reused;
  stage_ = Stage::exchanging;
  sent_ = 0;
  write_broken_ = false;
  parser_.emplace(is_head_, upgrade_);
  context_.loop.arm(*this, rounded_up(deadline_ - context_.loop.now()));
  pump();
}

void Call::on_wire_ready(Ready ready) {
  if (paused_ && (ready.closed || ready.error)) {
    // What came before the hang-up waits for resume; until then it would be told for ever.
    wire_->deaf();
    return;
  }
  pump();
  const bool open = stage_ == Stage::exchanging || stage_ == Stage::tunnel;
  if (ready.error && open && !paused_) broken("the connection failed");
}

void Call::pump() {
  send();
  if (ended() || !receive()) return;
  wire_->want(!paused_, !write_broken_ && sent_ < out_.size());
}

void Call::send() {
  while (!write_broken_ && sent_ < out_.size()) {
    const Wire::Moved moved = wire_->write(std::string_view(out_).substr(sent_));
    if (moved.outcome == Wire::Outcome::would_block) break;
    // The peer may have answered before it stopped to listen, so reading goes on.
    if (moved.outcome != Wire::Outcome::moved) write_broken_ = true;
    sent_ += moved.bytes;
  }
  if (stage_ != Stage::tunnel || out_.empty() || (sent_ < out_.size() && !write_broken_)) return;
  out_.clear();
  sent_ = 0;
  receiver_->on_sent();
}

/// False: the call has ended or begins anew.
bool Call::receive() {
  if (heard_ && !take({})) return false;  // What a pause left.
  std::size_t budget = read_budget;
  while (!paused_) {
    const Wire::Moved moved = wire_->read(context_.scratch);
    switch (moved.outcome) {
      case Wire::Outcome::would_block:
        return true;
      case Wire::Outcome::ended:
        on_peer_end();
        return false;
      case Wire::Outcome::broken:
        broken(wire_->why());
        return false;
      case Wire::Outcome::moved:
        break;
    }
    heard_ = true;
    last_byte_ = context_.loop.now();
    if (!take({context_.scratch.data(), moved.bytes})) return false;
    if (moved.bytes >= budget) {
      context_.owner.wake(*this);  // TLS may hold bytes that no descriptor tells of.
      return true;
    }
    budget -= moved.bytes;
  }
  return true;
}

/// Parses what was left and `bytes`, and keeps what is left. False: the call has ended.
bool Call::take(std::string_view bytes) {
  if (waiting_.empty()) {
    const std::size_t used = parse(bytes);
    if (!ended()) waiting_.assign(bytes.substr(used));
  } else {
    waiting_.append(bytes);
    const std::size_t used = parse(waiting_);
    if (!ended()) waiting_.erase(0, used);
  }
  return !ended();
}

/// Returns how much was used up.
std::size_t Call::parse(std::string_view bytes) {
  std::size_t used = 0;
  while (!paused_ && !ended()) {
    if (stage_ == Stage::tunnel) {
      if (used < bytes.size()) receiver_->on_data(bytes.substr(used));
      return bytes.size();
    }
    const ResponseStep step = parser_->next(bytes.substr(used));
    used += step.consumed;
    switch (step.kind) {
      case ResponseStep::Kind::need_more:
        return used;
      case ResponseStep::Kind::progress:
        break;
      case ResponseStep::Kind::head:
        if (parser_->status() == 101) open_tunnel();
        receiver_->on_head(parser_->status(), parser_->headers(), parser_->length());
        break;
      case ResponseStep::Kind::data:
        receiver_->on_data(step.data);
        break;
      case ResponseStep::Kind::done:
        spoiled_ = spoiled_ || used < bytes.size();  // Bytes that nobody asked for.
        complete();
        break;
      case ResponseStep::Kind::error:
        fail(UpstreamError::protocol, url_.authority + ": " + std::string(step.data));
        break;
    }
  }
  return used;
}

void Call::on_peer_end() {
  if (!heard_) return broken("closed without an answer");
  if (stage_ == Stage::tunnel) {
    end();
    return receiver_->on_end();
  }
  const ResponseStep step = parser_->end();
  if (step.kind != ResponseStep::Kind::done) return broken(std::string(step.data));
  spoiled_ = true;
  complete();
}

void Call::broken(std::string why) {
  const bool again = reused_ && !heard_ && (is_idempotent_ || sent_ == 0);
  if (!again) return fail(UpstreamError::unreachable, url_.authority + ": " + why);
  fresh_only_ = true;
  wire_.reset();
  waiting_.clear();
  begin();
}

void Call::resume() {
  if (!paused_) return;
  paused_ = false;
  last_byte_ = context_.loop.now();
  context_.owner.wake(*this);
}

void Call::open_tunnel() {
  stage_ = Stage::tunnel;
  context_.loop.disarm(*this);
  out_.clear();  // What of the request is still there, the peer does not want.
  sent_ = 0;
}

void Call::write(std::string_view data) {
  if (stage_ != Stage::tunnel || write_broken_) return;
  if (sent_ > out_.size() / 2) out_.erase(0, std::exchange(sent_, 0));
  out_.append(data);
  context_.owner.wake(*this);
}

void Call::finish() {
  if (stage_ != Stage::tunnel) return end();
  receiver_ = &nobody;
  paused_ = false;
  context_.loop.arm(*this, timeout_);
  context_.owner.wake(*this);
}

void Call::on_time() {
  if (stage_ == Stage::tunnel) return end();  // The peer of a finished one keeps it open.
  const auto now = context_.loop.now();
  if (stage_ == Stage::exchanging && paused_) return context_.loop.arm(*this, rounded_up(timeout_));
  const auto due = heard_ ? last_byte_ + timeout_ : deadline_;
  if (due <= now) {
    const char* const what = heard_ ? ": nothing more came within " : ": no answer within ";
    return fail(UpstreamError::timeout, url_.authority + what + std::to_string(timeout_.count()) + " ms");
  }
  if (stage_ == Stage::connecting && next_address_ < addresses_.size()) return connect_next("no answer");
  context_.loop.arm(*this, rounded_up(due - now));
}

void Call::complete() {
  const bool reusable = parser_->keeps_alive() && !spoiled_ && sent_ == out_.size();
  if (reusable) context_.pool.put(origin_, std::move(wire_));
  end();
  receiver_->on_end();
}

void Call::fail(UpstreamError error, const std::string& why) {
  end();
  receiver_->on_error(error, why);
}

void Call::cancel() { end(); }

void Call::end() {
  stage_ = Stage::ended;
  context_.loop.disarm(*this);
  wire_.reset();
  context_.owner.retire(*this);
}

}  // namespace mimus
