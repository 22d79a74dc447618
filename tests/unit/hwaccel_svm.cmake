# SPDX-License-Identifier: GPL-2.0-only
ring1_unit_test(hwaccel_svm_test
  SOURCES unit/hwaccel_svm_assist_test.cpp unit/hwaccel_svm_controls_test.cpp unit/hwaccel_svm_exit_test.cpp
          unit/hwaccel_svm_npt_test.cpp unit/hwaccel_svm_state_test.cpp
  LINK hwaccel)
