# SPDX-License-Identifier: GPL-2.0-only
ring1_unit_test(translator_test
  SOURCES unit/translator_golden_test.cpp unit/translator_text.cpp unit/translator_test.cpp unit/translator_plain_test.cpp
    unit/translator_allocation_test.cpp unit/translator_run_test.cpp unit/translator_cpu.cpp unit/translator_monitor.cpp unit/translator_program.cpp
  LINK translator native_tests)
