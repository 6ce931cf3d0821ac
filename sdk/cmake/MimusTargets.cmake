# What a plugin's build needs, in this tree and out of it: Mimus::abi (plugin.h, C11),
# Mimus::sdk (plugin.hpp, C++20), both headers only, and
#   mimus_add_plugin(NAME SOURCES a.cc … [MANIFEST manifest.json] [LIBRARIES x …])
# the target NAME, a plugin NAME.so in the current binary folder, linked with the SDK of its
# language. Its sources find the manifest as a string literal in "manifest.inc".
include_guard(GLOBAL)

cmake_path(SET mimus_include NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../include)
if(NOT EXISTS ${mimus_include}/mimus/plugin.h)  # installed: PREFIX/share/mimus beside PREFIX/include
  cmake_path(SET mimus_include NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../../../include)
endif()

add_library(mimus_abi INTERFACE)
target_include_directories(mimus_abi INTERFACE ${mimus_include})
add_library(mimus_sdk INTERFACE)
target_link_libraries(mimus_sdk INTERFACE mimus_abi)
target_compile_features(mimus_sdk INTERFACE cxx_std_20)
add_library(Mimus::abi ALIAS mimus_abi)
add_library(Mimus::sdk ALIAS mimus_sdk)

# mimus_manifest(FILE DIR): FILE as a string literal of C and C++ alike in DIR/manifest.inc.
function(mimus_manifest file dir)
  file(READ ${file} text)
  string(JSON kind ERROR_VARIABLE wrong TYPE "${text}")
  if(wrong OR NOT kind STREQUAL "OBJECT")
    message(FATAL_ERROR "${file} is no JSON object: ${wrong}")
  endif()
  foreach(member id version abi)
    string(JSON value ERROR_VARIABLE wrong GET "${text}" ${member})
    if(wrong)
      message(FATAL_ERROR "${file} has no \"${member}\"")
    endif()
  endforeach()
  string(REPLACE "\r" "" text "${text}")
  string(REGEX REPLACE "([\\\\\"?])" "\\\\\\1" text "${text}")  # "?": trigraphs
  string(REPLACE "\n" "\\n\"\n\"" text "${text}")
  file(CONFIGURE OUTPUT ${dir}/manifest.inc CONTENT "\"@text@\"\n" @ONLY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
endfunction()

# mimus_compile_options(OUT): for whatever becomes part of a plugin.
function(mimus_compile_options out)
  # -fno-gnu-unique: header-only std and JSON code would otherwise pin the object in
  # memory and make two versions share statics (STB_GNU_UNIQUE survives -fvisibility).
  set(${out} -fvisibility=hidden $<$<COMPILE_LANGUAGE:CXX>:-fvisibility-inlines-hidden>
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique> PARENT_SCOPE)
endfunction()

# mimus_module(NAME MANIFEST SOURCES…): the module NAME with all flags but those of its runtime.
function(mimus_module name manifest)
  add_library(${name} MODULE ${ARGN})
  set(include_dir ${CMAKE_CURRENT_BINARY_DIR}/${name}_manifest)
  mimus_manifest(${manifest} ${include_dir})
  mimus_compile_options(options)
  target_compile_options(${name} PRIVATE ${options})
  target_include_directories(${name} PRIVATE ${include_dir})
  set(map ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/exports.map)
  target_link_options(${name} PRIVATE -Wl,-z,now -Wl,-z,relro -Wl,--exclude-libs,ALL
    -Wl,--build-id -Wl,--version-script=${map})
  # The sanitizers' runtime is in the host.
  if(NOT MIMUS_SANITIZE AND NOT "${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS}" MATCHES "-fsanitize=")
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
  set_target_properties(${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name} LINK_DEPENDS ${map})
endfunction()

# The compiler's runtime goes into the plugin, hidden, so that it also loads where no libstdc++
# is; freeres.cc gives back what libstdc++ would keep at unloading.
function(mimus_add_plugin name)
  cmake_parse_arguments(arg "" "MANIFEST" "SOURCES;LIBRARIES" ${ARGN})
  if(NOT arg_SOURCES OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "write mimus_add_plugin(NAME SOURCES a.cc … [MANIFEST manifest.json] [LIBRARIES x …])")
  endif()
  if(NOT arg_MANIFEST)
    set(arg_MANIFEST manifest.json)
  endif()
  cmake_path(ABSOLUTE_PATH arg_MANIFEST BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  if(NOT EXISTS ${arg_MANIFEST})
    message(FATAL_ERROR "${name}: there is no manifest ${arg_MANIFEST}")
  endif()
  set(cxx ${arg_SOURCES})
  list(FILTER cxx INCLUDE REGEX "\\.(cc|cpp|cxx|C)$")
  set(sdk Mimus::abi)
  if(cxx)
    set(sdk Mimus::sdk)
    list(APPEND arg_SOURCES ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/freeres.cc)
  endif()
  mimus_module(${name} ${arg_MANIFEST} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${sdk} ${arg_LIBRARIES})
  target_link_options(${name} PRIVATE -static-libgcc $<$<LINK_LANGUAGE:CXX>:-static-libstdc++> -Wl,--gc-sections)
endfunction()
