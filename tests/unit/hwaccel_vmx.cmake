# SPDX-License-Identifier: GPL-2.0-only
ring1_unit_test(hwaccel_vmx_test
  SOURCES unit/hwaccel_vmx_capability_test.cpp unit/hwaccel_vmx_exit_test.cpp unit/hwaccel_vmx_field_test.cpp
          unit/hwaccel_vmx_guest_check_test.cpp unit/hwaccel_nested_tables_test.cpp
  LINK hwaccel)
