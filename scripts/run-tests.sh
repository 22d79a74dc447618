#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# run-tests.sh BUILD JOBS [CTEST-OPTION...]: all tests, each with its time limit, and at the end with what processor the comparing tests
# have compared, and how much.
build=$1 jobs=$2
shift 2
export RING1_ORACLE_DIR=$build/oracle
rm -rf "$RING1_ORACLE_DIR"
mkdir -p "$RING1_ORACLE_DIR"
ctest --test-dir "$build" --output-on-failure -j "$jobs" "$@"
status=$?
cat "$RING1_ORACLE_DIR"/* 2>/dev/null || echo "oracle: nothing was compared with a processor"
exit $status
