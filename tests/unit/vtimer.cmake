# SPDX-License-Identifier: GPL-2.0-only
ring1_unit_test(vtimer_test
  SOURCES unit/vtimer_clock_test.cpp unit/tsc_restart_test.cpp unit/vtimer_pit_test.cpp unit/vtimer_pvclock_test.cpp
  LINK vtimer)
