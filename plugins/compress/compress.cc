// The feature `compress`: answers in gzip or br, where the client accepts it.
#include <algorithm>
#include <array>
#include <iterator>
#include <vector>

#include "mimus/header_text.h"
#include "mimus/json_text.h"
#include "mimus/plugin.hpp"
#include "plugins/compress/coded_bodies.h"
#include "plugins/compress/coding.h"
#include "plugins/compress/content.h"
#include "plugins/compress/encode.h"

namespace mimus::compress {
namespace {

constexpr std::uint64_t min_body = 256;              // below, a coding saves no packet and may lengthen
constexpr std::uint64_t max_body = 1 << 20;          // above, it would hold up the worker for too long
constexpr std::size_t kept_by_worker = 4u << 20;     // bytes of CodedBodies
constexpr int contentless[] = {204, 205, 206, 304};  // 206 has content, but a part of another's bytes

/// Fields that say that the bytes are coded already, are a part, or may not be others.
constexpr std::string_view fixed_bytes[] = {"Content-Encoding", "Content-Range", "Content-MD5",
                                            "Content-Digest",   "Repr-Digest",   "Digest"};

bool forbids_transforming(const Request& r, mimus_set set) {
  for (std::uint32_t i = 0;; ++i) {
    const auto control = r.get(set, "Cache-Control", i);
    if (!control) return false;
    if (header::lists(*control, "no-transform")) return true;
  }
}

/// Whether another coding of the answer is the same answer.
bool may_be_coded(const Request& r) {
  if (std::find(std::begin(contentless), std::end(contentless), r.status()) != std::end(contentless))
    return false;
  for (const std::string_view name : fixed_bytes) {
    if (r.get(MIMUS_RESPONSE_HEADERS, name)) return false;
  }
  // The request's binds whoever stands between, as a proxied endpoint does (RFC 9111, 5.2.1.6).
  return !forbids_transforming(r, MIMUS_RESPONSE_HEADERS) && !forbids_transforming(r, MIMUS_REQUEST_HEADERS);
}

/// What becomes of one answer. Identity: nothing.
struct Choice {
  Coding coding = Coding::identity;
  std::uint64_t min_body = compress::min_body;
};

Choice choose(const Request& r) {
  AcceptedCodings accepted;
  for (std::uint32_t i = 0;; ++i) {
    const auto line = r.get(MIMUS_REQUEST_HEADERS, "Accept-Encoding", i);
    if (!line) break;
    accepted.read(*line);
  }
  const Coding coding = accepted.preferred();
  if (coding == Coding::identity || !may_be_coded(r)) return {};
  if (accepted.refuses_identity()) return {coding, 1};
  if (!compressible(r.get(MIMUS_RESPONSE_HEADERS, "Content-Type").value_or(""))) return {};
  return {coding};
}

/// Says of the answer that it is in a coding.
void mark(const Request& r, Coding coding) {
  r.set("Content-Encoding", name_of(coding));
  r.remove("Accept-Ranges");  // an upstream's, of its own bytes
  if (const auto etag = r.get(MIMUS_RESPONSE_HEADERS, "ETag")) r.set("ETag", coded_tag(*etag, coding));
}

}  // namespace

/// Stands inside the CDN's plugin, which so takes tags of, and answers 304 for, what the
/// client is sent, and outside of deduplication, which so keeps one answer for all codings.
class Compress {
 public:
  struct Binding {};

  explicit Compress(Host& host) : host_(host), kept_(host.worker_count()) {}

  Status configure(std::string_view) {
    static constexpr struct {
      const char* name;
      const char* help;
    } counters[] = {{"compress_answers_total", "Answers sent in a content coding"},
                    {"compress_reused_total", "Of these, those whose bytes had been coded before"},
                    {"compress_dropped_total", "Coded bodies dropped to make room for others"}};
    for (std::size_t i = 0; i < counted_.size(); ++i) {
      if (host_.metrics->counter(host_.get(), str(counters[i].name), str(counters[i].help), &counted_[i]) !=
          MIMUS_OK) {
        return invalid(std::string("the counter ") + counters[i].name + " was refused");
      }
    }
    return Done{};
  }

  Result<std::unique_ptr<Binding>> bind(const View& view) {
    if (view.level != MIMUS_LEVEL_ENDPOINT || json::member(view.fields, "compress") != "true")
      return std::unique_ptr<Binding>();
    return std::make_unique<Binding>();
  }

  mimus_action on_response(Binding&, Request& r) {
    r.vary("Accept-Encoding");
    const Choice choice = choose(r);
    if (choice.coding == Coding::identity) return MIMUS_NEXT;
    const auto length = r.response_length();
    if (length && (*length < choice.min_body || *length > max_body)) return MIMUS_NEXT;
    std::string_view body;
    if (r.response_body(body) == MIMUS_OK) return code(r, choice.coding, body);
    if (r.attr(MIMUS_METHOD) == "HEAD") return describe(r, choice.coding, length.has_value());
    r.context() = r.make<Choice>(choice);
    r.body_ceiling(max_body);
    return MIMUS_NEED_BODY;
  }

  mimus_action on_response_body(Binding&, Request& r, std::string_view whole, mimus_rc rc) {
    const Choice& choice = *static_cast<const Choice*>(r.context());
    if (rc != MIMUS_OK || whole.size() < choice.min_body) return MIMUS_NEXT;
    return code(r, choice.coding, whole);
  }

 private:
  enum Counter : std::uint8_t { answers, reused, dropped };

  mimus_action code(Request& r, Coding coding, std::string_view body) {
    CodedBodies& kept = kept_[host_.worker_index()].bodies;
    if (const std::string* const known = kept.find(coding, body)) {
      r.replace_body(*known, MIMUS_CODED);
      count(reused, 1);
    } else {
      Result<std::string> coded = encode(coding, body);
      if (!coded) return MIMUS_FAIL;
      r.replace_body(*coded, MIMUS_CODED);
      count(dropped, kept.keep(coding, body, *std::move(coded)));
    }
    count(answers, 1);
    mark(r, coding);
    return MIMUS_NEXT;
  }

  /// An upstream's answer to HEAD: what GET would say is known but for the length, and for
  /// everything if the upstream did not announce one: then nothing is said (RFC 9110, 9.3.2).
  static mimus_action describe(Request& r, Coding coding, bool will_be_coded) {
    if (will_be_coded) {
      r.forget_length();
      mark(r, coding);
    } else if (const auto etag = r.get(MIMUS_RESPONSE_HEADERS, "ETag"); etag && !etag->starts_with("W/")) {
      r.remove("ETag");
    }
    return MIMUS_NEXT;
  }

  void count(Counter which, std::uint64_t by) const {
    if (by > 0) host_.metrics->add(host_.get(), counted_[which], by);
  }

  struct alignas(64) Worker {
    CodedBodies bodies{kept_by_worker};
  };

  Host& host_;
  std::vector<Worker> kept_;  // by worker
  std::array<std::uint32_t, 3> counted_{};
};

}  // namespace mimus::compress

MIMUS_MANIFEST =
#include "manifest.inc"
    ;
MIMUS_PLUGIN(mimus::compress::Compress, "mimus.compress", "0.1.0")
