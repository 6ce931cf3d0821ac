# The edge build: what makes the program one file. Included before the libraries are looked for.
if(MIMUS_TESTS OR MIMUS_SANITIZE OR NOT MIMUS_LINK_PLUGINS)
  message(FATAL_ERROR "MIMUS_EDGE goes with MIMUS_LINK_PLUGINS=ON, MIMUS_TESTS=OFF and no sanitizer")
endif()
set(MIMUS_COUNTRY_DATABASE ${PROJECT_SOURCE_DIR}/build/cache/country.mmdb CACHE FILEPATH
  "The country database that goes into the program; ./dev fetches it")
if(NOT EXISTS ${MIMUS_COUNTRY_DATABASE})
  message(FATAL_ERROR "no country database at ${MIMUS_COUNTRY_DATABASE}: ./dev build fetches it")
endif()

# Whatever library is looked for is found as an archive, or not at all.
set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
set(OPENSSL_USE_STATIC_LIBS ON)
set(Boost_USE_STATIC_LIBS ON)

# -static would take dlopen away; so libc and libm stay shared. Sections that nobody names go,
# but for the plugins' (their attributes retain them).
add_link_options(-static-libstdc++ -static-libgcc -Wl,--gc-sections -Wl,-z,relro -Wl,-z,now
  -Wl,-z,pack-relative-relocs)

# Debian's package of RocksDB names shared objects; the same libraries as archives. To be called
# once all libraries are found.
function(mimus_link_static)
  set(archives)
  foreach(name snappy lz4 zstd bz2 z)
    find_library(MIMUS_ARCHIVE_${name} ${name} REQUIRED)
    list(APPEND archives ${MIMUS_ARCHIVE_${name}})
  endforeach()
  set_property(TARGET RocksDB::rocksdb PROPERTY INTERFACE_LINK_LIBRARIES ${archives})
  foreach(module BROTLIENC)
    find_library(MIMUS_ARCHIVE_brotlicommon brotlicommon REQUIRED)
    set_property(TARGET PkgConfig::${module} APPEND PROPERTY INTERFACE_LINK_LIBRARIES ${MIMUS_ARCHIVE_brotlicommon})
  endforeach()
endfunction()
