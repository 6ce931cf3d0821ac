// Media types and entity tags.
#include "plugins/compress/content.h"

#include <algorithm>
#include <iterator>

#include "mimus/header_text.h"

namespace mimus::compress {
namespace {

constexpr std::string_view packable[] = {"application/dart",
                                         "application/ecmascript",
                                         "application/graphql",
                                         "application/javascript",
                                         "application/json",
                                         "application/ndjson",
                                         "application/rtf",
                                         "application/sql",
                                         "application/toml",
                                         "application/vnd.ms-fontobject",
                                         "application/wasm",
                                         "application/x-javascript",
                                         "application/x-ndjson",
                                         "application/x-sh",
                                         "application/x-www-form-urlencoded",
                                         "application/x-yaml",
                                         "application/xml",
                                         "application/xml-dtd",
                                         "application/yaml",
                                         "font/otf",
                                         "font/ttf",
                                         "image/bmp",
                                         "image/vnd.microsoft.icon",
                                         "image/x-icon"};

bool begins(std::string_view text, std::string_view with) {
  return text.size() > with.size() && header::same_name(text.substr(0, with.size()), with);
}
bool ends(std::string_view text, std::string_view with) {
  return text.size() > with.size() && header::same_name(text.substr(text.size() - with.size()), with);
}

}  // namespace

bool compressible(std::string_view content_type) {
  const std::string_view type = header::trimmed(content_type.substr(0, content_type.find(';')));
  if (begins(type, "text/")) return !header::same_name(type, "text/event-stream");
  if (ends(type, "+json") || ends(type, "+xml") || ends(type, "+yaml")) return true;
  return std::any_of(std::begin(packable), std::end(packable),
                     [&](std::string_view known) { return header::same_name(type, known); });
}

std::string coded_tag(std::string_view etag, Coding coding) {
  if (etag.size() < 2 || etag.front() != '"' || etag.back() != '"') return std::string(etag);
  std::string out(etag.substr(0, etag.size() - 1));
  out += '-';
  out += name_of(coding);
  return out += '"';
}

}  // namespace mimus::compress
