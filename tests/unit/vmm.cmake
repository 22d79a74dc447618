# SPDX-License-Identifier: GPL-2.0-only
ring1_unit_test(vmm_test LINK vmm SOURCES
  unit/vmm_images.cpp
  unit/vmm_image_test.cpp
  unit/vmm_linux_boot_test.cpp
  unit/vmm_multiboot_test.cpp
  unit/vmm_firmware_test.cpp
  unit/vmm_serial_test.cpp
  unit/vmm_cmos_test.cpp
  unit/vmm_devices_test.cpp
  unit/vmm_options_test.cpp unit/vmm_sched_test.cpp
  unit/vmm_state_test.cpp
  unit/vmm_control_test.cpp
  unit/vmm_stats_test.cpp)
