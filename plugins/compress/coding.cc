// Reading Accept-Encoding.
#include "plugins/compress/coding.h"

#include "mimus/header_text.h"

namespace mimus::compress {
namespace {

/// A qvalue in thousandths: 0 to 1 with up to three decimals. Nothing if it is none.
std::optional<int> thousandths(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int value = text[0] == '1' ? 1000 : 0;
  int unit = 100;
  for (const char digit : text.substr(text.size() > 1 ? 2 : 1)) {
    if (digit < '0' || digit > '9') return std::nullopt;
    value += (digit - '0') * unit;
    unit /= 10;
  }
  return value > 1000 ? std::nullopt : std::optional(value);
}

/// The weight of a list member, from its ";" on; 1 where there is none.
std::optional<int> weight(std::string_view parameters) {
  if (parameters.empty()) return 1000;
  const std::string_view q = header::trimmed(parameters.substr(1));
  if (q.size() < 2 || !header::same_name(q.substr(0, 2), "q=")) return std::nullopt;
  return thousandths(q.substr(2));
}

}  // namespace

std::string_view name_of(Coding coding) { return coding == Coding::br ? "br" : "gzip"; }

void AcceptedCodings::read(std::string_view accept_encoding) {
  header::members(accept_encoding, [&](std::string_view member) {
    const std::size_t end = std::min(member.find(';'), member.size());
    const std::string_view name = header::trimmed(member.substr(0, end));
    const auto is = [&](std::string_view known) { return header::same_name(name, known); };
    Weight* const known = is("br")                     ? &br_
                          : is("gzip") || is("x-gzip") ? &gzip_
                          : is("identity")             ? &identity_
                          : is("*")                    ? &any_
                                                       : nullptr;
    if (known != nullptr && !*known) *known = weight(member.substr(end));
  });
}

Coding AcceptedCodings::preferred() const {
  Coding best = Coding::identity;
  int highest = identity_.value_or(any_.value_or(0));  // unnamed, it is taken but nobody asked for it
  for (const auto& [coding, own] : {std::pair{Coding::br, br_}, std::pair{Coding::gzip, gzip_}}) {
    const int here = own.value_or(any_.value_or(0));
    if (here == 0 || here < highest || (here == highest && best != Coding::identity)) continue;
    best = coding;
    highest = here;
  }
  return best;
}

bool AcceptedCodings::refuses_identity() const { return identity_.value_or(any_.value_or(1)) == 0; }

}  // namespace mimus::compress
