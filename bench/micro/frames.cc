// A WebSocket message in, and out: a short text as clients send most, and long ones, beside the
// copy that any of them is at least.
#include <benchmark/benchmark.h>

#include <string>

#include "host/channel/deflate.h"
#include "host/channel/framing.h"

namespace mimus {
namespace {

struct Count final : FrameReader::Events {
  void on_message(Opcode, std::string_view payload) override { bytes += payload.size(); }
  std::size_t bytes = 0;
};

constexpr std::size_t limit = std::size_t{1} << 20;

std::string json_text(std::size_t size) {
  std::string out;
  while (out.size() < size) out += "{\"event\":\"tick\",\"data\":" + std::to_string(out.size()) + "},";
  out.resize(size);
  return out;
}

void copy_a_text(benchmark::State& state) {
  const std::string from = json_text(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    std::string copy(from);
    benchmark::DoNotOptimize(copy.data());
  }
}
BENCHMARK(copy_a_text)->Arg(32)->Arg(65536);

void read_a_masked_text(benchmark::State& state) {
  const std::string text = json_text(static_cast<std::size_t>(state.range(0)));
  const std::string bytes = masked_frame(Opcode::text, text, 0x12345678);
  FrameReader reader(limit);
  Count count;
  for (auto _ : state) benchmark::DoNotOptimize(reader.feed(bytes, count));
  if (count.bytes != text.size() * static_cast<std::size_t>(state.iterations())) state.SkipWithError("lost");
}
BENCHMARK(read_a_masked_text)->Arg(32)->Arg(65536);

void frame_a_text(benchmark::State& state) {
  const std::string text = json_text(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(frame(Opcode::text, text));
}
BENCHMARK(frame_a_text)->Arg(32)->Arg(65536);

void read_a_compressed_text(benchmark::State& state) {
  const std::string text = json_text(static_cast<std::size_t>(state.range(0)));
  const std::string bytes = deflated_frame(Opcode::text, text, 15);
  FrameReader reader(limit, {true, true});
  Count count;
  for (auto _ : state) benchmark::DoNotOptimize(reader.feed(bytes, count));
  if (count.bytes != text.size() * static_cast<std::size_t>(state.iterations())) state.SkipWithError("lost");
}
BENCHMARK(read_a_compressed_text)->Arg(1024)->Arg(65536);

void compress_a_text(benchmark::State& state) {
  const std::string text = json_text(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(deflated_frame(Opcode::text, text, 15));
}
BENCHMARK(compress_a_text)->Arg(1024)->Arg(65536);

}  // namespace
}  // namespace mimus
