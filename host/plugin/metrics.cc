#include "host/plugin/metrics.h"

#include <charconv>

#include "host/net/loop.h"

namespace mimus {
namespace {

void describe(std::string& out, std::string_view name, std::string_view help, std::string_view kind) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n");
  out.append("# TYPE ").append(name).append(" ").append(kind).append("\n");
}

void line(std::string& out, std::string_view name, std::string_view labels, double value) {
  char number[352];  // the longest double without an exponent
  const auto end = std::to_chars(number, number + sizeof number, value, std::chars_format::fixed).ptr;
  out.append(name);
  if (!labels.empty()) out.append("{").append(labels).append("}");
  out.append(" ").append(number, end).append("\n");
}

}  // namespace

std::uint32_t Metrics::counter(std::string_view name, std::string_view help) {
  const std::lock_guard lock(mutex_);
  const std::string full = "mimus_" + std::string(name);
  for (std::size_t i = 0; i < count_; ++i) {
    if (counters_[i].name == full) return static_cast<std::uint32_t>(i);
  }
  if (count_ == counters_.size()) return overflow;
  counters_[count_].name = full;
  counters_[count_].help = help;
  return static_cast<std::uint32_t>(count_++);
}

void Metrics::add(std::uint32_t id, std::uint64_t by) {
  if (id >= counters_.size()) return;
  const Loop* const loop = Loop::current();
  const unsigned shard = loop == nullptr ? 0 : loop->index() % shards;
  counters_[id].cells[shard].value.fetch_add(by, std::memory_order_relaxed);
}

void Metrics::source(std::function<void(std::vector<Sample>&)> read) {
  const std::lock_guard lock(mutex_);
  sources_.push_back(std::move(read));
}

std::string Metrics::render() const {
  std::string out;
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < count_; ++i) {
    std::uint64_t sum = 0;
    for (const Cell& cell : counters_[i].cells) sum += cell.value.load(std::memory_order_relaxed);
    describe(out, counters_[i].name, counters_[i].help, "counter");
    line(out, counters_[i].name, {}, static_cast<double>(sum));
  }
  std::vector<Sample> samples;
  for (const auto& read : sources_) read(samples);
  std::string_view described;
  for (const Sample& s : samples) {
    if (s.name != described) describe(out, s.name, s.help, s.kind);
    described = s.name;
    line(out, s.name, s.labels, s.value);
  }
  return out;
}

}  // namespace mimus
