// The binaries of an event: which of a message's are in what answers it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mimus/plugin.h"

namespace mimus::channels {

/// JSON in which binary values are {"_placeholder":true,"num":i}, and the binaries they stand for.
struct Attached {
  std::string json;
  std::vector<mimus_str> binaries;  ///< Borrowed.
};

/// Renumbers the placeholders of `json`, which is valid and refers to `binaries`, by what is used of
/// them, each once. One that refers to none, as a client may forge it, becomes null: whoever
/// received it would fall over it.
Attached attach(std::string_view json, std::span<const mimus_str> binaries);

}  // namespace mimus::channels
