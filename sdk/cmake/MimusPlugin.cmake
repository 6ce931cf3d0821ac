# mimus_plugin(NAME SOURCES a.cc … [LIBRARIES x …]): the plugin NAME of this folder, whose
# manifest is manifest.json, as lib/mimus/plugins/NAME.so; with MIMUS_LINK_PLUGINS also the
# same sources as objects that the host links in.
define_property(GLOBAL PROPERTY MIMUS_PLUGINS BRIEF_DOCS "Targets of the built-in plugins")

function(mimus_plugin name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  # A raw string literal may hold 64 KiB; manifests are far smaller.
  set(include_dir ${CMAKE_CURRENT_BINARY_DIR}/${name}_manifest)
  file(READ manifest.json manifest)
  file(CONFIGURE OUTPUT ${include_dir}/manifest.inc CONTENT "R\"manifest(@manifest@)manifest\"\n" @ONLY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS manifest.json)

  # -fno-gnu-unique: header-only std and JSON code would otherwise pin the object in
  # memory and make two versions share statics (STB_GNU_UNIQUE survives -fvisibility).
  set(options -fvisibility=hidden -fvisibility-inlines-hidden -fno-gnu-unique)

  if(MIMUS_LINK_PLUGINS)
    add_library(${name}_linked OBJECT ${arg_SOURCES})
    target_compile_definitions(${name}_linked PRIVATE MIMUS_LINKED_IN)
    target_compile_options(${name}_linked PRIVATE ${options})
    target_include_directories(${name}_linked PRIVATE ${include_dir} ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name}_linked PRIVATE mimus_sdk mimus_warnings PUBLIC ${arg_LIBRARIES})
    set_property(GLOBAL APPEND PROPERTY MIMUS_LINKED_PLUGINS ${name}_linked)
  endif()

  add_library(${name} MODULE ${arg_SOURCES})
  target_compile_options(${name} PRIVATE ${options})
  target_include_directories(${name} PRIVATE ${include_dir} ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE mimus_sdk mimus_warnings ${arg_LIBRARIES})
  set(map ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/exports.map)
  target_link_options(${name} PRIVATE -Wl,-z,now -Wl,-z,relro -Wl,--exclude-libs,ALL
    -Wl,--build-id -Wl,--version-script=${map})
  if(NOT MIMUS_SANITIZE)  # the sanitizers' runtime is in the host
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
  set_target_properties(${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name} LINK_DEPENDS ${map}
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/mimus/plugins)
  set_property(GLOBAL APPEND PROPERTY MIMUS_PLUGINS ${name})
endfunction()
