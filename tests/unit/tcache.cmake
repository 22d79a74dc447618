# SPDX-License-Identifier: GPL-2.0-only
ring1_unit_test(tcache_test
  SOURCES unit/tcache_test.cpp unit/tcache_slab_test.cpp unit/tcache_map_test.cpp unit/tcache_random_test.cpp
  LINK tcache)
