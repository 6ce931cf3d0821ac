# cmake -DTREE=DIR -P check.cmake: fails, naming file and line, where the tree breaks a rule.
cmake_minimum_required(VERSION 3.25)
set(max_lines 500)
# Inside host/ a room may include those before it; main.cc alone joins the last two.
set(host_rooms net route upstream channel plugin kit pipeline admin cli app)

# files(OUT DIR…): sources below these folders of the tree.
function(files out)
  set(found)
  foreach(dir ${ARGN})
    file(GLOB_RECURSE some RELATIVE ${TREE} ${TREE}/${dir}/*.cc ${TREE}/${dir}/*.h ${TREE}/${dir}/*.hpp ${TREE}/${dir}/*.c)
    list(APPEND found ${some})
  endforeach()
  list(FILTER found EXCLUDE REGEX "/node_modules/")
  set(${out} ${found} PARENT_SCOPE)
endfunction()

# refuse(REGEX RULE FILE…): no line of these files may match.
function(refuse regex rule)
  foreach(file ${ARGN})
    file(STRINGS ${TREE}/${file} lines REGEX "${regex}")
    if(NOT "${lines}" STREQUAL "")
      message(SEND_ERROR "${file}: ${rule}: ${lines}")
    endif()
  endforeach()
endfunction()

function(without out pattern)
  set(rest ${ARGN})
  list(FILTER rest EXCLUDE REGEX "${pattern}")
  set(${out} ${rest} PARENT_SCOPE)
endfunction()

files(sdk sdk)
files(store store)
files(host host)
files(plugins plugins)
files(tests tests)
files(bench bench)
files(e2e tests/e2e)

# Arrows between the top folders.
refuse("#include \"(store|host|plugins|tests|bench)/" "sdk/ includes nothing else of ours" ${sdk})
refuse("#include \"(host|plugins|tests|bench)/" "store/ includes only sdk/" ${store})
refuse("#include \"(plugins|tests|bench)/" "host/ includes only sdk/ and store/" ${host})
refuse("#include \"(store|host|tests|bench)/" "a plugin includes only sdk/" ${plugins})
# A folder of plugins/ without a manifest is a library that all of them may use.
file(GLOB features ${TREE}/plugins/*/manifest.json)
list(TRANSFORM features REPLACE "^.*/plugins/([^/]+)/manifest\\.json$" "\\1")
file(GLOB folders RELATIVE ${TREE}/plugins ${TREE}/plugins/*)
foreach(one ${folders})
  files(own plugins/${one})
  foreach(other ${features})
    if(NOT other STREQUAL one)
      refuse("#include \"plugins/${other}/" "a plugin knows no other plugin" ${own})
    endif()
  endforeach()
endforeach()

# Arrows between the rooms of the host.
set(later ${host_rooms})
foreach(room ${host_rooms})
  list(POP_FRONT later)
  files(own host/${room})
  without(own "^host/cli/main\\.cc$" ${own})
  if(later)
    string(REPLACE ";" "|" forbidden "${later}")
    refuse("#include \"host/(${forbidden})/" "host/${room}/ includes only rooms before it" ${own})
  endif()
endforeach()

# Words that belong to one room.
refuse("rocksdb/|rocksdb::" "only store/ names RocksDB" ${sdk} ${host} ${plugins})
refuse("[Xx]-[Mm]ock-" "host/ names no header of a feature" ${host})
file(GLOB manifests ${TREE}/plugins/*/manifest.json)
foreach(manifest ${manifests})
  file(READ ${manifest} text)
  string(JSON id GET "${text}" id)
  string(REPLACE "." "\\." id "${id}")
  refuse("${id}([^A-Za-z0-9_]|$)" "host/ names no plugin" ${host})
  foreach(level api endpoint channel)
    string(JSON count ERROR_VARIABLE none LENGTH "${text}" fields ${level})
    if(NOT none STREQUAL "NOTFOUND" OR count EQUAL 0)
      continue()
    endif()
    math(EXPR last "${count} - 1")
    foreach(i RANGE ${last})
      string(JSON field MEMBER "${text}" fields ${level} ${i})
      set(where ${host})
      if(field STREQUAL "responses")  # a word of OpenAPI too
        without(where "^host/admin/openapi\\.cc$" ${host})
      endif()
      refuse("\"${field}\\\\?\"" "host/ names no field of a plugin" ${where})
    endforeach()
  endforeach()
endforeach()

# Time is lent, and nobody sleeps.
without(timeless "^host/cli/system_clock\\.h$" ${sdk} ${store} ${host} ${plugins} ${tests})
if(e2e)
  list(REMOVE_ITEM timeless ${e2e})
endif()
refuse("steady_clock::now|system_clock::now|clock_gettime|gettimeofday"
  "the time is asked in host/cli/system_clock.h alone" ${timeless})
refuse("sleep_for|sleep_until|usleep|nanosleep" "nothing sleeps"
  ${sdk} ${store} ${host} ${plugins} ${tests} ${bench})

# The contract is whole in one file.
without(counted "^sdk/include/mimus/plugin\\.h$" ${sdk} ${store} ${host} ${plugins} ${tests} ${bench})
foreach(file ${counted})
  file(READ ${TREE}/${file} text)
  string(REGEX MATCHALL "\n" ends "${text}")
  list(LENGTH ends lines)
  # The ABI is one header on purpose: authors in other languages copy and bind one file.
  if(lines GREATER max_lines AND NOT file STREQUAL "sdk/include/mimus/plugin.h")
    message(SEND_ERROR "${file}: ${lines} lines, more than ${max_lines}")
  endif()
endforeach()
