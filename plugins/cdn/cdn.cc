// The feature `cdn`: Cache-Control and ETag on cacheable answers, and 304 for those who have them.
#include <algorithm>
#include <vector>

#include "mimus/json_text.h"
#include "mimus/plugin.hpp"
#include "plugins/cdn/conditional.h"
#include "plugins/cdn/kept_tags.h"

namespace mimus::cdn {
namespace {

constexpr std::size_t max_tagged_body = 1 << 20;  // of a streamed answer; beyond, there is no ETag
constexpr int cacheable[] = {200, 203, 204, 301, 308, 404, 410};

/// Whether a field describes the content that a 304 does not have.
bool describes_content(std::string_view name) {
  const auto begins = [&](std::string_view with) {
    return name.size() >= with.size() &&
           std::equal(with.begin(), with.end(), name.begin(),
                      [](char w, char n) { return w == (n >= 'A' && n <= 'Z' ? n + 32 : n); });
  };
  return begins("content-") && !begins("content-location");
}

}  // namespace

class Cdn {
 public:
  struct Binding {
    std::string cache_control;
  };

  explicit Cdn(Host& host)
      : host_(host),
        not_modified_field_(host.journal_field("notModified")),
        workers_(std::max(1u, host.worker_count())) {}

  Result<std::unique_ptr<Binding>> bind(const View& view) {
    if (view.level != MIMUS_LEVEL_ENDPOINT || json::member(view.fields, "cacheEnabled") != "true")
      return std::unique_ptr<Binding>();
    const std::string scope = json::unquote(json::member(view.fields, "cacheControl").value_or("\"public\""));
    const std::string_view ttl = json::member(view.fields, "cacheTTL").value_or("3600");
    return std::make_unique<Binding>(Binding{scope + ", max-age=" + std::string(ttl)});
  }

  mimus_action on_response(Binding& b, Request& r) {
    const std::string_view method = r.attr(MIMUS_METHOD);
    const bool head = method == "HEAD";
    if (!head && method != "GET") return MIMUS_NEXT;
    if (std::find(std::begin(cacheable), std::end(cacheable), r.status()) == std::end(cacheable))
      return MIMUS_NEXT;
    if (r.get(MIMUS_RESPONSE_HEADERS, "Set-Cookie")) return MIMUS_NEXT;

    if (!r.get(MIMUS_RESPONSE_HEADERS, "Cache-Control")) r.set("Cache-Control", b.cache_control);
    if (r.get(MIMUS_RESPONSE_HEADERS, "ETag")) return conclude(r);
    std::string_view body;
    const mimus_rc rc = r.response_body(body);
    if (head) {
      // An upstream's answer to HEAD has no body to take the tag of; a mock's has.
      if (rc == MIMUS_OK && !body.empty()) tag(r, body);
      return conclude(r);
    }
    if (rc == MIMUS_PENDING) {
      r.body_ceiling(max_tagged_body);
      return MIMUS_NEED_BODY;
    }
    if (rc == MIMUS_OK) tag(r, body);
    return conclude(r);
  }

  mimus_action on_response_body(Binding&, Request& r, std::string_view whole, mimus_rc rc) {
    if (rc == MIMUS_OK) tag(r, whole);
    return conclude(r);
  }

 private:
  void tag(Request& r, std::string_view body) {
    KeptTags& kept = workers_[host_.worker_index() % workers_.size()].tags;
    const Tag& tag = kept.of(body, [this](std::string_view content) { return hash(content); });
    r.set("ETag", {tag.data(), tag.size()});
  }

  Tag hash(std::string_view body) const {
    static constexpr char hex[] = "0123456789abcdef";
    const mimus_str part = str(body);
    std::uint8_t digest[16];
    host_.hash->md5(&part, 1, digest);
    Tag out;
    char* end = out.data();
    *end++ = '"';
    for (const std::uint8_t byte : digest) {
      *end++ = hex[byte >> 4];
      *end++ = hex[byte & 15];
    }
    *end = '"';
    return out;
  }

  /// Answers 304 if the client's copy is this one.
  mimus_action conclude(Request& r) const {
    if (r.status() != 200 || !is_current(r)) return MIMUS_NEXT;
    r.replace_status(304);
    drop_content_fields(r);
    r.record(not_modified_field_, true);
    return MIMUS_NEXT;
  }

  static bool is_current(Request& r) {
    const std::string_view etag = r.get(MIMUS_RESPONSE_HEADERS, "ETag").value_or("");
    for (std::uint32_t i = 0;; ++i) {
      const auto tags = r.get(MIMUS_REQUEST_HEADERS, "If-None-Match", i);
      if (tags && names_tag(*tags, etag)) return true;
      if (!tags && i > 0) return false;  // If-None-Match outranks If-Modified-Since
      if (!tags) break;
    }
    const auto modified = r.get(MIMUS_RESPONSE_HEADERS, "Last-Modified");
    const auto since = r.get(MIMUS_REQUEST_HEADERS, "If-Modified-Since");
    if (!modified || !since) return false;
    const auto have = http_date(*since), is = http_date(*modified);
    return have && is && *is <= *have;
  }

  /// A 304 describes no content: Content-Type and its like go, but for Content-Location.
  static void drop_content_fields(Request& r) {
    for (std::uint32_t i = 0;;) {
      const auto field = r.at(MIMUS_RESPONSE_HEADERS, i);
      if (!field) return;
      if (describes_content(field->name)) {
        r.remove(field->name);
      } else {
        ++i;
      }
    }
  }

  struct alignas(64) Worker {
    KeptTags tags;
  };

  Host& host_;
  int not_modified_field_;
  std::vector<Worker> workers_;
};

}  // namespace mimus::cdn

MIMUS_MANIFEST =
#include "manifest.inc"
    ;
MIMUS_PLUGIN(mimus::cdn::Cdn, "mimus.cdn", "0.1.0")
