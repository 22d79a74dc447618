# SPDX-License-Identifier: GPL-2.0-only
# Each script tests/system/NAME.sh is one test, labelled `system`: it gets the build directory in RING1_BUILD, runs
# in the source directory, and passes with status 0; status 77 means that it was skipped.
file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/system/*.sh)
foreach(script ${scripts})
  get_filename_component(name ${script} NAME_WE)
  add_test(NAME system.${name} COMMAND bash ${script} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(system.${name} PROPERTIES LABELS system TIMEOUT 900 SKIP_RETURN_CODE 77
    ENVIRONMENT RING1_BUILD=${CMAKE_BINARY_DIR})
endforeach()
