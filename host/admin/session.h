// A recorded session: from the journal's records to what mimus_session_v1 is given.
#pragma once

#include <optional>
#include <string>

#include "host/admin/problem.h"
#include "store/journal.h"

namespace mimus::admin {

/// Of a longer session the beginning is taken.
inline constexpr std::size_t max_session_messages = 10'000, max_session_bytes = 16u << 20;

/// The session of a connection of that endpoint, or of the newest that has messages:
/// {"protocol":…,"messages":[{"afterMs":…,"direction":…,"event":…,"args":…,"binaries":…,"ack":…},
/// …,{"afterMs":…,"direction":"out","close":…}]}. A message has event (of an acknowledgement "")
/// and args; or text; or base64.
/// Errors: 404 - the endpoint has had no such connection;  409 - nothing of it was recorded, or a
/// message was too long to be kept;  those of the journal
Outcome<std::string> session_of(Journal& journal, const Ulid& endpoint,
                                const std::optional<Ulid>& connection);

}  // namespace mimus::admin
