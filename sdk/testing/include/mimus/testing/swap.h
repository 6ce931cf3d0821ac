// Swaps a plugin for a copy of itself, again and again, while requests run through it; and sees
// that the code of every copy that went is really unmapped.
//
//   const Swaps done = swap_under_load(PATH_OF_THE_SO, {.swaps = 100});
//   EXPECT_EQ(done.wrong, "");
//   EXPECT_GT(done.requests, done.swaps);
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "mimus/testing/fake_host.h"

namespace mimus::testing {

struct SwapPlan {
  unsigned swaps = 50;
  Setup setup = {};
  Definition definition = {};
  Request request = {};
  Answer behind = {};  ///< of what lies behind the plugin
  /// What is wrong with an exchange, or "". On the loading thread. Without it every exchange
  /// that ends without failing is right.
  std::function<std::string(const Exchange&)> judge = {};
};

struct Swaps {
  unsigned swaps = 0;          ///< that were done
  unsigned unmapped = 0;       ///< old images whose code has gone
  std::uint64_t requests = 0;  ///< that ran meanwhile
  bool checked = true;         ///< false: this build keeps libraries, and `unmapped` says nothing
  /// The first thing that went wrong: a refusal, a wrong answer, an image that is still mapped
  /// (and why that may be). "": nothing did.
  std::string wrong;
};

/// Copies `file` to a private name for each swap, loads it, shows it one request, hands the
/// load over to it, ends the old instance and unloads its image. One thread makes the
/// requests, the caller's does the rest: a hook of the old instance and the life cycle of the
/// new one run at the same time, as in the host. Files are removed at the end.
Swaps swap_under_load(const std::string& file, const SwapPlan& plan = {});

}  // namespace mimus::testing
