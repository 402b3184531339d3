# The project's kinds of targets, so that each folder's CMakeLists.txt says what it has and nothing else.
#
#   coffer_library(<name> SOURCES <file>... [DEPS <target>...] [PRIVATE_DEPS <target>...] [PRECOMPILE <header>...])
#       static library coffer_<name>; includes are written from the repository's root. PRECOMPILE: others' headers that
#       most of its files include anyway
#   coffer_program(<name> SOURCES <file>... [DEPS <target>...])
#       executable bin/<name>
#   coffer_proto(<name> PROTOS <file>... IMPORT <dir> [GRPC] [DEPS <target>...])
#       static library coffer_<name> of the code generated from <dir>/<file>; its headers are SYSTEM
#   coffer_test(<name> SOURCES <file>... [DEPS <target>...] [LABELS <label>...] [TIMEOUT <seconds>] [NO_PCH])
#       one GoogleTest binary, one ctest of that name; label "unit" unless told, 300 seconds unless told
#   coffer_script_test(<name> COMMAND <word>... [LABELS <label>...] [TIMEOUT <seconds>])
#       a ctest that runs a command, in the repository's root
#   coffer_bench(<name> SOURCES <file>... [DEPS <target>...] [ARGS <word>...])
#       executable bench/<name>, run by `make bench` (ctest label "bench")
#   coffer_fuzz(<name> SOURCES <file>... [DEPS <target>...] CORPUS <dir>)
#       with COFFER_FUZZ a libFuzzer binary fuzz/<name>; else a ctest that replays the corpus
#
# DEPS are CMake targets: coffer_crypto, OpenSSL::Crypto, PkgConfig::SODIUM.
# Every test runs in the repository's root, whatever the build folder is.
#
#   COFFER_GRPC      ON builds the floors that need gRPC; asan, tsan and fuzz builds have it OFF
#   COFFER_SANITIZE  what -fsanitize takes: "", "address,undefined" or "thread"
#   COFFER_FUZZ      ON builds the fuzz targets with libFuzzer, address and undefined (clang only)

include_guard(GLOBAL)
include(CheckPIESupported)

option(COFFER_GRPC "Build the floors that need gRPC" ON)
option(COFFER_FUZZ "Build the fuzz targets with libFuzzer" OFF)
set(COFFER_SANITIZE "" CACHE STRING "Sanitizers of this build: nothing, \"address,undefined\" or \"thread\"")
if(NOT COFFER_SANITIZE MATCHES "^(address|undefined|address,undefined|thread)?$")
  message(FATAL_ERROR "COFFER_SANITIZE is \"${COFFER_SANITIZE}\"; it may be empty, address,undefined or thread.")
endif()
if(COFFER_FUZZ AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "COFFER_FUZZ needs clang, which has libFuzzer.")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
check_pie_supported()

find_program(COFFER_CCACHE ccache)
if(COFFER_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${COFFER_CCACHE})
endif()

# ---- Flags. coffer_warnings goes to our code only, coffer_flags to generated code as well.

add_library(coffer_flags INTERFACE)
add_library(coffer_warnings INTERFACE)
target_compile_options(coffer_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(coffer_warnings INTERFACE -Wthread-safety)
else()
  # GCC 12 warns falsely about std::string's operator+ (GCC bug 105651).
  target_compile_options(coffer_warnings INTERFACE -Wno-restrict)
endif()

target_compile_options(coffer_flags INTERFACE -fstack-protector-strong)
target_link_options(coffer_flags INTERFACE -Wl,-z,relro,-z,now -Wl,-z,noexecstack)
set(_coffer_sanitizers ${COFFER_SANITIZE})
if(COFFER_FUZZ)
  set(_coffer_sanitizers fuzzer-no-link,address,undefined)
endif()
if(NOT _coffer_sanitizers)
  target_compile_options(coffer_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>)
else()
  set(_coffer_sanitize -fsanitize=${_coffer_sanitizers} -fno-sanitize-recover=all)
  target_compile_options(coffer_flags INTERFACE ${_coffer_sanitize} -fno-omit-frame-pointer -U_FORTIFY_SOURCE)
  target_link_options(coffer_flags INTERFACE ${_coffer_sanitize})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Instrumented code confuses GCC's flow analysis.
    target_compile_options(coffer_warnings INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()

function(_coffer_set_up target)
  target_link_libraries(${target} PRIVATE coffer_flags coffer_warnings)
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR})
endfunction()

