// The admin routes of analytics.
#pragma once

#include "mimus/plugin.hpp"

namespace mimus::analytics {

/// Answers a request below /admin/analytics from the journal. [query]
void answer(const Host& host, const AdminRequest& request, AdminReply& reply);

}  // namespace mimus::analytics
