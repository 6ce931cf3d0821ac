// Compiling responses: bodies keep their source bytes, headers are made once.
#include "plugins/mock/response.h"

#include <algorithm>
#include <charconv>

#include "mimus/base64.h"
#include "mimus/header_text.h"
#include "mimus/json_text.h"

namespace mimus::mock {
namespace {

std::uint64_t digest_of(std::string_view text) {  // FNV-1a
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

template <class T>
void read_number(std::string_view source, std::string_view key, T& out) {
  if (const auto text = json::member(source, key))
    std::from_chars(text->data(), text->data() + text->size(), out);
}

void add_header(Response& response, std::string_view name, std::string_view value) {
  const auto keep = [&](std::string_view text) {
    const std::string& kept = response.texts.emplace_back(text);
    return mimus_str{kept.data(), kept.size()};
  };
  const mimus_str lent = keep(name);
  response.headers.push_back({lent, keep(value)});
}

void read_headers(Response& response, std::string_view source, const std::string& pointer,
                  const when::Fault& fault) {
  json::members(source, [&](std::string_view name, std::string_view value) {
    const std::string here = pointer + "/" + json::pointer_token(name);
    if (!header::is_token(name)) {
      fault(here, "is not a header name");
      return true;
    }
    for (const char* own : {"Content-Length", "Transfer-Encoding", "Connection", "Date"}) {
      if (!header::same_name(name, own)) continue;
      fault(here, "is set by the server and may not be given");
      return true;
    }
    const auto one = [&](std::string_view quoted, const std::string& where) {
      const std::string text = json::unquote(quoted);
      if (text.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
        fault(where, "must not hold CR, LF or NUL");
      } else {
        add_header(response, name, text);
      }
    };
    if (!value.starts_with('[')) {
      one(value, here);
      return true;
    }
    std::size_t i = 0;
    json::elements(value, [&](std::string_view element) {
      one(element, here + "/" + std::to_string(i++));
      return true;
    });
    return true;
  });
}

void read_body(Response& response, std::string_view source, const std::string& pointer,
               const when::Fault& fault) {
  std::string_view type;
  if (const auto json_body = json::member(source, "json")) {
    response.body = *json_body;
    type = "application/json";
  } else if (const auto text = json::member(source, "body")) {
    response.body = json::unquote(*text);
    type = "text/plain; charset=utf-8";
  } else if (const auto coded = json::member(source, "bodyBase64")) {
    auto bytes = base64::decoded(json::unquote(*coded));
    if (!bytes) fault(pointer + "/bodyBase64", "is not base64 with its padding");
    response.body = std::move(bytes).value_or("");
    type = "application/octet-stream";
  }
  const bool typed = std::any_of(response.headers.begin(), response.headers.end(), [](const mimus_field& f) {
    return header::same_name({f.name.p, f.name.n}, "Content-Type");
  });
  if (!type.empty() && !typed) add_header(response, "Content-Type", type);
}

void read(Response& response, std::string_view source, const std::string& pointer, const when::Fault& fault) {
  response.name = json::unquote(json::member(source, "name").value_or(""));
  response.is_default = json::member(source, "default") == "true";
  read_number(source, "status", response.status);
  read_number(source, "delayMs", response.delay_ms);
  read_number(source, "weight", response.weight);
  read_headers(response, json::member(source, "headers").value_or(""), pointer + "/headers", fault);
  read_body(response, source, pointer, fault);
  if (const auto when = json::member(source, "when"))
    response.when = when::Condition::compile(*when, places, pointer + "/when", fault);
}

}  // namespace

Responses compile(std::string_view fields, const when::Fault& fault) {
  Responses out;
  const std::string mode = json::unquote(json::member(fields, "responseMode").value_or(""));
  out.mode = mode == "sequence" ? Mode::sequence : mode == "random" ? Mode::random : Mode::rules;
  const std::string_view source = json::member(fields, "responses").value_or("[]");
  out.digest = digest_of(source);
  const Response *first_default = nullptr, *first_plain = nullptr;
  bool conditions = false;
  json::elements(source, [&](std::string_view element) {
    const std::string pointer = "/responses/" + std::to_string(out.all.size());
    Response& response = out.all.emplace_back();
    read(response, element, pointer, fault);
    out.total_weight += response.weight;
    conditions = conditions || response.when;
    out.needs_body = out.needs_body || (response.when && response.when->looks_at(place(Where::body)));
    if (response.is_default) {
      if (first_default != nullptr) fault(pointer + "/default", "another response is the default");
      first_default = &response;
    } else if (!json::member(element, "when") && first_plain == nullptr) {
      first_plain = &response;
    }
    return true;
  });
  if (out.all.empty()) out.all.emplace_back();  // no responses: 200, empty
  if (out.mode != Mode::rules) {
    out.needs_body = false;
    if (out.all.size() == 1) out.fallback = &out.all.front();
  } else if (first_default != nullptr || first_plain != nullptr) {
    out.fallback = first_default != nullptr ? first_default : first_plain;
  } else if (!conditions) {
    out.fallback = &out.all.front();
  }
  const bool chosen = out.mode == Mode::rules ? !conditions : out.all.size() == 1;
  if (chosen && out.fallback != nullptr && out.fallback->delay_ms == 0) out.only = out.fallback;
  return out;
}

const Response* choose_by_rules(const Responses& responses, when::Subject& subject) {
  for (const Response& response : responses.all) {
    if (response.when && response.when->holds(subject)) return &response;
  }
  return responses.fallback;
}

const Response& choose_by_weight(const Responses& responses, std::uint64_t number) {
  for (const Response& response : responses.all) {
    if (number < response.weight) return response;
    number -= response.weight;
  }
  return responses.all.back();
}

}  // namespace mimus::mock
