// The definitions that a plugin is bound to on trial, made from what its manifest claims.
#pragma once

#include <vector>

#include "host/kit/values.h"
#include "host/plugin/manifest.h"
#include "mimus/testing/fake_host.h"

namespace mimus::kit {

/// Of each level: with no fields, with a configuration of {}, and with an example of what the
/// manifest claims and its schemas allow.
std::vector<testing::Definition> definitions(const Manifest& manifest);

/// Any one, of any level; if `wrong`, with values that the schemas would not all let pass.
testing::Definition any_definition(const Manifest& manifest, Values& values, std::uint64_t number,
                                   bool wrong);

/// Any options for `configure`: JSON text by name.
std::map<std::string, std::string> any_options(const Manifest& manifest, Values& values, bool wrong);

}  // namespace mimus::kit
