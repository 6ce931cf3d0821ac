// A Table without a disk, for tests.
#include <map>
#include <mutex>

#include "store/table.h"

namespace mimus {
namespace {

class MemoryTable final : public Table {
 public:
  Status write(const Batch& batch, bool) override {
    const std::lock_guard lock(mutex_);
    for (const TableWrite& write : batch.writes()) {
      if (write.remove) {
        space(write.space).erase(write.key);
      } else {
        space(write.space).insert_or_assign(write.key, write.value);
      }
    }
    return Done{};
  }

  Result<std::string> get(Space where, std::string_view key) const override {
    const std::lock_guard lock(mutex_);
    const auto found = space(where).find(key);
    if (found == space(where).end()) return Error{Code::not_found, "no such key"};
    return found->second;
  }

  Status scan(Space where, std::string_view from, std::string_view to,
              const std::function<bool(std::string_view, std::string_view)>& show) const override {
    Map shown;  // a copy, so that `show` may call this table and sees one moment
    {
      const std::lock_guard lock(mutex_);
      if (from < to) shown.insert(space(where).lower_bound(from), space(where).lower_bound(to));
    }
    for (const auto& [key, value] : shown) {
      if (!show(key, value)) break;
    }
    return Done{};
  }

  Status drop_before(Space where, std::string_view end) override {
    const std::lock_guard lock(mutex_);
    space(where).erase(space(where).begin(), space(where).lower_bound(end));
    return Done{};
  }

  Status copy_to(const std::string&) override {
    return Error{Code::unavailable, "a store in memory cannot be backed up: open one in a directory"};
  }

 private:
  using Map = std::map<std::string, std::string, std::less<>>;
  Map& space(Space where) { return spaces_[static_cast<std::size_t>(where)]; }
  const Map& space(Space where) const { return spaces_[static_cast<std::size_t>(where)]; }

  mutable std::mutex mutex_;
  Map spaces_[2];
};

}  // namespace

std::unique_ptr<Table> memory_table() { return std::make_unique<MemoryTable>(); }

}  // namespace mimus
