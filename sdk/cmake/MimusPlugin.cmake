# mimus_plugin(NAME SOURCES a.cc … [LIBRARIES x …]): the built-in plugin NAME of this folder,
# whose manifest is manifest.json, as lib/mimus/plugins/NAME.so, sharing the host's runtime;
# with MIMUS_LINK_PLUGINS also the same sources as objects that the host links in.
include(${CMAKE_CURRENT_LIST_DIR}/MimusTargets.cmake)
define_property(GLOBAL PROPERTY MIMUS_PLUGINS BRIEF_DOCS "Targets of the built-in plugins")

function(mimus_plugin name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  set(manifest ${CMAKE_CURRENT_SOURCE_DIR}/manifest.json)

  if(MIMUS_LINK_PLUGINS)
    add_library(${name}_linked OBJECT ${arg_SOURCES})
    mimus_compile_options(options)
    target_compile_definitions(${name}_linked PRIVATE MIMUS_LINKED_IN)
    target_compile_options(${name}_linked PRIVATE ${options})
    target_include_directories(${name}_linked PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/${name}_manifest ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name}_linked PRIVATE mimus_sdk mimus_warnings PUBLIC ${arg_LIBRARIES})
    set_property(GLOBAL APPEND PROPERTY MIMUS_LINKED_PLUGINS ${name}_linked)
  endif()
  if(MIMUS_EDGE)  # whose archives are no position-independent code
    mimus_manifest(${manifest} ${CMAKE_CURRENT_BINARY_DIR}/${name}_manifest)
    return()
  endif()

  mimus_module(${name} ${manifest} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE mimus_sdk mimus_warnings ${arg_LIBRARIES})
  set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/mimus/plugins)
  set_property(GLOBAL APPEND PROPERTY MIMUS_PLUGINS ${name})
endfunction()
