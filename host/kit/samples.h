// The requests and answers that a plugin is shown to see whether it stands them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mimus/testing/fake_host.h"

namespace mimus::kit {

struct Sample {
  const char* name;
  testing::Request request;
  testing::Answer behind;        ///< What answers if the plugin lets the request pass.
  testing::Reply upstream = {};  ///< What the plugin's own fetches come to.
};

/// Requests as hostile clients send them: empty, huge, binary, repeated, with bodies. The large ones
/// only if `large`.
const std::vector<Sample>& samples(bool large);

/// What `configure` is given: `json` over the manifest's defaults.
std::map<std::string, std::string> options_of(const std::string& json);

/// Starts an exchange with a sample, with its upstream.
testing::Exchange& start(testing::FakeHost& host, testing::Bound& bound, const Sample& sample);

/// Shows one sample and goes on, in virtual time, until the exchange has ended.
testing::Exchange& show(testing::FakeHost& host, testing::Bound& bound, const Sample& sample);

/// Takes a started exchange to its end: passed and forwarded ones are answered, for a suspended one
/// time goes by.
void settle(testing::FakeHost& host, testing::Exchange& exchange, const testing::Answer& behind);

}  // namespace mimus::kit
