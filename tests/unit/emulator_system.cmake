# SPDX-License-Identifier: GPL-2.0-only
ring1_unit_test(emulator_system_test
  SOURCES unit/emulator_system_segment_test.cpp unit/emulator_system_deliver_test.cpp
          unit/emulator_system_far_test.cpp unit/emulator_system_task_test.cpp unit/emulator_system_register_test.cpp
          unit/emulator_system_mode_test.cpp
  LINK emulator)
