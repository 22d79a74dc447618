# SPDX-License-Identifier: GPL-2.0-only
# The one door: `make help` tells what there is. Building proper is CMake's and kbuild's work.

build := $(CURDIR)/build
cache := $(or $(RING1_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/ring1)
python := /usr/bin/python3
jobs := $(shell nproc)

# The flavour of the host kernel, without what says which file of it is booted.
HOST_KERNEL ?= cloud
flavour := $(firstword $(subst -, ,$(HOST_KERNEL)))
# Fetched only when they are asked for.
other_kernel := $(filter rt cloud6.12 plain6.12 rt6.12,$(flavour))

# The user's variables reach the harness through the environment. CMD is taken as typed: a $ in it is the shell's
# in the guest, not make's.
ifdef CMD
override CMD := $(value CMD)
endif
export CMD GUEST KERNEL INITRD APPEND MEM CPU SMP HOST_APPEND HOST_KERNEL HOST_MEM RING1_ARGS MODULE_ARGS TIMEOUT \
  STATS BARE NESTED EMULATOR ICOUNT QEMU_ARGS TRACE
export RING1_BUILD := $(build)

# Nothing here gains from the built-in rules, and they would be tried for the loaded object.
MAKEFLAGS += --no-builtin-rules
.PHONY: all setup checked-kernel configure build agents programs module run run-guest host run-host test test-all fuzz bless bench bench-work sched-study time-study format clean help
.DEFAULT_GOAL := all

all: build module

setup:
	@bash scripts/setup.sh $(other_kernel)
	$(if $(filter bochs,$(EMULATOR)),@bash scripts/packages.sh bochs)

# A quarter of an hour and 3 GiB: never asked for by the rest.
checked-kernel: setup
	@bash scripts/checked-kernel.sh

configure: setup
	@[ -e $(build)/build.ninja ] || { echo 'ring1: configuring' >&2; \
	  cmake -S . -B $(build) -G Ninja -DRING1_SOURCES_DIR=$(cache)/src >$(build).log 2>&1 || \
	  { cat $(build).log >&2; rm -f $(build).log $(build)/build.ninja; exit 1; }; rm -f $(build).log; }

# Progress belongs on stderr: stdout is the command's in the guest.
cmake_build := cmake --build $(build) -j $(jobs)
build: configure
	@$(cmake_build) 1>&2

# What running needs, without the tests.
agents: configure
	@$(cmake_build) --target agent64 agent32 1>&2
programs: configure
	@$(cmake_build) --target monitor sched_core ring1 agent64 agent32 1>&2

module: programs
	@bash scripts/build-module.sh $(build) $(flavour)

# make itself would end with 2 whatever the status of the command in the guest: see harness/make_exit.c.
status := $(build)/status.$(shell echo $$PPID)
ifneq ($(filter run host,$(MAKECMDGOALS)),)
-load $(build)/make_exit.so
endif
$(build)/make_exit.so: harness/make_exit.c | setup
	@mkdir -p $(build)
	@$(CC) -shared -fPIC -O2 -o $@ $<

run-guest: $(if $(filter-out 0,$(BARE)),agents,module)
	@$(python) harness/run.py || echo $$? >$(status)
run-host: module
	@$(python) harness/host.py --ring1 || echo $$? >$(status)

run: run-guest
host: run-host
run host:
	@:$(exit-as $(status))

# A test that fails is run once more, and what it said the first time is shown: QEMU now and then loses an interrupt or
# keeps code that was overwritten, and then the emulated host stands still (docs/findings.md).
# SANITIZE=1: the unit tests alone, with the address and undefined-behaviour sanitizers, in a build of their own. With these the
# compiler sees less of what it warns about, and warns of more: the ordinary build is the judge.
ifneq ($(filter-out 0,$(SANITIZE)),)
test: sanitized := $(build)-sanitized
test: setup
	@cmake -S . -B $(sanitized) -G Ninja -DRING1_SANITIZE=ON -DRING1_WERROR=OFF -DRING1_SOURCES_DIR=$(cache)/src >/dev/null
	@cmake --build $(sanitized) -j $(jobs) --target unit_tests 1>&2
	@bash scripts/run-tests.sh $(sanitized) $(jobs) -L unit
else
test: build
	@bash scripts/build-module.sh $(build) cloud plain $(filter checked,$(flavour))
	@bash scripts/run-tests.sh $(build) $(jobs) --repeat until-pass:2
endif

# With the tests' counts at their full numbers, and then the matrix, which tells how far it is: other host processors and
# kernels, Debian, the guest tests and the ioctls on every Bochs model. Hours.
test-all: export RING1_MATRIX ?= all
test-all: export ROBUST_INSERTS ?= 100
test-all: export ROBUST_KILLS ?= 50
test-all: export CROWD_SECONDS ?= 600
test-all: export WORKLIST_RUNS ?= 1000
test-all: export NO_MEMORY_STRIDE ?= 1
test-all: export TIMEOUT ?= 3000
test-all: build
	@bash scripts/build-module.sh $(build) cloud plain
	@bash scripts/run-tests.sh $(build) $(jobs) -E 'system\.matrix'; tests=$$?; \
	bash tests/system/matrix.sh; matrix=$$?; \
	[ $$tests$$matrix = 00 ] && echo 'ring1: all tests and the whole matrix passed' || \
	{ echo "ring1: failed:$$([ $$tests = 0 ] || echo ' tests')$$([ $$matrix = 0 ] || echo ' matrix')"; exit 1; }

# Each part for MINUTES; FUZZ_SEED repeats a run. No test: what it finds becomes one.
fuzz: build
	@bash scripts/build-module.sh $(build) $(flavour)
	@MINUTES=$(MINUTES) FUZZ_SEED=$(FUZZ_SEED) FUZZ_PARTS='$(FUZZ_PARTS)' bash tests/fuzz/run.sh

# The expected translations become what the translator gives: read the difference before it is committed.
bless: build
	@cd tests && RING1_BLESS=1 $(build)/tests/translator_test --gtest_filter='*Golden*' && git --no-pager diff --stat golden

# The table is all that goes to stdout.
bench: build
	@bash scripts/build-module.sh $(build) cloud 1>&2
	@$(python) tests/run_bench

bench-work: build
	@bash scripts/build-module.sh $(build) cloud 1>&2
	@$(python) tests/run_bench_work

# The tables and plots of docs/scheduling.md; with GUESTS=1 also the shares of real guests.
sched-study: $(if $(GUESTS),build,configure)
	@bash scripts/packages.sh study
	@$(cmake_build) --target sched_study 1>&2
	@mkdir -p $(build)/sched-study
	@$(build)/sched/sched_study $(build)/sched-study
	$(if $(GUESTS),@bash scripts/build-module.sh $(build) cloud && SCHED_CSV=$(build)/sched-study/guests.csv bash tests/system/sched.sh && \
	  THROUGHPUT_CSV=$(build)/sched-study/work.csv bash tests/study/throughput.sh)
	@$(python) sched/sim/plot.py $(build)/sched-study docs/scheduling
	@cat docs/scheduling/tables.md

# TIME_SECONDS, TIME_PARTS: see the script. docs/time.md has the tables.
time-study: build
	@bash scripts/build-module.sh $(build) cloud
	@bash tests/time_study

format:
	@bash scripts/packages.sh format
	@git ls-files '*.cpp' '*.h' ':!hostdriver' ':!include' ':!sched/sched.h' | xargs clang-format -i

clean:
	rm -rf $(build) $(build)-sanitized

help:
	@cat scripts/help.txt
