// unload FILE.so: in a program without a shared C++ runtime, a plugin with one of its own loads,
// throws, unloads, and leaves nothing. Exit code 1 says what was otherwise.
#include <link.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include "mimus/testing/fake_host.h"

namespace {

constexpr int warm_up = 50, loads = 1000;
constexpr long most_bytes_per_load = 4096;

bool mapped(const char* part) {
  return dl_iterate_phdr(
             [](dl_phdr_info* object, std::size_t, void* name) {
               return std::strstr(object->dlpi_name, static_cast<const char*>(name)) != nullptr ? 1 : 0;
             },
             const_cast<char*>(part)) != 0;
}

long resident_bytes() {
  long total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

bool expect(bool holds, const char* what) {
  if (!holds) std::fprintf(stderr, "not so: %s\n", what);
  return holds;
}

/// Everything that a guest does in its life.
bool visit(const std::string& file) {
  using mimus::testing::FakeHost;
  FakeHost host(file);
  auto& bound = host.bind({.config = "{}"});
  const auto& served = host.run(bound, {});
  const auto& walled = host.run(bound, {.headers = {{"X-Do", "throw"}}});
  return expect(served.answer.header("X-Guest") == "caught from another thread 1.5", "it catches") &&
         expect(walled.failed, "what it throws meets the wall") &&
         expect(mapped(file.c_str()), "it is mapped while it is used") &&
         expect(!mapped("libstdc++") && !mapped("libgcc_s"), "no shared runtime came with it");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string file = argv[1];
  long before = 0;
  for (int i = 0; i < warm_up + loads; ++i) {
    if (i == warm_up) before = resident_bytes();
    if (!visit(file) || !expect(!mapped(file.c_str()), "it is unmapped afterwards")) return 1;
  }
  const long grown = resident_bytes() - before;
  std::printf("%d loads and unloads: %ld KiB more, %ld bytes each\n", loads, grown / 1024, grown / loads);
  return expect(grown < loads * most_bytes_per_load, "a load leaves less than 4 KiB") ? 0 : 1;
}
