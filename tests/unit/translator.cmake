# SPDX-License-Identifier: GPL-2.0-only
ring1_unit_test(translator_test
  SOURCES unit/translator_golden_test.cpp unit/translator_text.cpp unit/translator_test.cpp
  LINK translator)
