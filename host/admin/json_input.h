// What is accepted as JSON, and the text operations on what was accepted.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mimus/result.h"

namespace mimus::admin {

/// Whether `text` is one JSON value that we take: UTF-8, no NUL, no repeated key in an
/// object, nested at most `max_depth` deep (checked while reading).
/// Errors: invalid - with the pointer to the value at fault where there is one
Status check_json(std::string_view text, std::size_t max_depth);

/// One member of an object: the key with its escapes resolved, the value as it was sent.
struct Member {
  std::string name;
  std::string value;
};

/// The members of an object in order, each value byte for byte.
/// REQUIRES (of all below): texts passed check_json and have no white space around them.
class Document {
 public:
  Document() = default;
  explicit Document(std::string_view object);

  /// The source text of a member's value; valid until the document is changed.
  std::optional<std::string_view> find(std::string_view name) const;
  /// In the place it has, or last.
  void set(std::string_view name, std::string value);
  void remove(std::string_view name);

  const std::vector<Member>& members() const { return members_; }
  std::string text() const;

 private:
  std::vector<Member> members_;
};

/// `target` with a JSON Merge Patch (RFC 7386) applied. Values that the patch leaves
/// alone keep their bytes, at every depth; so do those that it brings without nulls.
std::string merge_patch(std::string_view target, std::string_view patch);

/// Appends a member to an object under construction: begins with "{" or ends in "}"'s place.
void add_member(std::string& object, std::string_view name, std::string_view value);

bool is_object(std::string_view value);
bool is_string(std::string_view value);

}  // namespace mimus::admin
