# SPDX-License-Identifier: GPL-2.0-only
file(GLOB emulator_core_sources ${CMAKE_CURRENT_LIST_DIR}/emulator_core_*.cpp)
ring1_unit_test(emulator_core_test SOURCES ${emulator_core_sources} LINK emulator native_tests)
