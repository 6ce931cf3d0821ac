# The version of the SDK is that of the ABI in its plugin.h: a plugin that asks for 1.2 builds with
# any later 1.x, and loads in hosts from 1.2 on.
set(mimus_header ${CMAKE_CURRENT_LIST_DIR}/../include/mimus/plugin.h)
if(NOT EXISTS ${mimus_header})
  set(mimus_header ${CMAKE_CURRENT_LIST_DIR}/../../../include/mimus/plugin.h)
endif()
file(STRINGS ${mimus_header} mimus_abi REGEX "^#define MIMUS_ABI_(MAJOR|MINOR) ")
string(REGEX REPLACE "^.*MAJOR ([0-9]+)u.*MINOR ([0-9]+)u.*$" "\\1.\\2.0" PACKAGE_VERSION "${mimus_abi}")

set(PACKAGE_VERSION_COMPATIBLE FALSE)
string(REGEX MATCH "^[0-9]+" mimus_major "${PACKAGE_VERSION}")
if(PACKAGE_FIND_VERSION_MAJOR EQUAL mimus_major AND PACKAGE_FIND_VERSION VERSION_LESS_EQUAL PACKAGE_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
  if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
  endif()
endif()
