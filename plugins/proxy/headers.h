// Which header fields of a request go to the upstream. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mimus/plugin.hpp"

namespace mimus::proxy {

struct OwnField {
  std::string name, value;
};

/// An endpoint's proxyHeaders.
struct HeaderRules {
  std::vector<OwnField> add;       ///< One more line each.
  std::vector<OwnField> override;  ///< Exactly one line each.
  std::vector<std::string> remove;
  bool forward_authorization = false;
  bool forward_cookie = false;
};

bool is_field_value(std::string_view value);

/// Whether a field belongs to the connection or is the host's to write (Host,
/// Content-Length, Expect).
bool is_hop_field(std::string_view name);

/// From the JSON of `proxyHeaders`, "" for none. Faults, with pointers below
/// /proxyHeaders, go to `report` if there is one; what is at fault is left out.
HeaderRules header_rules(std::string_view json, Report* report);

/// The fields for the upstream, in `out`: views of the request's and the rules'.
void upstream_fields(const HeaderRules& rules, std::span<const mimus_field> request,
                     std::vector<mimus_field>& out);

}  // namespace mimus::proxy
