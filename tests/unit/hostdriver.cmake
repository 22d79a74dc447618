# SPDX-License-Identifier: GPL-2.0-only
add_subdirectory(${CMAKE_SOURCE_DIR}/tests/ioctl ${CMAKE_BINARY_DIR}/tests/ioctl)
