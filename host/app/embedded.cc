#include "host/app/embedded.h"

#ifdef MIMUS_EDGE

// clang-format off
#define EMBED(symbol, file)                                                 \
  __asm__(".pushsection .rodata,\"a\"\n"                                    \
          ".balign 16\n"                                                    \
          ".hidden " #symbol "_begin\n.hidden " #symbol "_end\n"            \
          ".globl " #symbol "_begin\n.globl " #symbol "_end\n"              \
          #symbol "_begin:\n.incbin \"" file "\"\n" #symbol "_end:\n"       \
          ".popsection");                                                   \
  extern "C" const char symbol##_begin[] __attribute__((visibility("hidden"))); \
  extern "C" const char symbol##_end[] __attribute__((visibility("hidden")))
// clang-format on

EMBED(mimus_country_database, MIMUS_COUNTRY_DATABASE);
EMBED(mimus_licences, MIMUS_LICENCES);

#endif

namespace mimus {

std::span<const EmbeddedFile> embedded_files() {
#ifdef MIMUS_EDGE
  static const EmbeddedFile files[] = {
      {"country.mmdb", {mimus_country_database_begin, mimus_country_database_end}},
      {"licences.txt", {mimus_licences_begin, mimus_licences_end}},
  };
  return files;
#else
  return {};
#endif
}

}  // namespace mimus
