# SPDX-License-Identifier: GPL-2.0-only
# A component is a plain C++ library that is built twice: for user space, where the tests exercise it, and
# freestanding, for the monitor.

option(RING1_WERROR "a warning ends the build; OFF for compilers that nobody has tried" ON)
# Those of the tests; the product's are stricter.
set(RING1_WARNINGS -Wall -Wextra -Wno-missing-field-initializers $<$<BOOL:${RING1_WERROR}>:-Werror>)
set(RING1_STRICT_WARNINGS ${RING1_WARNINGS} -Wconversion -Wsign-conversion -Wshadow -Wsuggest-override -Woverloaded-virtual)

option(RING1_SANITIZE "the address and undefined-behaviour sanitizers in all that unit tests run" OFF)
# Not at the end of other programs: they are linked statically, or run where no library is.
set(RING1_SANITIZERS $<$<BOOL:${RING1_SANITIZE}>:-fsanitize=address,undefined>)
set(RING1_SANITIZERS_STRICT ${RING1_SANITIZERS} $<$<BOOL:${RING1_SANITIZE}>:-fno-sanitize-recover=all>)

# Where the set-up step unpacked the sources of Zydis and asmjit; empty: no monitor is built.
set(RING1_SOURCES_DIR "" CACHE PATH "unpacked package sources of Zydis and asmjit")

set(RING1_FREESTANDING_FLAGS
  -ffreestanding -fno-stack-protector -mgeneral-regs-only -mno-red-zone -fno-pic -mcmodel=kernel -O2
  -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fcf-protection=none -fno-strict-aliasing)
set(RING1_FREESTANDING_CXX_FLAGS -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-use-cxa-atexit)

# ring1_component(NAME SOURCES a.cpp b.cpp [USES zydis asmjit] [LINK base emulator])
function(ring1_component name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;LINK" ${ARGN})
  add_library(ring1_${name} STATIC ${ARG_SOURCES})
  target_include_directories(ring1_${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_compile_options(ring1_${name} PRIVATE ${RING1_STRICT_WARNINGS} ${RING1_SANITIZERS_STRICT})
  target_link_options(ring1_${name} PUBLIC ${RING1_SANITIZERS})
  foreach(other ${ARG_LINK})
    target_link_libraries(ring1_${name} PUBLIC ring1_${other})
  endforeach()
  if(zydis IN_LIST ARG_USES)
    target_link_libraries(ring1_${name} PUBLIC Zydis Zycore)
  endif()
  if(asmjit IN_LIST ARG_USES)
    target_compile_definitions(ring1_${name} PUBLIC ASMJIT_STATIC)
    target_link_libraries(ring1_${name} PUBLIC asmjit rt)
  endif()

  add_library(ring1_${name}_freestanding OBJECT EXCLUDE_FROM_ALL ${ARG_SOURCES})
  target_include_directories(ring1_${name}_freestanding PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_options(ring1_${name}_freestanding PRIVATE ${RING1_STRICT_WARNINGS} ${RING1_FREESTANDING_FLAGS}
    $<$<COMPILE_LANGUAGE:CXX>:${RING1_FREESTANDING_CXX_FLAGS}>)
  foreach(package ${ARG_USES})
    if(TARGET ring1_${package}_headers)
      target_link_libraries(ring1_${name}_freestanding PRIVATE ring1_${package}_headers)
    endif()
  endforeach()
endfunction()

# ring1_unit_test(NAME SOURCES a_test.cpp [LINK tcache translator])
function(ring1_unit_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_compile_options(${name} PRIVATE ${RING1_WARNINGS} ${RING1_SANITIZERS_STRICT})
  target_link_options(${name} PRIVATE ${RING1_SANITIZERS})
  find_package(GTest REQUIRED)
  foreach(other ${ARG_LINK})
    target_link_libraries(${name} PRIVATE ring1_${other})
  endforeach()
  target_link_libraries(${name} PRIVATE GTest::gtest_main)
  if(NOT TARGET unit_tests)
    add_custom_target(unit_tests)
  endif()
  add_dependencies(unit_tests ${name})
  gtest_discover_tests(${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}/tests PROPERTIES TIMEOUT $<IF:$<BOOL:${RING1_SANITIZE}>,300,60> LABELS unit)
endfunction()
include(GoogleTest)
