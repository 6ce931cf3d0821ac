// Export and import of all definitions, and the files of --definitions.
#include "host/admin/service.h"
#include "host/admin/transfer.h"
#include "host/pipeline/generation.h"

#include <malloc.h>

namespace mimus::admin {
namespace {

constexpr std::size_t large_bytes = 1u << 20;

/// Gives back to the system what a large document leaves behind: many times its size, in pieces
/// of which the allocator would keep all below the last that is in use. Twice, for the
/// temporaries and the replaced generation end on two threads, in any order.
class TrimAfter {
 public:
  /// REQUIRES: it is made before the document is published, and ends after all that is made of it.
  TrimAfter(Generations& generations, std::size_t bytes) : large_(bytes >= large_bytes) {
    if (large_) generations.retire([] { malloc_trim(0); });
  }
  TrimAfter(const TrimAfter&) = delete;
  TrimAfter& operator=(const TrimAfter&) = delete;
  ~TrimAfter() {
    if (large_) malloc_trim(0);
  }

 private:
  const bool large_;
};

}  // namespace

Answer Service::export_definitions(const Call&) {
  const DefinitionsPtr now = snapshot();
  std::string out = "{\"version\":1,\"apis\":[";
  std::optional<Problem> failed;
  now->apis().each([&](const ApiRecord& api) {
    if (out.back() != '[') out += ',';
    out += shown_text(parse_stored(Kind::api, *api.document));
    out.pop_back();
    out += ",\"endpoints\":[";
    api.endpoints.each([&](const EndpointRecord& endpoint) {
      const auto document = services_.database->definitions().document(Kind::endpoint, endpoint.id);
      if (!document) {
        if (document.error().code != Code::not_found)
          failed = from_error(document.error());  // else: just deleted
        return;
      }
      if (out.back() != '[') out += ',';
      out += shown_text(parse_stored(Kind::endpoint, *document));
    });
    out += "],\"websocketEndpoints\":[";
    api.channels.each([&](const ChannelRecord& channel) {
      if (out.back() != '[') out += ',';
      out += shown_text(parse_stored(Kind::channel, *channel.document));
    });
    out += "]}";
  });
  if (failed) return *std::move(failed);
  return {200, out + "]}"};
}

Answer Service::import_definitions(const Call& call) {
  const TrimAfter trim(*services_.generations, call.body.size());
  const BookPtr rules = book();
  ChangeSet changes(rules->rules, services_.database->definitions(), snapshot());
  auto counts = stage_document(call.body, Intake::import, wall_us(), definition_ids_,
                               services_.database->definitions(), changes);
  if (!counts) return std::move(counts).error();
  if (!changes.empty()) {
    if (auto published = publish(changes); !published) return std::move(published).error();
  }
  return {200, counts->json()};
}

Status Service::load_file(std::string_view text) {
  const TrimAfter trim(*services_.generations, text.size());
  if (const Status loaded = wait_until_loaded(); !loaded) return loaded;
  while (!text.empty() && std::string_view(" \t\r\n").find(text.front()) != std::string_view::npos)
    text.remove_prefix(1);
  if (auto checked = check_json(text, services_.max_json_depth); !checked) return checked;
  if (!is_object(text))
    return invalid("the file must hold a JSON object like that of GET /admin/definitions");
  const BookPtr rules = book();
  ChangeSet changes(rules->rules, services_.database->definitions(), snapshot());
  const auto failed = [](const Problem& problem) -> Status {
    const Code code = problem.status == 400   ? Code::invalid
                      : problem.status == 409 ? Code::conflict
                                              : Code::unavailable;
    if (problem.errors.empty()) return Error{code, problem.detail};
    std::string message;
    for (const Fault& fault : problem.errors) {
      if (!message.empty()) message += "; ";
      message += fault.pointer + " " + fault.detail;
    }
    return Error{code, message};
  };
  auto counts = stage_document(text, Intake::load, wall_us(), definition_ids_,
                               services_.database->definitions(), changes);
  if (!counts) return failed(counts.error());
  if (changes.empty()) return Done{};
  if (auto published = publish(changes); !published) return failed(published.error());
  return Done{};
}

}  // namespace mimus::admin
