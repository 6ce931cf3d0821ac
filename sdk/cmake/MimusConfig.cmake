# find_package(Mimus 1 CONFIG REQUIRED): MimusTargets.cmake, and where C++, GoogleTest's and
# OpenSSL's headers allow it Mimus::testing, the fake host, built with the project that links it.
#
# The package is wherever this file is: an installed PREFIX, Mimus' own folder sdk/, or the
# sdk/ that `mimus plugin new --sdk` writes into a project.
include(${CMAKE_CURRENT_LIST_DIR}/MimusTargets.cmake)

get_property(mimus_languages GLOBAL PROPERTY ENABLED_LANGUAGES)
if(NOT TARGET mimus_testing AND "CXX" IN_LIST mimus_languages)
  find_package(OpenSSL QUIET)
  if(OPENSSL_FOUND)
    add_subdirectory(${CMAKE_CURRENT_LIST_DIR}/../testing ${CMAKE_BINARY_DIR}/mimus_testing EXCLUDE_FROM_ALL)
  else()
    message(STATUS "Mimus::testing is left out: it needs OpenSSL's headers (libssl-dev)")
  endif()
endif()
