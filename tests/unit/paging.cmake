# SPDX-License-Identifier: GPL-2.0-only
ring1_unit_test(paging_test
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/unit/paging_long_walk_test.cpp
  LINK paging)
