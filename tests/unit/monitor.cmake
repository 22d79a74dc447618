# SPDX-License-Identifier: GPL-2.0-only
# What of the monitor needs no world of its own.
ring1_unit_test(monitor_test SOURCES unit/monitor_recent_pages_test.cpp unit/monitor_withdrawals_test.cpp
  unit/monitor_plain_store_test.cpp ${CMAKE_SOURCE_DIR}/monitor/bt/plain_store.cpp LINK shadowmmu translator)
# Short ways against the general ones.
ring1_unit_test(monitor_gates_test
  SOURCES unit/monitor_gates_test.cpp ${CMAKE_SOURCE_DIR}/monitor/bt/gates.cpp ${CMAKE_SOURCE_DIR}/monitor/bt/segments.cpp
  LINK emulator shadowmmu)
# The monitor's own classes, on a host that answers in user space (monitor_world.h).
ring1_unit_test(monitor_world_test
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/unit/monitor_world.cpp
          ${CMAKE_CURRENT_SOURCE_DIR}/unit/monitor_host_test.cpp
          ${CMAKE_CURRENT_SOURCE_DIR}/unit/monitor_guest_memory_test.cpp
          ${CMAKE_CURRENT_SOURCE_DIR}/unit/monitor_machine_test.cpp
          ${CMAKE_CURRENT_SOURCE_DIR}/unit/monitor_segments_test.cpp
          ${CMAKE_CURRENT_SOURCE_DIR}/unit/monitor_hidden_memory_test.cpp
          ${CMAKE_CURRENT_SOURCE_DIR}/unit/monitor_devices_test.cpp
          ${CMAKE_CURRENT_SOURCE_DIR}/unit/monitor_paravirt_clock_test.cpp
          ${CMAKE_CURRENT_SOURCE_DIR}/unit/monitor_tick_handler_test.cpp
          ${CMAKE_SOURCE_DIR}/monitor/world/debug_registers.cpp
          ${CMAKE_SOURCE_DIR}/monitor/world/host.cpp
          ${CMAKE_SOURCE_DIR}/monitor/world/log.cpp
          ${CMAKE_SOURCE_DIR}/monitor/world/page_pool.cpp
          ${CMAKE_SOURCE_DIR}/monitor/world/system_call_registers.cpp
          ${CMAKE_SOURCE_DIR}/monitor/board/devices.cpp
          ${CMAKE_SOURCE_DIR}/monitor/board/guest_memory.cpp
          ${CMAKE_SOURCE_DIR}/monitor/vcpu/machine.cpp
          ${CMAKE_SOURCE_DIR}/monitor/vcpu/machine_memory.cpp
          ${CMAKE_SOURCE_DIR}/monitor/vcpu/machine_msr.cpp
          ${CMAKE_SOURCE_DIR}/monitor/vcpu/machine_paging.cpp
          ${CMAKE_SOURCE_DIR}/monitor/vcpu/machine_physical.cpp
          ${CMAKE_SOURCE_DIR}/monitor/vcpu/paravirt_clock.cpp
          ${CMAKE_SOURCE_DIR}/monitor/vcpu/tick_handler.cpp
          ${CMAKE_SOURCE_DIR}/monitor/bt/narrow_stack.cpp
          ${CMAKE_SOURCE_DIR}/monitor/bt/segments.cpp
          ${CMAKE_SOURCE_DIR}/monitor/bt/tc_memory.cpp
  LINK emulator shadowmmu irqchip vtimer)
target_compile_definitions(monitor_world_test PRIVATE RING1_GUEST_WINDOW=0x200000000000)
