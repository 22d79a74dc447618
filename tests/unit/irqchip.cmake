# SPDX-License-Identifier: GPL-2.0-only
ring1_unit_test(irqchip_test
  SOURCES unit/irqchip_pic_test.cpp unit/irqchip_apic_test.cpp
  LINK irqchip)
