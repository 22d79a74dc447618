# SPDX-License-Identifier: GPL-2.0-only
ring1_unit_test(sched_test
  SOURCES unit/sched_queue_test.cpp unit/sched_round_robin_test.cpp unit/sched_bvt_test.cpp unit/sched_sedf_test.cpp
    unit/sched_credit_test.cpp
  LINK sched)
ring1_unit_test(sched_property_test
  SOURCES unit/sched_share_test.cpp unit/sched_fairness_test.cpp unit/sched_latency_test.cpp
  LINK sched_sim)
