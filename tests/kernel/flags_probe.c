// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looks at the flags register wherever ring1 has come back from the monitor's world. No flag of a guest may be in force
 * there: AC is the one that switches SMAP off. Says at the end how often it looked and what it found.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kprobes.h>
#include <linux/module.h>
#include <asm/processor-flags.h>

#define NEVER (X86_EFLAGS_AC | X86_EFLAGS_DF | X86_EFLAGS_NT | X86_EFLAGS_TF | X86_EFLAGS_RF | X86_EFLAGS_IOPL | X86_EFLAGS_VM)

static unsigned long looks, found;

static void look(const struct kprobe *probe, unsigned long flags, unsigned long interrupts)
{
	unsigned long wrong = (flags & NEVER) | ((flags & X86_EFLAGS_IF) ^ interrupts);

	looks++;
	found |= wrong;
	if (wrong)
		pr_info_ratelimited("%s with flags %lx\n", probe->symbol_name, flags);
}

static int look_on(struct kprobe *probe, struct pt_regs *regs)
{
	look(probe, regs->flags, X86_EFLAGS_IF);
	return 0;
}

static int look_off(struct kprobe *probe, struct pt_regs *regs)
{
	look(probe, regs->flags, 0);
	return 0;
}

/* ring1_replay is the first thing after the switch, with interrupts off; the others come with them on. */
static struct kprobe probes[] = {
	{ .symbol_name = "ring1_replay", .pre_handler = look_off },
	{ .symbol_name = "ring1_world_grant", .pre_handler = look_on },
	{ .symbol_name = "ring1_serve_pin", .pre_handler = look_on },
	{ .symbol_name = "ring1_exit_report", .pre_handler = look_on },
	{ .symbol_name = "ring1_vtime_stop", .pre_handler = look_on },
};

static int __init flags_probe_init(void)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(probes) && !ret; i++)
		ret = register_kprobe(&probes[i]);
	if (ret)
		while (--i)
			unregister_kprobe(&probes[i - 1]);
	return ret;
}

static void __exit flags_probe_exit(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		unregister_kprobe(&probes[i]);
	pr_info("%s, found %lx\n", looks ? "looked" : "never looked", found);
}

module_init(flags_probe_init);
module_exit(flags_probe_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("test of ring1: flags after a return from the monitor");
