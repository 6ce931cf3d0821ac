// open_store DIR: milliseconds that the database of a data directory takes to open.
#include <cstdio>

#include <chrono>

#include "host/cli/system_clock.h"
#include "store/database.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const mimus::SystemClock clock;
  mimus::StoreOptions options;
  options.directory = argv[1];
  const auto began = std::chrono::steady_clock::now();
  const auto database = mimus::open_database(options, clock);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
  if (!database) {
    std::fprintf(stderr, "open_store: %s\n", database.error().message.c_str());
    return 1;
  }
  std::printf("%.3f\n", took.count());
}
