// Lines as values of Sec-WebSocket-Extensions: what is a list is the same list once written again,
// and an answer takes up what was offered and nothing else.
#include "host/channel/deflate.h"
#include "host/channel/extension_offer.h"
#include "tests/fuzz/fuzz.h"

namespace mimus::fuzz {
namespace {

std::string written(const std::vector<ExtensionOffer>& list) {
  std::string out;
  for (const ExtensionOffer& one : list) {
    if (!out.empty()) out += ", ";
    out += one.name;
    for (const ExtensionParameter& parameter : one.parameters) {
      out.append("; ").append(parameter.name);
      if (parameter.value) out.append("=").append(*parameter.value);
    }
  }
  return out;
}

void check_list(std::string_view value) {
  const auto list = extension_offers(value);
  if (!list) return;
  const std::string again = written(*list);
  const auto second = extension_offers(again);
  require(second && written(*second) == again, "a list that is written again is the same", again);
}

void check_answer(const std::vector<std::string_view>& values) {
  const auto terms = agree_on_deflate(values);
  if (!terms) return;
  require(are_extension_lists(values), "there is an answer to lists only");
  const int bits = terms->server_window_bits;
  require(bits >= 8 && bits <= 15, "a window has 8 to 15 bits");
  const auto answer = extension_offers(terms->answer);
  require(answer && answer->size() == 1 && (*answer)[0].name == "permessage-deflate",
          "an answer is one extension", terms->answer);
  for (const ExtensionParameter& one : (*answer)[0].parameters) {
    if (one.name == "server_max_window_bits")
      require(one.value == std::to_string(bits), "an answer says its window", terms->answer);
    else
      require(one.name.ends_with("_no_context_takeover") && !one.value, "an answer says no more",
              terms->answer);
  }
  const std::vector<std::string_view> own{terms->answer};
  const auto agreed = agree_on_deflate(own);
  require(agreed && agreed->answer == terms->answer, "an answer is an offer that gets it");
}

}  // namespace
}  // namespace mimus::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mimus::fuzz;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::vector<std::string_view> values;
  while (!rest.empty() && values.size() < 8) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    values.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    check_list(values.back());
  }
  check_answer(values);
  return 0;
}
