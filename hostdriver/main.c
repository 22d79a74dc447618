// SPDX-License-Identifier: GPL-2.0-only
/* Loading and unloading: the rooms in their order, the two device nodes. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sizes.h>

#include "hostdriver/command/command.h"
#include "hostdriver/engine/engine.h"
#include "hostdriver/kvm/kvm.h"
#include "hostdriver/life/life.h"
#include "hostdriver/memory/memory.h"
#include "hostdriver/sched/sched.h"
#include "hostdriver/time/time.h"
#include "hostdriver/watch/watch.h"
#include "hostdriver/world/world.h"

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

static const struct ring1_request_handlers request_handlers = {
	.pin = ring1_serve_pin,
};

static int __init ring1_init(void)
{
	int ret = ring1_config_check();

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
	ring1_command_init(&request_handlers);
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
		ring1_engine_default_name(), ring1_sched_name(), ring1_tc_size / SZ_1K);
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
