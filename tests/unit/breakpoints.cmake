# SPDX-License-Identifier: GPL-2.0-only
ring1_unit_test(breakpoints_test
  SOURCES unit/breakpoints_test.cpp
  LINK base)
