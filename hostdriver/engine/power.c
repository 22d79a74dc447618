// SPDX-License-Identifier: GPL-2.0-only
/*
 * Switching the processors' own virtualisation on and off: with the first VM that uses it and after the last, as
 * processors come and go, as the host sleeps, and before it reboots.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/mutex.h>
#include <linux/reboot.h>
#include <linux/smp.h>

#include "hostdriver/compat.h"
#include "hostdriver/engine/hardware.h"

/* Under `lock`, but for the processors' own look at it: there nothing changes while they run. */
static DEFINE_MUTEX(lock);
static unsigned int users[RING1_ENGINES];
static bool going_down;
static DEFINE_PER_CPU(bool, enabled[RING1_ENGINES]);

bool ring1_power_held(enum ring1_engine which, struct ring1_engine_info *info)
{
	const struct ring1_hardware *hardware = ring1_hardware_of(which);
	bool ret;

	if (!hardware)
		return false;
	mutex_lock(&lock);
	ret = !users[which] && hardware->held(info);
	mutex_unlock(&lock);
	return ret;
}

bool ring1_power_is_on(enum ring1_engine which)
{
	return !ring1_hardware_of(which) || this_cpu_read(enabled[which]);
}

/* Interrupts are off, or nothing else runs. */
static int enable_here(enum ring1_engine which)
{
	int ret = 0;

	if (!this_cpu_read(enabled[which]))
		ret = ring1_hardware_of(which)->enable();
	if (!ret)
		this_cpu_write(enabled[which], true);
	return ret;
}

static void disable_here(void *unused)
{
	unsigned int which;

	for (which = 0; which < RING1_ENGINES; which++)
		if (this_cpu_read(enabled[which])) {
			ring1_hardware_of(which)->disable();
			this_cpu_write(enabled[which], false);
		}
}

struct enabling {
	enum ring1_engine which;
	atomic_t failures;
};

static void enable_one(void *data)
{
	struct enabling *enabling = data;

	if (enable_here(enabling->which))
		atomic_inc(&enabling->failures);
}

static void disable_one(void *data)
{
	enum ring1_engine which = *(enum ring1_engine *)data;

	if (this_cpu_read(enabled[which])) {
		ring1_hardware_of(which)->disable();
		this_cpu_write(enabled[which], false);
	}
}

static int first_user(enum ring1_engine which)
{
	const struct ring1_hardware *hardware = ring1_hardware_of(which);
	struct enabling enabling = { .which = which };
	int ret = hardware->prepare();

	if (ret)
		return ret;
	on_each_cpu(enable_one, &enabling, 1);
	if (!atomic_read(&enabling.failures))
		return 0;
	on_each_cpu(disable_one, &which, 1);
	pr_info_ratelimited("engine %s: another hypervisor holds the processor's virtualisation\n", hardware->name);
	return -EBUSY;
}

int ring1_power_get(enum ring1_engine which)
{
	int ret = 0;

	if (!ring1_hardware_of(which))
		return which == RING1_ENGINE_BT ? 0 : -ENODEV;
	cpus_read_lock();
	mutex_lock(&lock);
	if (going_down)
		ret = -ESHUTDOWN;
	else if (!users[which])
		ret = first_user(which);
	if (!ret)
		users[which]++;
	mutex_unlock(&lock);
	cpus_read_unlock();
	return ret;
}

void ring1_power_put(enum ring1_engine which)
{
	if (!ring1_hardware_of(which))
		return;
	cpus_read_lock();
	mutex_lock(&lock);
	if (!--users[which])
		on_each_cpu(disable_one, &which, 1);
	mutex_unlock(&lock);
	cpus_read_unlock();
}

static int processor_up(unsigned int cpu)
{
	unsigned int which;
	int ret = 0;

	mutex_lock(&lock);
	local_irq_disable();
	for (which = 0; which < RING1_ENGINES && !ret; which++)
		if (users[which])
			ret = enable_here(which);
	local_irq_enable();
	mutex_unlock(&lock);
	return ret;
}

static int processor_down(unsigned int cpu)
{
	mutex_lock(&lock);
	local_irq_disable();
	disable_here(NULL);
	local_irq_enable();
	mutex_unlock(&lock);
	return 0;
}

/* Only the boot processor is left, interrupts are off, and `lock` is not held: user space is frozen. */
static int suspend(RING1_SYSCORE_ARGUMENT)
{
	disable_here(NULL);
	return 0;
}

static void resume(RING1_SYSCORE_ARGUMENT)
{
	unsigned int which;

	for (which = 0; which < RING1_ENGINES; which++)
		if (users[which])
			WARN_ON_ONCE(enable_here(which));
}

static struct syscore_ops sleep_ops = {
	.suspend = suspend,
	.resume = resume,
};

static struct syscore sleep = {
	.ops = &sleep_ops,
};

/* Also before kexec. What comes after us must find the processor as it left the firmware. */
static int reboot(struct notifier_block *block, unsigned long event, void *unused)
{
	mutex_lock(&lock);
	going_down = true;
	on_each_cpu(disable_here, NULL, 1);
	mutex_unlock(&lock);
	return NOTIFY_DONE;
}

static struct notifier_block reboot_notifier = {
	.notifier_call = reboot,
};

static int hotplug_state;

int ring1_power_init(void)
{
	hotplug_state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "virt/ring1:online", processor_up, processor_down);
	if (hotplug_state < 0)
		return hotplug_state;
	register_syscore(&sleep);
	register_reboot_notifier(&reboot_notifier);
	return 0;
}

/* There are no VMs any more, so nothing is enabled. */
void ring1_power_exit(void)
{
	unsigned int which;

	unregister_reboot_notifier(&reboot_notifier);
	unregister_syscore(&sleep);
	cpuhp_remove_state_nocalls(hotplug_state);
	for (which = 0; which < RING1_ENGINES; which++)
		if (ring1_hardware_of(which))
			ring1_hardware_of(which)->discard();
}
