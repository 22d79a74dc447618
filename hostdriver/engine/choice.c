// SPDX-License-Identifier: GPL-2.0-only
/* Which engine a VM gets, and switching the processors' own virtualisation on and off. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/reboot.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "hostdriver/compat.h"
#include "hostdriver/engine/engine.h"

static char *engine = "auto";
module_param(engine, charp, 0444);
MODULE_PARM_DESC(engine, "auto: the processor's virtualisation if it is usable, else bt (default); or bt, svm, vmx");

static int npt = -1;
module_param(npt, int, 0444);
MODULE_PARM_DESC(npt, "nested paging: 0 shadow page tables instead, 1 or -1 if the processor has it (default)");

static const char *const names[RING1_ENGINES] = {
	[RING1_ENGINE_BT] = "bt",
	[RING1_ENGINE_SVM] = "svm",
	[RING1_ENGINE_VMX] = "vmx",
};

static const struct ring1_hardware *const hardware[RING1_ENGINES] = {
	[RING1_ENGINE_SVM] = &ring1_svm,
	[RING1_ENGINE_VMX] = &ring1_vmx,
};

static enum ring1_engine default_engine;

/* Under `lock`, but for the processors' own look at it: there nothing changes while they run. */
static DEFINE_MUTEX(lock);
static unsigned int users[RING1_ENGINES];
static bool going_down;
static DEFINE_PER_CPU(bool, enabled[RING1_ENGINES]);

void ring1_engine_unusable(struct ring1_engine_info *info, int status, const char *why, const char *remedy)
{
	info->status = status;
	strscpy(info->why, why, sizeof(info->why));
	strscpy(info->remedy, remedy, sizeof(info->remedy));
}

void ring1_engine_feature(struct ring1_engine_info *info, const char *name, const char *format, ...)
{
	struct ring1_engine_feature *feature;
	va_list arguments;

	if (info->feature_count == RING1_ENGINE_FEATURES)
		return;
	feature = &info->features[info->feature_count++];
	strscpy(feature->name, name, sizeof(feature->name));
	va_start(arguments, format);
	vsnprintf(feature->value, sizeof(feature->value), format, arguments);
	va_end(arguments);
}

/* What other hypervisors do may change at any time: an answer, not a promise. */
static bool held(enum ring1_engine which, struct ring1_engine_info *info)
{
	bool ret;

	if (!hardware[which] || !hardware[which]->held)
		return false;
	mutex_lock(&lock);
	ret = !users[which] && hardware[which]->held(info);
	mutex_unlock(&lock);
	return ret;
}

/* Whoever left the choice to us gets what works. */
static enum ring1_engine free_default(void)
{
	return !strcmp(engine, "auto") && held(default_engine, NULL) ? RING1_ENGINE_BT : default_engine;
}

int ring1_engine_info(struct ring1_engine_info *info)
{
	u32 which = info->engine;

	if (which >= RING1_ENGINES)
		return -EINVAL;
	memset(info, 0, sizeof(*info));
	info->engine = which;
	info->is_default = which == free_default();
	if (hardware[which]) {
		hardware[which]->describe(info);
		if (!info->status)
			held(which, info);
	} else if (which != RING1_ENGINE_BT) {
		ring1_engine_unusable(info, -ENODEV, "not part of this module", "");
	}
	return 0;
}

const char *ring1_engine_default_name(void)
{
	return names[default_engine];
}

bool ring1_engine_is_on(enum ring1_engine which)
{
	return !hardware[which] || this_cpu_read(enabled[which]);
}

/* Interrupts are off, or nothing else runs. */
static int enable_here(enum ring1_engine which)
{
	int ret = 0;

	if (!this_cpu_read(enabled[which]))
		ret = hardware[which]->enable();
	if (!ret)
		this_cpu_write(enabled[which], true);
	return ret;
}

static void disable_here(void *unused)
{
	unsigned int which;

	for (which = 0; which < RING1_ENGINES; which++)
		if (this_cpu_read(enabled[which])) {
			hardware[which]->disable();
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
		hardware[which]->disable();
		this_cpu_write(enabled[which], false);
	}
}

static int first_user(enum ring1_engine which)
{
	struct enabling enabling = { .which = which };
	int ret = hardware[which]->prepare();

	if (ret)
		return ret;
	on_each_cpu(enable_one, &enabling, 1);
	if (!atomic_read(&enabling.failures))
		return 0;
	on_each_cpu(disable_one, &which, 1);
	pr_info_ratelimited("engine %s: another hypervisor holds the processor's virtualisation\n", names[which]);
	return -EBUSY;
}

