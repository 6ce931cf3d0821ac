// Changes of definitions that shall happen together: checked, staged, then committed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/admin/definition.h"
#include "host/admin/problem.h"
#include "host/admin/rules.h"
#include "host/route/definitions.h"
#include "store/definitions.h"

namespace mimus::admin {

/// What routing keeps of a definition. REQUIRES: it was checked by Rules.
ApiFields api_record(const Definition& api);
EndpointFields endpoint_record(const Definition& endpoint);
ChannelFields channel_record(const Definition& channel);

/// One write of one or many definitions. On the definitions thread; not to be reused.
class ChangeSet {
 public:
  /// Starts from `base`, the newest snapshot. `rules` and `store` must outlive it.
  ChangeSet(const Rules& rules, DefinitionStore& store, DefinitionsPtr base);

  /// The API with that id as of the changes so far. Errors: 404
  Outcome<Definition> api(const Ulid& id) const;

  /// Adds or replaces a definition. `touched` as in Rules::check; problems' pointers
  /// start with `base`. Errors: 400; 404 no such API; 409 slug, host or channel path taken
  Outcome<Done> put(const Definition& next, const std::vector<std::string>& touched,
                    const std::string& base = "");

  /// Removes a definition, an API with all that belongs to it. Errors: 404
  Outcome<Done> remove(Kind kind, const Ulid& id);

  bool empty() const { return writes_.empty(); }
  /// The snapshot with all changes so far; put may change it in its place.
  const DefinitionsPtr& staged() const { return staged_; }

  /// Makes all of it durable; the staged snapshot carries the sequence of the last change,
  /// as nobody else writes definitions. Errors: 503
  Outcome<Done> commit(std::int64_t wall_us);

 private:
  std::optional<Problem> taken(const Definition& next, const std::string& base) const;
  void erase(Kind kind, const Ulid& id, const Ulid& api, std::uint64_t revision);
  std::uint64_t next_sequence() const { return first_ + writes_.size(); }

  const Rules& rules_;
  DefinitionStore& store_;
  DefinitionsPtr staged_;
  std::optional<DefinitionsEdit> edit_;  ///< Of `staged_`, while endpoints follow each other.
  std::uint64_t first_;
  std::vector<DefinitionWrite> writes_;
};

}  // namespace mimus::admin
