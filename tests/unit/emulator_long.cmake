# SPDX-License-Identifier: GPL-2.0-only
file(GLOB emulator_long_sources ${CMAKE_CURRENT_LIST_DIR}/emulator_long_*.cpp)
ring1_unit_test(emulator_long_test
  SOURCES ${emulator_long_sources} ${CMAKE_CURRENT_LIST_DIR}/emulator_core_forms.cpp
    ${CMAKE_CURRENT_LIST_DIR}/emulator_core_qemu.cpp
  LINK emulator native_tests)
