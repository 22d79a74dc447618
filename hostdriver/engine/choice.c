// SPDX-License-Identifier: GPL-2.0-only
/* Which engine a VM gets. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "hostdriver/engine/hardware.h"

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

static enum ring1_engine default_engine;

/* Whoever left the choice to us gets what works. */
static enum ring1_engine free_default(void)
{
	return !strcmp(engine, "auto") && ring1_power_held(default_engine, NULL) ? RING1_ENGINE_BT : default_engine;
}

int ring1_engine_info(struct ring1_engine_info *info)
{
	const struct ring1_hardware *hardware;
	u32 which = info->engine;

	if (which >= RING1_ENGINES)
		return -EINVAL;
	hardware = ring1_hardware_of(which);
	memset(info, 0, sizeof(*info));
	info->engine = which;
	info->is_default = which == free_default();
	if (hardware) {
		hardware->describe(info);
		if (!info->status)
			ring1_power_held(which, info);
	} else if (which != RING1_ENGINE_BT) {
		ring1_engine_unusable(info, -ENODEV, "not part of this module", "");
	}
	return 0;
}

const char *ring1_engine_default_name(void)
{
	return names[default_engine];
}

static int usable(enum ring1_engine which)
{
	const struct ring1_hardware *hardware = ring1_hardware_of(which);
	struct ring1_engine_info *info;
	int status;

	if (!hardware)
		return which == RING1_ENGINE_BT ? 0 : -ENODEV;
	info = kzalloc(sizeof(*info), GFP_KERNEL);
	if (!info)
		return -ENOMEM;
	info->engine = which;
	hardware->describe(info);
	status = info->status;
	if (status)
		pr_info_ratelimited("engine %s: %s%s%s\n", names[which], info->why, info->remedy[0] ? ": " : "", info->remedy);
	kfree(info);
	return status;
}

static bool nested_paging(enum ring1_engine which)
{
	const struct ring1_hardware *hardware = ring1_hardware_of(which);

	return hardware && npt && hardware->has_nested_paging();
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
	ret = ring1_power_get(choice->engine);
	if (ret == -EBUSY && !type && !strcmp(engine, "auto")) {
		*choice = (struct ring1_choice){ .engine = RING1_ENGINE_BT, .active_time = active_time };
		return 0;
	}
	return ret;
}

void ring1_engine_put(const struct ring1_choice *choice)
{
	ring1_power_put(choice->engine);
}

static int choose_default(void)
{
	int which, ret;

	if (!strcmp(engine, "auto")) {
		for (which = RING1_ENGINES - 1; which > RING1_ENGINE_BT; which--)
			if (ring1_hardware_of(which) && !usable(which))
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

int ring1_engine_init(void)
{
	int ret = npt < -1 || npt > 1 ? -EINVAL : choose_default();

	return ret ?: ring1_power_init();
}

void ring1_engine_exit(void)
{
	ring1_power_exit();
}
