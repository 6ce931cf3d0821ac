// Which content coding a client wants (RFC 9110, section 12.5.3). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mimus::compress {

enum class Coding : std::uint8_t { identity, gzip, br };

/// As Content-Encoding names it. REQUIRES: it is not identity.
std::string_view name_of(Coding coding);

/// The Accept-Encoding of one request. A list member that is not well-formed counts as
/// absent, so that nobody is sent what he may not have meant; of a repeated coding the
/// first member counts.
class AcceptedCodings {
 public:
  /// Reads one field line.
  void read(std::string_view accept_encoding);

  /// The coding of the highest weight; of equal ones br, then gzip, then identity. Also
  /// identity if the client accepts nothing that we have: an answer that it may be able to
  /// read is worth more than a 406.
  Coding preferred() const;
  /// Whether the client says that it does not take the content as it is.
  bool refuses_identity() const;

 private:
  using Weight = std::optional<int>;  ///< In thousandths.

  Weight br_, gzip_, identity_, any_;
};

}  // namespace mimus::compress
