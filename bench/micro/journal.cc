// Handing a record to the journal; the writer drains, packs and stores meanwhile.
#include <benchmark/benchmark.h>

#include <thread>

#include "store/database.h"

namespace mimus {
namespace {

void append_a_record(benchmark::State& state) {
  FakeClock clock;
  const auto database = memory_database(clock);
  auto journal = open_journal(database->blocks(), clock, {});
  if (!journal) return state.SkipWithError("the journal does not open");
  Producer& producer = (*journal)->producer(0);
  UlidSource ids(1);
  RecordInput record;
  record.method = "GET";
  record.path = "/mock/shop/users/42";
  record.client_ip = "203.0.113.7";
  record.user_agent = "bench/1.0";
  record.status = 200;
  record.duration_us = 12;
  for (auto _ : state) {
    record.id = ids.next(clock.wall_us());
    if (producer.append(record)) continue;
    state.PauseTiming();  // full: here the writer is slower than a loop that does nothing else
    while (!producer.append(record)) std::this_thread::yield();
    state.ResumeTiming();
  }
  if (const Status closed = (*journal)->close(); !closed) state.SkipWithError("the journal does not close");
}
BENCHMARK(append_a_record);

}  // namespace
}  // namespace mimus
