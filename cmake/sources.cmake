# SPDX-License-Identifier: GPL-2.0-only
# Zydis and asmjit for the monitor, built freestanding from Debian's source packages. The packaged binaries use SSE,
# exceptions and thread-local storage; user space uses them all the same.
#
#   ring1_zydis_headers, ring1_asmjit_headers            include directories, and the definitions that every file
#                                                        including the headers must share with the library
#   ring1_zydis_freestanding, ring1_asmjit_freestanding  the libraries

if(NOT RING1_SOURCES_DIR)
  set(ring1_cache $ENV{RING1_CACHE})
  if(NOT ring1_cache AND DEFINED ENV{XDG_CACHE_HOME})
    set(ring1_cache $ENV{XDG_CACHE_HOME}/ring1)
  elseif(NOT ring1_cache)
    set(ring1_cache $ENV{HOME}/.cache/ring1)
  endif()
  if(EXISTS ${ring1_cache}/stamp/sources)
    set(RING1_SOURCES_DIR ${ring1_cache}/src)
  endif()
endif()
if(NOT RING1_SOURCES_DIR)
  message(STATUS "No sources of Zydis and asmjit (scripts/setup.sh fetches them): the monitor is not built")
  return()
endif()

add_library(ring1_zydis_headers INTERFACE)
target_include_directories(ring1_zydis_headers SYSTEM INTERFACE
  ${RING1_SOURCES_DIR}/zydis/include ${RING1_SOURCES_DIR}/zycore/usr/include)
target_compile_definitions(ring1_zydis_headers INTERFACE
  ZYAN_NO_LIBC ZYAN_CUSTOM_LIBC ZYDIS_STATIC_BUILD ZYCORE_STATIC_BUILD
  ZYDIS_DISABLE_FORMATTER ZYDIS_DISABLE_ENCODER ZYDIS_DISABLE_SEGMENT)
target_compile_options(ring1_zydis_headers INTERFACE
  "SHELL:-include ${CMAKE_SOURCE_DIR}/freestanding/zyan_libc.h")

add_library(ring1_asmjit_headers INTERFACE)
target_include_directories(ring1_asmjit_headers SYSTEM INTERFACE ${RING1_SOURCES_DIR}/asmjit/src)
target_compile_definitions(ring1_asmjit_headers INTERFACE
  ASMJIT_STATIC ASMJIT_BUILD_RELEASE ASMJIT_NO_DEPRECATED ASMJIT_NO_AARCH32 ASMJIT_NO_AARCH64 ASMJIT_NO_JIT
  ASMJIT_NO_LOGGING ASMJIT_NO_TEXT ASMJIT_NO_BUILDER ASMJIT_NO_COMPILER ASMJIT_NO_VALIDATION
  ASMJIT_NO_INTROSPECTION)

# No plain names here: this is everyone's scope.
set(ring1_zydis_source ${RING1_SOURCES_DIR}/zydis/src)
add_library(ring1_zydis_freestanding STATIC EXCLUDE_FROM_ALL
  ${ring1_zydis_source}/Decoder.c ${ring1_zydis_source}/DecoderData.c ${ring1_zydis_source}/SharedData.c ${ring1_zydis_source}/Register.c)
target_include_directories(ring1_zydis_freestanding PRIVATE ${ring1_zydis_source})

set(ring1_asmjit_source ${RING1_SOURCES_DIR}/asmjit/src/asmjit)
add_library(ring1_asmjit_freestanding STATIC EXCLUDE_FROM_ALL freestanding/asmjit_pieces.cpp
  ${ring1_asmjit_source}/x86/x86assembler.cpp ${ring1_asmjit_source}/x86/x86instdb.cpp)
foreach(name archtraits assembler codeholder codewriter constpool emitter environment errorhandler globals type
             zone zonevector)
  target_sources(ring1_asmjit_freestanding PRIVATE ${ring1_asmjit_source}/core/${name}.cpp)
endforeach()
target_compile_features(ring1_asmjit_freestanding PRIVATE cxx_std_17)

foreach(package zydis asmjit)
  set(library ring1_${package}_freestanding)
  target_link_libraries(${library} PUBLIC ring1_${package}_headers)
  target_compile_definitions(${library} PRIVATE NDEBUG)
  # Foreign code: its warnings are not ours to act on.
  target_compile_options(${library} PRIVATE -w ${RING1_FREESTANDING_FLAGS}
    $<$<COMPILE_LANGUAGE:CXX>:${RING1_FREESTANDING_CXX_FLAGS}>)
endforeach()
