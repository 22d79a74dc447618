# SPDX-License-Identifier: GPL-2.0-only
ring1_unit_test(emulator_core_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/emulator_core_differential_test.cpp ${CMAKE_CURRENT_LIST_DIR}/emulator_core_forms.cpp
    ${CMAKE_CURRENT_LIST_DIR}/emulator_core_native.cpp
  LINK emulator)
