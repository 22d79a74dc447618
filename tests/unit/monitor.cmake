# SPDX-License-Identifier: GPL-2.0-only
# What of the monitor needs no world of its own.
ring1_unit_test(monitor_test SOURCES unit/monitor_recent_pages_test.cpp unit/monitor_withdrawals_test.cpp LINK shadowmmu)
