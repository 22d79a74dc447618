// SPDX-License-Identifier: GPL-2.0-only
/* Loading and unloading: parameters, the two device nodes. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sizes.h>

#include "hostdriver/ring1.h"

unsigned int ring1_tc_size = SZ_4M;
module_param_named(tc_size, ring1_tc_size, uint, 0444);
MODULE_PARM_DESC(tc_size, "bytes of the translation cache of each vCPU, 64 KiB to 64 MiB (default 4 MiB)");

bool ring1_chaining = true;
module_param_named(chaining, ring1_chaining, bool, 0444);
MODULE_PARM_DESC(chaining, "link translations directly (default on)");

bool ring1_short_ways = true;
module_param_named(short_ways, ring1_short_ways, bool, 0444);
MODULE_PARM_DESC(short_ways, "bt: answer common traps without the general way (default on)");

bool ring1_check_recovery;
module_param_named(check_recovery, ring1_check_recovery, bool, 0444);
MODULE_PARM_DESC(check_recovery, "debug: verify the recovery of guest state at every translation");

u8 ring1_check_mmu;
module_param_named(check_mmu, ring1_check_mmu, byte, 0444);
MODULE_PARM_DESC(check_mmu, "debug: verify the shadow page tables at every n-th turn of the monitor (default 0: never)");

bool ring1_trace;
module_param_named(trace, ring1_trace, bool, 0444);
MODULE_PARM_DESC(trace, "debug: log every entry into the guest");

static const struct file_operations ring1_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = ring1_system_ioctl,
	.compat_ioctl = ring1_system_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice ring1_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ring1",
	.fops = &ring1_fops,
	.mode = 0660, /* the group is udev's to say: 60-ring1.rules */
};

static int check_parameters(void)
{
	if (ring1_tc_size < SZ_64K || ring1_tc_size > SZ_64M || ring1_tc_size % PAGE_SIZE) {
		pr_err("tc_size must be a multiple of 4096 from 65536 to 67108864, not %u\n", ring1_tc_size);
		return -EINVAL;
	}
	return 0;
}

static int __init ring1_init(void)
{
	int ret = check_parameters();

	if (ret)
		return ret;
	ret = ring1_engine_init();
	if (ret)
		return ret;
	ret = ring1_world_init();
	if (ret) {
		ring1_engine_exit();
		return ret;
	}
	ret = ring1_sched_init();
	if (ret) {
		ring1_world_exit();
		ring1_engine_exit();
		return ret;
	}
	ring1_sleep_init();
	ring1_debugfs_init();
	ret = misc_register(&ring1_device);
	if (ret) {
		pr_err("cannot register /dev/ring1: %d\n", ret);
		ring1_debugfs_exit();
		ring1_sleep_exit();
		ring1_sched_exit();
		ring1_world_exit();
		ring1_engine_exit();
		return ret;
	}
	pr_info("ready: /dev/ring1%s, engine %s, scheduler %s, translation cache %u KiB\n",
		ring1_kvm_name_init(&ring1_fops) ? " and /dev/kvm" : "",
		ring1_engine_default_name(), ring1_sched_policy_name(ring1_sched_policy), ring1_tc_size / SZ_1K);
	return 0;
}

static void __exit ring1_exit(void)
{
	ring1_kvm_name_exit();
	misc_deregister(&ring1_device);
	ring1_debugfs_exit();
	ring1_sleep_exit();
	ring1_sched_exit();
	ring1_world_exit();
	ring1_engine_exit();
}

module_init(ring1_init);
module_exit(ring1_exit);
MODULE_LICENSE("GPL v2");
MODULE_DESCRIPTION("ring1: a hypervisor for processors without VT-x");
