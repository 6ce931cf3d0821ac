// Groups of records, and their JSON.
#include "plugins/analytics/summary.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "mimus/json_text.h"

namespace mimus::analytics {

void Summary::Group::add(const Row& row) {
  request_bytes += row.request_bytes;
  response_bytes += row.response_bytes;
  for (std::size_t i = 0; i < flags.size(); ++i) flags[i] += row.flags[i] ? 1 : 0;
  durations.add(static_cast<std::uint64_t>(std::max<std::int64_t>(row.duration_us, 0)));
}

void Summary::add(const Row& row) {
  total_.add(row);
  group_of(row).add(row);
}

Summary::Group& Summary::group_of(const Row& row) {
  if (!row.key) {
    if (!keyless_) keyless_ = std::make_unique<Group>();
    return *keyless_;
  }
  if (const auto found = groups_.find(*row.key); found != groups_.end()) return found->second;
  if (groups_.size() >= max_groups_) {
    if (!other_) other_ = std::make_unique<Group>();
    return *other_;
  }
  Group& group = groups_[std::string(*row.key)];
  group.name = row.name;
  return group;
}

void Summary::write(std::string& out, const Group& group) const {
  const auto number = [&out](std::string_view name, auto value) {
    out += '"';
    out += name;
    out += "\":";
    out += std::to_string(value);
  };
  number("count", group.durations.count());
  out += ',';
  number("requestBytes", group.request_bytes);
  out += ',';
  number("responseBytes", group.response_bytes);
  for (const auto& [name, percent] :
       {std::pair{"p50Micros", 50.0}, {"p90Micros", 90.0}, {"p99Micros", 99.0}}) {
    out += ',';
    number(name, group.durations.percentile(percent));
  }
  for (std::size_t i = 0; i < flag_names.size(); ++i) {
    if (!counted_[i]) continue;
    out += ',';
    number(flag_names[i], group.flags[i]);
  }
}

std::string Summary::json() const {
  struct Item {
    std::optional<std::string_view> key;
    const Group* group;
  };
  std::vector<Item> items;
  items.reserve(groups_.size() + 1);
  for (const auto& [key, group] : groups_) items.push_back({key, &group});
  if (keyless_) items.push_back({std::nullopt, keyless_.get()});
  std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
    return std::tuple(b.group->durations.count(), a.key) < std::tuple(a.group->durations.count(), b.key);
  });
  if (other_) items.push_back({"other", other_.get()});

  std::string out = "\"total\":{";
  write(out, total_);
  out += "},\"items\":[";
  for (const Item& item : items) {
    if (&item != &items.front()) out += ',';
    out += "{\"key\":";
    if (item.key) {
      json::quote(out, *item.key);
    } else {
      out += "null";
    }
    if (!item.group->name.empty()) {
      out += ",\"name\":";
      json::quote(out, item.group->name);
    }
    out += ',';
    write(out, *item.group);
    out += '}';
  }
  return out + ']';
}

}  // namespace mimus::analytics
