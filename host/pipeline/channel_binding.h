// The bound plugins of one open WebSocket.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/channel/channels.h"
#include "host/channel/door.h"
#include "host/channel/relay.h"
#include "host/pipeline/pipeline.h"

namespace mimus {

/// The mimus_channel that a plugin sees.
struct PluginChannel {
  Channel* channel = nullptr;
  const PluginServices* services = nullptr;
  std::unique_ptr<Relay>* relay = nullptr;  ///< The channel's; empty unless a plugin has started it.
  std::size_t step = 0;
  std::string id;           ///< The channel's as text, once asked for.
  void* context = nullptr;  ///< The plugin's own.
};

/// Why nobody can be let in to what the pipeline is of; nothing where somebody can. Any thread.
std::optional<Refused> no_way_in(const Pipeline& pipeline);

inline constexpr std::uint32_t max_handshake_delay_ms = 600'000;

/// What the plugins have to say before a client is let in: the longest delay, the first refusal.
/// On a worker.
mimus_handshake ask_handshake(const Pipeline& pipeline);

/// Keeps the pipeline, so that the definition may change or go while the channel is open.
/// `leave` is called when the channel has gone.
std::unique_ptr<ChannelBehaviour> bind_channel(std::shared_ptr<const Pipeline> pipeline,
                                               std::function<void()> leave);

}  // namespace mimus
