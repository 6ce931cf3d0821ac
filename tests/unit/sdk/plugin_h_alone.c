/* plugin.h must compile alone, as C11 with -pedantic, and make a plugin in C. */
#include "mimus/plugin.h"

MIMUS_MANIFEST = "{\"id\":\"test.c\"}";

static const mimus_plugin table = {.size = sizeof(mimus_plugin), .id = "test.c", .version = "1"};

static const mimus_plugin* entry(uint32_t major, uint32_t minor) {
  (void)minor;
  return major == MIMUS_ABI_MAJOR && MIMUS_HAS(&table, get_extension) ? &table : NULL;
}
MIMUS_EXPORT(entry)
