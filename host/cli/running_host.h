// How the verbs reach a host: over its socket while one runs, else nobody.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/cli/admin_client.h"
#include "host/cli/flags.h"
#include "host/cli/options.h"
#include "mimus/result.h"

namespace mimus {

/// --data, --admin and --token, which every such verb has.
std::vector<Flag> host_flags();

class RunningHost {
 public:
  /// The host that the flags name, or that runs on --data (./mimus-data); nothing if none does.
  /// Errors: invalid - --admin without a token;  not_found - nothing listens at --admin
  static Result<std::optional<RunningHost>> find(const ParsedFlags& flags, const Surroundings& surroundings);

  /// The body of a 2xx answer.
  /// Errors: as admin_request; invalid, not_found, conflict, unavailable as the host's problem says
  Result<std::string> ask(std::string_view method, const std::string& path,
                          const std::string& body = "") const;

 private:
  RunningHost(std::string at, std::string token) : at_(std::move(at)), token_(std::move(token)) {}
  std::string at_, token_;
};

/// --data, MIMUS_DATA or ./mimus-data.
std::string data_directory(const ParsedFlags& flags, const Surroundings& surroundings);

}  // namespace mimus
