# SPDX-License-Identifier: GPL-2.0-only
# What the tests that run code on the processor itself share.
add_library(ring1_native_tests STATIC unit/oracle.cpp unit/user_segments.cpp unit/snippet_guard.cpp)
target_include_directories(ring1_native_tests PUBLIC ${CMAKE_CURRENT_LIST_DIR})
target_compile_options(ring1_native_tests PRIVATE ${RING1_WARNINGS})
