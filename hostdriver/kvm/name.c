// SPDX-License-Identifier: GPL-2.0-only
/*
 * The name /dev/kvm. It is ours while KVM does not want it. KVM's modules take it as the last step of their start and do
 * not recover from a refusal: what they have registered until then stays, and points at memory that is gone. So the name
 * is given up before one of them starts, and taken again when it has gone. Files that are open keep working.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <asm/processor.h>

#include "hostdriver/kvm/kvm.h"

static bool kvm_device = true;
module_param(kvm_device, bool, 0444);
MODULE_PARM_DESC(kvm_device, "also register /dev/kvm while no other module has it (default on)");

static DEFINE_MUTEX(lock);
static bool registered;
static struct miscdevice device = {
	.minor = KVM_MINOR,
	.name = "kvm",
};

/* The minor number is KVM's own, so this fails, silently, exactly when KVM is there. */
static void take(void)
{
	mutex_lock(&lock);
	if (!registered)
		registered = !misc_register(&device);
	mutex_unlock(&lock);
}

static void give_up(void)
{
	mutex_lock(&lock);
	if (registered)
		misc_deregister(&device);
	registered = false;
	mutex_unlock(&lock);
}

/* Only these two ask for the name, and not before they have found what they need in the processor. */
static bool wants_the_name(const struct module *module)
{
	return !strcmp(module->name, "kvm_amd") || !strcmp(module->name, "kvm_intel");
}

static int module_changes(struct notifier_block *block, unsigned long state, void *data)
{
	if (!wants_the_name(data))
		return NOTIFY_DONE;
	if (state == MODULE_STATE_COMING)
		give_up();
	else if (state == MODULE_STATE_GOING)
		take();
	return NOTIFY_OK;
}

static struct notifier_block notifier = {
	.notifier_call = module_changes,
};

/*
 * One of the two may be between the notification that we missed and its last step. It has loaded the module that they
 * share then. Where the processor has nothing for them they do not come that far.
 */
static bool kvm_may_be_starting(void)
{
	bool amd = boot_cpu_data.extended_cpuid_level >= 0x8000000a && (cpuid_ecx(0x80000001) & BIT(2));
	bool intel = cpuid_ecx(1) & BIT(5);

	if ((!amd && !intel) || !__symbol_get("kvm_init"))
		return false;
	__symbol_put("kvm_init");
	return true;
}

/* True: we have it at the moment. */
bool ring1_kvm_name_init(const struct file_operations *fops)
{
	if (!kvm_device)
		return false;
	device.fops = fops;
	if (register_module_notifier(&notifier))
		return false;
	if (!kvm_may_be_starting())
		take();
	return registered;
}

void ring1_kvm_name_exit(void)
{
	if (!kvm_device)
		return;
	unregister_module_notifier(&notifier);
	give_up();
}
