// Media types and entity tags.
#include "plugins/compress/content.h"

#include <gtest/gtest.h>

namespace mimus::compress {
namespace {

TEST(Content, WhatShrinksIsKnownByItsType) {
  const struct {
    const char* type;
    bool want;
  } cases[] = {
      {"text/plain", true},
      {"text/html; charset=utf-8", true},
      {"TEXT/CSS", true},
      {"application/json", true},
      {"application/json;charset=utf-8", true},
      {"application/json ; charset=utf-8", true},
      {"application/problem+json", true},
      {"application/vnd.api+JSON", true},
      {"application/atom+xml", true},
      {"application/javascript", true},
      {"application/wasm", true},
      {"image/svg+xml", true},
      {"font/ttf", true},
      {"text/event-stream", false},
      {"image/png", false},
      {"video/mp4", false},
      {"font/woff2", false},
      {"application/zip", false},
      {"application/epub+zip", false},
      {"application/octet-stream", false},
      {"multipart/form-data; boundary=text/plain", false},
      {"text/", false},
      {"+json", false},
      {"texts/plain", false},
      {"application/jsonx", false},
      {"", false},
      {";", false},
  };
  for (const auto& c : cases) EXPECT_EQ(compressible(c.type), c.want) << c.type;
}

TEST(Content, AStrongTagIsAnotherInEachCoding) {
  const struct {
    const char* name;
    const char* etag;
    Coding coding;
    const char* want;
  } cases[] = {
      {"gzip", R"("abc")", Coding::gzip, R"("abc-gzip")"},
      {"br", R"("abc")", Coding::br, R"("abc-br")"},
      {"an empty tag", R"("")", Coding::br, R"("-br")"},
      {"weak", R"(W/"abc")", Coding::gzip, R"(W/"abc")"},
      {"without quotes", "abc", Coding::gzip, "abc"},
      {"a quote alone", "\"", Coding::gzip, "\""},
      {"empty", "", Coding::gzip, ""},
  };
  for (const auto& c : cases) EXPECT_EQ(coded_tag(c.etag, c.coding), c.want) << c.name;
}

}  // namespace
}  // namespace mimus::compress
