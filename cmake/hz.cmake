# The three verbs the tree is written in: hz_module, hz_sql, hz_fuzz.

find_program(HZ_CCACHE ccache)
if(HZ_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${HZ_CCACHE})
endif()
find_program(HZ_MOLD mold)
if(HZ_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -fno-omit-frame-pointer)
# Statement expressions carry HZ_TRY (src/base/result.h); both supported compilers have them.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options(-Wno-gnu-statement-expression)
endif()
if(HZ_STRICT)
  add_compile_options(-Werror)
endif()
if(HZ_SANITIZE)
  add_compile_options(-fsanitize=${HZ_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HZ_SANITIZE})
endif()

# What test programs share, compiled once: the test framework's main, and the replay of a fuzz target's corpus.
if(HZ_TESTS)
  add_library(unit_main OBJECT ${PROJECT_SOURCE_DIR}/tests/unit_main.cc)
  add_library(fuzz_replay OBJECT EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/tests/fuzz_replay.cc)
  add_custom_target(units)    # every unit test program
  add_custom_target(fuzzers)  # every fuzz target
endif()

# The standard headers nearly every file wants, parsed once. Never in the strict build, which shows missing includes.
option(HZ_PCH "Precompile the common standard headers" OFF)
if(HZ_PCH)
  add_library(hz_pch STATIC ${PROJECT_SOURCE_DIR}/cmake/pch.cc)
  # Nothing of ours: a changed header of the project rebuilds only who includes it.
  target_precompile_headers(hz_pch PRIVATE <fmt/core.h> <algorithm> <array> <cstdint> <expected> <filesystem> <functional>
    <map> <memory> <optional> <set> <span> <string> <string_view> <tuple> <utility> <variant> <vector>)
  target_link_libraries(hz_pch PRIVATE fmt::fmt)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # ccache compares contents; a time stamp inside the precompiled header would defeat it.
    target_compile_options(hz_pch PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()
function(hz_precompile target)
  if(HZ_PCH)
    target_precompile_headers(${target} REUSE_FROM hz_pch)
  endif()
endfunction()

# hz_module(name DEPENDS a b LIBS x y): the library in src/<name>, its unit tests and its SQL.
#
# DEPENDS lists every module whose headers this one may include: tools/arrows fails on any other include.
# *_test.cc become the test program unit.<name>; *.sql become constants in <name>/sql_text.h, namespace hz::<name>::sql_text.
function(hz_module name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LIBS" ${ARGN})
  set(dir ${CMAKE_CURRENT_SOURCE_DIR}/${name})
  file(GLOB sources CONFIGURE_DEPENDS ${dir}/*.cc)
  file(GLOB tests CONFIGURE_DEPENDS ${dir}/*_test.cc)
  file(GLOB sqls CONFIGURE_DEPENDS ${dir}/*.sql)
  list(REMOVE_ITEM sources ${tests} ${dir}/main.cc "")
  set(target hz_${name})
  if(sources)
    add_library(${target} STATIC ${sources})
    hz_precompile(${target})
    set(scope PUBLIC)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${target} ${scope} ${PROJECT_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/gen)
  foreach(dep IN LISTS ARG_DEPENDS)
    target_link_libraries(${target} ${scope} hz_${dep})
  endforeach()
  target_link_libraries(${target} ${scope} ${ARG_LIBS})
  if(sqls)
    set(out ${CMAKE_BINARY_DIR}/gen/${name}/sql_text.h)
    add_custom_command(OUTPUT ${out}
      COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DMODULE=${name} "-DSQL=${sqls}" -P ${PROJECT_SOURCE_DIR}/cmake/embed_sql.cmake
      DEPENDS ${sqls} ${PROJECT_SOURCE_DIR}/cmake/embed_sql.cmake VERBATIM)
    add_custom_target(${target}_sql DEPENDS ${out})
    add_dependencies(${target} ${target}_sql)
  endif()
  set_property(GLOBAL APPEND PROPERTY HZ_MODULES ${name})
  set_property(GLOBAL PROPERTY HZ_DEPENDS_${name} "${ARG_DEPENDS}")
  if(HZ_TESTS AND tests)
    add_executable(unit_${name} ${tests})
    target_link_libraries(unit_${name} PRIVATE ${target} unit_main)
    hz_precompile(unit_${name})
    add_dependencies(units unit_${name})
    target_compile_definitions(unit_${name} PRIVATE HZ_SOURCE_DIR="${PROJECT_SOURCE_DIR}" HZ_BINARY_DIR="${CMAKE_BINARY_DIR}")
    add_test(NAME unit.${name} COMMAND unit_${name})
  endif()
endfunction()

# hz_embed(module file): the file's text becomes <module>/<stem>.h, constant hz::<module>::embedded::<stem>; '-' and '.' turn to '_'.
function(hz_embed module file)
  get_filename_component(stem ${file} NAME_WLE)
  string(REGEX REPLACE "[^A-Za-z0-9]" "_" stem ${stem})
  cmake_parse_arguments(ARG "" "AS" "" ${ARGN})
  if(ARG_AS)
    set(stem ${ARG_AS})
  endif()
  set(out ${CMAKE_BINARY_DIR}/gen/${module}/${stem}.h)
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DMODULE=${module} -DNAME=${stem} -DFILE=${file} -P ${PROJECT_SOURCE_DIR}/cmake/embed_text.cmake
    DEPENDS ${file} ${PROJECT_SOURCE_DIR}/cmake/embed_text.cmake VERBATIM)
  add_custom_target(hz_${module}_${stem} DEPENDS ${out})
  add_dependencies(hz_${module} hz_${module}_${stem})
endfunction()

# hz_fuzz(name SOURCE LIBS...): a libFuzzer target when clang sanitizes, else a replayer of the same body over a seed corpus.
# tests/fuzz/<name>/ holds the corpus. CI runs a fixed number of executions.
function(hz_fuzz name)
  cmake_parse_arguments(ARG "" "" "LIBS" ${ARGN})
  if(NOT HZ_TESTS)
    return()
  endif()
  add_executable(fuzz_${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/${name}.cc)
  target_link_libraries(fuzz_${name} PRIVATE ${ARG_LIBS})
  add_dependencies(fuzzers fuzz_${name})
  set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/${name})
  if(HZ_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    # A scratch directory first, so that new inputs never land in the source tree.
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz/${name})
    add_test(NAME fuzz.${name} COMMAND fuzz_${name} -runs=20000 -seed=1 -max_total_time=60 -rss_limit_mb=2048 -timeout=10
             ${CMAKE_BINARY_DIR}/fuzz/${name} ${corpus})
  else()
    target_link_libraries(fuzz_${name} PRIVATE fuzz_replay)
    add_test(NAME fuzz.${name} COMMAND fuzz_${name} ${corpus})
  endif()
  set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz)
endfunction()

# hz_source_digest(module AS name OF a b): SHA-256 over the sources of modules a, b ... (tests left out), as constant
# hz::<module>::<name> in <module>/<name>.h. What depends on "this code" compares it, and nobody has to raise a number.
function(hz_source_digest module)
  cmake_parse_arguments(ARG "" "AS" "OF" ${ARGN})
  set(files "")
  foreach(of IN LISTS ARG_OF)
    file(GLOB found CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${of}/*.cc ${CMAKE_CURRENT_SOURCE_DIR}/${of}/*.h
         ${CMAKE_CURRENT_SOURCE_DIR}/${of}/*.sql)
    list(FILTER found EXCLUDE REGEX "_test\\.cc$")
    list(APPEND files ${found})
  endforeach()
  set(out ${CMAKE_BINARY_DIR}/gen/${module}/${ARG_AS}.h)
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DMODULE=${module} -DNAME=${ARG_AS} "-DFILES=${files}" -DROOT=${CMAKE_CURRENT_SOURCE_DIR}
            -P ${PROJECT_SOURCE_DIR}/cmake/source_digest.cmake
    DEPENDS ${files} ${PROJECT_SOURCE_DIR}/cmake/source_digest.cmake VERBATIM)
  add_custom_target(hz_${module}_${ARG_AS} DEPENDS ${out})
  add_dependencies(hz_${module} hz_${module}_${ARG_AS})
endfunction()
