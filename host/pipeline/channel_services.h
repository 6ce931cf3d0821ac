// The tables of plugin.h that need a channel.
#pragma once

#include <string_view>

namespace mimus {

/// "mimus.channel/1", "mimus.relay/1"; else nullptr.
const void* channel_extension(std::string_view id);

}  // namespace mimus