static int acquire(enum ring1_engine which)
{
	int ret = 0;

	if (!hardware[which])
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

void ring1_engine_put(const struct ring1_choice *choice)
{
	enum ring1_engine which = choice->engine;

	if (!hardware[which])
		return;
	cpus_read_lock();
	mutex_lock(&lock);
	if (!--users[which])
		on_each_cpu(disable_one, &which, 1);
	mutex_unlock(&lock);
	cpus_read_unlock();
}

static int usable(enum ring1_engine which)
{
	struct ring1_engine_info *info;
	int status;

	if (!hardware[which])
		return which == RING1_ENGINE_BT ? 0 : -ENODEV;
	info = kzalloc(sizeof(*info), GFP_KERNEL);
	if (!info)
		return -ENOMEM;
	info->engine = which;
	hardware[which]->describe(info);
	status = info->status;
	if (status)
		pr_info_ratelimited("engine %s: %s%s%s\n", names[which], info->why, info->remedy[0] ? ": " : "", info->remedy);
	kfree(info);
	return status;
}

static bool nested_paging(enum ring1_engine which)
{
	return hardware[which] && npt && hardware[which]->has_nested_paging();
}

void ring1_engine_default(struct ring1_choice *choice)
{
	enum ring1_engine which = free_default();

	*choice = (struct ring1_choice){ .engine = which, .nested_paging = nested_paging(which) };
}

int ring1_engine_get(unsigned long type, struct ring1_choice *choice)
{
	unsigned long which = type & RING1_VM_ENGINE_MASK;
	bool shadow = type & RING1_VM_SHADOW_PAGING, active_time = type & RING1_VM_ACTIVE_TIME;
	int ret;

	ring1_engine_default(choice);
	if ((type & ~RING1_VM_ACTIVE_TIME) == RING1_VM_TYPE(RING1_VM_DEFAULT_ENGINE))
		type = 0;
	choice->active_time = active_time;
	if (type) {
		if (which >= RING1_ENGINES ||
		    (type & ~(RING1_VM_SHADOW_PAGING | RING1_VM_ACTIVE_TIME)) != RING1_VM_TYPE(which) ||
		    (shadow && which == RING1_ENGINE_BT))
			return -EINVAL;
		choice->engine = which;
		choice->nested_paging = !shadow && nested_paging(which);
		ret = usable(which);
		if (ret)
			return ret;
	}
	ret = acquire(choice->engine);
	if (ret == -EBUSY && !type && !strcmp(engine, "auto")) {
		*choice = (struct ring1_choice){ .engine = RING1_ENGINE_BT, .active_time = active_time };
		return 0;
	}
	return ret;
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

static int choose_default(void)
{
	int which, ret;

	if (!strcmp(engine, "auto")) {
		for (which = RING1_ENGINES - 1; which > RING1_ENGINE_BT; which--)
			if (hardware[which] && !usable(which))
				break;
		default_engine = which;
		return 0;
	}
	which = match_string(names, RING1_ENGINES, engine);
	if (which < 0) {
		pr_err("engine must be auto, bt, svm or vmx, not %s\n", engine);
		return -EINVAL;
	}
	ret = usable(which);
	if (ret)
		pr_err("engine=%s cannot be had on this machine; engine=bt can\n", engine);
	default_engine = which;
	return ret;
}

static int hotplug_state;

int ring1_engine_init(void)
{
	int ret = npt < -1 || npt > 1 ? -EINVAL : choose_default();

	if (ret)
		return ret;
	hotplug_state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "virt/ring1:online", processor_up, processor_down);
	if (hotplug_state < 0)
		return hotplug_state;
	register_syscore(&sleep);
	register_reboot_notifier(&reboot_notifier);
	return 0;
}

/* There are no VMs any more, so nothing is enabled. */
void ring1_engine_exit(void)
{
	unsigned int which;

	unregister_reboot_notifier(&reboot_notifier);
	unregister_syscore(&sleep);
	cpuhp_remove_state_nocalls(hotplug_state);
	for (which = 0; which < RING1_ENGINES; which++)
		if (hardware[which])
			hardware[which]->discard();
}
