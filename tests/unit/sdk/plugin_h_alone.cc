// plugin.h must compile alone as C++20 with -pedantic.
#include "mimus/plugin.h"

bool knows_extensions(const mimus_plugin* plugin) { return MIMUS_HAS(plugin, get_extension); }
