// The tables of plugin.h that need an exchange or a channel.
#pragma once

#include <string_view>

namespace mimus {

/// "mimus.http/1", "mimus.async/1", "mimus.forward/1", and what channel_services.h has; else nullptr.
/// For PluginServices::extension.
const void* exchange_extension(std::string_view id);

}  // namespace mimus
