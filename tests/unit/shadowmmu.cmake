# SPDX-License-Identifier: GPL-2.0-only
ring1_unit_test(shadowmmu_test
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/unit/shadowmmu_fault_test.cpp
          ${CMAKE_CURRENT_SOURCE_DIR}/unit/shadowmmu_trace_test.cpp
          ${CMAKE_CURRENT_SOURCE_DIR}/unit/shadowmmu_dirty_test.cpp
          ${CMAKE_CURRENT_SOURCE_DIR}/unit/shadowmmu_hole_test.cpp
          ${CMAKE_CURRENT_SOURCE_DIR}/unit/shadowmmu_random_test.cpp
  LINK shadowmmu)
