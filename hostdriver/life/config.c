// SPDX-License-Identifier: GPL-2.0-only
/* What a monitor is told at its birth: the module's parameters, and what its VM is. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/sizes.h>
#include <asm/tsc.h>

#include "hostdriver/engine/engine.h"
#include "hostdriver/life/life.h"
#include "hostdriver/vm/vcpu.h"
#include "hostdriver/vm/vm.h"
#include "include/ring1/msr_list.h"

unsigned int ring1_tc_size = SZ_4M;
module_param_named(tc_size, ring1_tc_size, uint, 0444);
MODULE_PARM_DESC(tc_size, "bytes of the translation cache of each vCPU, 64 KiB to 64 MiB (default 4 MiB)");

static bool chaining = true;
module_param(chaining, bool, 0444);
MODULE_PARM_DESC(chaining, "link translations directly (default on)");

static bool short_ways = true;
module_param(short_ways, bool, 0444);
MODULE_PARM_DESC(short_ways, "bt: answer common traps without the general way (default on)");

static bool check_recovery;
module_param(check_recovery, bool, 0444);
MODULE_PARM_DESC(check_recovery, "debug: verify the recovery of guest state at every translation");

static u8 check_mmu;
module_param(check_mmu, byte, 0444);
MODULE_PARM_DESC(check_mmu, "debug: verify the shadow page tables at every n-th turn of the monitor (default 0: never)");

static bool trace;
module_param(trace, bool, 0444);
MODULE_PARM_DESC(trace, "debug: log every entry into the guest");

int ring1_config_check(void)
{
	if (ring1_tc_size < SZ_64K || ring1_tc_size > SZ_64M || ring1_tc_size % PAGE_SIZE) {
		pr_err("tc_size must be a multiple of 4096 from 65536 to 67108864, not %u\n", ring1_tc_size);
		return -EINVAL;
	}
	return 0;
}

void ring1_config_fill(struct ring1_vcpu *vcpu)
{
	struct ring1_config *config = &vcpu->shared->config;

	config->tc_bytes = ring1_tc_size;
	config->irqchip = vcpu->vm->irqchip;
	config->pit = vcpu->vm->pit;
	config->chaining = chaining;
	config->short_ways = short_ways;
	config->check_recovery = check_recovery;
	config->check_mmu = check_mmu;
	config->trace = trace;
	config->long_mode = !!(ring1_guest_features(&vcpu->vm->choice) & RING1_FEATURE_LONG_MODE);
	config->engine = vcpu->vm->choice.engine;
	config->nested_paging = vcpu->vm->choice.nested_paging;
	config->active_time = vcpu->vm->choice.active_time;
	config->tsc_stable = !check_tsc_unstable();
	config->created_ns = ktime_get_real_ns();
	config->max_gpa = RING1_MAX_GPA;
	config->physical_bits = RING1_PHYSICAL_BITS;
	config->identity_map = vcpu->vm->identity_map;
	vcpu->shared->drop_late_ticks = vcpu->vm->drop_late_ticks;
}