function(_coffer_require name)
  foreach(argument IN LISTS ARGN)
    if(NOT ARG_${argument})
      message(FATAL_ERROR "${name}: ${argument} is missing.")
    endif()
  endforeach()
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "${name}: unknown arguments ${ARG_UNPARSED_ARGUMENTS}.")
  endif()
endfunction()

# Of whatever has a precompiled header; with ccache that needs CCACHE_SLOPPINESS=pch_defines,time_macros, which the
# Makefile sets. -pthread: gRPC's targets bring it, and a precompiled header serves only those compiled with the same
# macros.
add_library(coffer_pch_flags INTERFACE)
target_compile_options(coffer_pch_flags INTERFACE -pthread)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(coffer_pch_flags INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
else()
  target_compile_options(coffer_pch_flags INTERFACE -fpch-preprocess)
endif()

# ---- Libraries and programs.

function(coffer_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS;PRECOMPILE" ${ARGN})
  _coffer_require(${name} SOURCES)
  add_library(coffer_${name} STATIC ${ARG_SOURCES})
  _coffer_set_up(coffer_${name})
  target_link_libraries(coffer_${name} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
  if(ARG_PRECOMPILE)
    target_link_libraries(coffer_${name} PRIVATE coffer_pch_flags)
    target_precompile_headers(coffer_${name} PRIVATE ${ARG_PRECOMPILE})
  endif()
endfunction()

function(coffer_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  _coffer_require(${name} SOURCES)
  add_executable(${name} ${ARG_SOURCES})
  _coffer_set_up(${name})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
endfunction()

function(coffer_proto name)
  cmake_parse_arguments(ARG "GRPC" "IMPORT" "PROTOS;DEPS" ${ARGN})
  _coffer_require(${name} PROTOS IMPORT)
  find_program(COFFER_PROTOC protoc REQUIRED)
  find_program(COFFER_GRPC_PLUGIN grpc_cpp_plugin REQUIRED)
  get_filename_component(import ${ARG_IMPORT} ABSOLUTE)
  set(out ${CMAKE_BINARY_DIR}/generated)
  file(MAKE_DIRECTORY ${out})
  set(generated "")
  foreach(proto IN LISTS ARG_PROTOS)
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    set(files ${out}/${stem}.pb.cc ${out}/${stem}.pb.h)
    set(grpc_arguments "")
    if(ARG_GRPC)
      list(APPEND files ${out}/${stem}.grpc.pb.cc ${out}/${stem}.grpc.pb.h)
      set(grpc_arguments --grpc_out=${out} --plugin=protoc-gen-grpc=${COFFER_GRPC_PLUGIN})
    endif()
    add_custom_command(
      OUTPUT ${files}
      COMMAND ${COFFER_PROTOC} --proto_path=${import} --cpp_out=${out} ${grpc_arguments} ${import}/${proto}
      DEPENDS ${import}/${proto}
      COMMENT "Generating ${stem}.pb"
      VERBATIM)
    list(APPEND generated ${files})
  endforeach()
  add_library(coffer_${name} STATIC ${generated})
  target_include_directories(coffer_${name} SYSTEM PUBLIC ${out})
  target_compile_options(coffer_${name} PRIVATE -w)
  target_link_libraries(coffer_${name} PUBLIC ${ARG_DEPS} PRIVATE coffer_flags)
endfunction()

# ---- Tests.

set(_coffer_runner "")
if(COFFER_SANITIZE STREQUAL "thread")
  # The thread sanitizer's shadow memory collides with a randomised address space on newer kernels.
  execute_process(COMMAND setarch -R true RESULT_VARIABLE _coffer_setarch OUTPUT_QUIET ERROR_QUIET)
  if(_coffer_setarch EQUAL 0)
    set(_coffer_runner setarch -R)
  endif()
endif()
set(_coffer_environment
    "ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:allocator_may_return_null=1"
    "UBSAN_OPTIONS=print_stacktrace=1"
    "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1")

function(_coffer_add_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "COMMAND;LABELS" ${ARGN})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${_coffer_runner} ${ARG_COMMAND} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
                                          ENVIRONMENT "${_coffer_environment}")
endfunction()

# One precompiled header serves every test.
function(_coffer_test_pch)
  if(TARGET coffer_test_pch)
    return()
  endif()
  file(WRITE ${CMAKE_BINARY_DIR}/coffer_test_pch.cc.in "int main() { return 0; }\n")
  configure_file(${CMAKE_BINARY_DIR}/coffer_test_pch.cc.in ${CMAKE_BINARY_DIR}/coffer_test_pch.cc COPYONLY)
  add_executable(coffer_test_pch ${CMAKE_BINARY_DIR}/coffer_test_pch.cc)
  _coffer_set_up(coffer_test_pch)
  target_link_libraries(coffer_test_pch PRIVATE GTest::gtest coffer_pch_flags)
  target_precompile_headers(coffer_test_pch PRIVATE
    <gtest/gtest.h> <algorithm> <array> <cstddef> <cstdint> <functional> <map> <memory> <optional> <set> <span>
    <string> <string_view> <thread> <utility> <vector>)
endfunction()

function(coffer_test name)
  cmake_parse_arguments(ARG "NO_PCH" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  _coffer_require(${name} SOURCES)
  find_package(GTest REQUIRED)
  add_executable(${name} ${ARG_SOURCES})
  _coffer_set_up(${name})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gtest GTest::gtest_main)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # More of GCC bug 105651, in the long expressions that tests like.
    target_compile_options(${name} PRIVATE -Wno-array-bounds -Wno-stringop-overflow)
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(NOT ARG_NO_PCH)
    _coffer_test_pch()
    target_link_libraries(${name} PRIVATE coffer_pch_flags)
    target_precompile_headers(${name} REUSE_FROM coffer_test_pch)
  endif()
  _coffer_add_test(${name} COMMAND $<TARGET_FILE:${name}> LABELS ${ARG_LABELS} TIMEOUT ${ARG_TIMEOUT})
endfunction()

function(coffer_script_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "COMMAND;LABELS" ${ARGN})
  _coffer_require(${name} COMMAND)
  _coffer_add_test(${name} COMMAND ${ARG_COMMAND} LABELS ${ARG_LABELS} TIMEOUT ${ARG_TIMEOUT})
endfunction()

function(coffer_bench name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;ARGS" ${ARGN})
  _coffer_require(${name} SOURCES)
  add_executable(${name} ${ARG_SOURCES})
  _coffer_set_up(${name})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
  _coffer_add_test(${name} COMMAND $<TARGET_FILE:${name}> ${ARG_ARGS} LABELS bench TIMEOUT 3600)
  set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
endfunction()

# ---- Fuzz targets. A file fuzz/<name>.corpus beside the binary tells `make fuzz` where the corpus is.

file(GLOB _coffer_old_corpora ${CMAKE_BINARY_DIR}/fuzz/*.corpus)
if(_coffer_old_corpora)
  file(REMOVE ${_coffer_old_corpora})
endif()

function(coffer_fuzz name)
  cmake_parse_arguments(ARG "" "CORPUS" "SOURCES;DEPS" ${ARGN})
  _coffer_require(${name} SOURCES CORPUS)
  get_filename_component(corpus ${ARG_CORPUS} ABSOLUTE)
  add_executable(${name} ${ARG_SOURCES})
  _coffer_set_up(${name})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  if(COFFER_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)  # brings main()
    file(WRITE ${CMAKE_BINARY_DIR}/fuzz/${name}.corpus "${corpus}\n")
    _coffer_add_test(${name} COMMAND $<TARGET_FILE:${name}> -runs=0 ${corpus})
  else()
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.cc)
    _coffer_add_test(${name} COMMAND $<TARGET_FILE:${name}> ${corpus})
  endif()
endfunction()
