// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocations of one thread fail, for kernels without CONFIG_FAULT_INJECTION. The thread writes to /proc/no_memory: N, and the
 * N-th from then on fails; N+, that one and all behind it; 0, none. What is read is how many are left up to the first that
 * fails; 0: one has failed, or none is to. Whoever may not fail (__GFP_NOFAIL) does not.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/kprobes.h>
#include <linux/linkage.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <asm/syscall.h>

static struct task_struct *victim;
static unsigned int left;
static bool for_ever, failed;

/* Where the probed function goes on when it fails: no register holds anything of its own yet. */
asm(".pushsection .text\n"
    "no_memory_return:\n"
    "	xorl %eax, %eax\n"
    "	" ASM_RET "\n"
    ".popsection\n");
extern char no_memory_return[];

/* In a system call, that is: a page fault of the program's own would only be repeated. */
static int fail_maybe(struct pt_regs *regs, gfp_t gfp)
{
	if (READ_ONCE(victim) != current || !in_task() || (gfp & __GFP_NOFAIL) || !left)
		return 0;
	if (syscall_get_nr(current, task_pt_regs(current)) == -1)
		return 0;
	if (left > 1) {
		left--;
		return 0;
	}
	failed = true;
	if (!for_ever)
		WRITE_ONCE(victim, NULL);
	instruction_pointer_set(regs, (unsigned long)no_memory_return);
	return 1;
}

static int gfp_first(struct kprobe *probe, struct pt_regs *regs) { return fail_maybe(regs, regs->di); }
static int gfp_second(struct kprobe *probe, struct pt_regs *regs) { return fail_maybe(regs, regs->si); }
static int gfp_third(struct kprobe *probe, struct pt_regs *regs) { return fail_maybe(regs, regs->dx); }

/* Who changes where a function goes on must have one, or the probe is a jump. */
static void after(struct kprobe *probe, struct pt_regs *regs, unsigned long flags) {}

static struct kprobe probes[] = {
	{ .symbol_name = "__alloc_pages", .pre_handler = gfp_first, .post_handler = after },
	{ .symbol_name = "__kmalloc", .pre_handler = gfp_second, .post_handler = after },
	{ .symbol_name = "__kmalloc_node", .pre_handler = gfp_second, .post_handler = after },
	{ .symbol_name = "__kmalloc_node_track_caller", .pre_handler = gfp_second, .post_handler = after },
	{ .symbol_name = "kmalloc_trace", .pre_handler = gfp_second, .post_handler = after },
	{ .symbol_name = "kmalloc_node_trace", .pre_handler = gfp_second, .post_handler = after },
	{ .symbol_name = "kmem_cache_alloc", .pre_handler = gfp_second, .post_handler = after },
	{ .symbol_name = "kmem_cache_alloc_node", .pre_handler = gfp_second, .post_handler = after },
	{ .symbol_name = "kmem_cache_alloc_lru", .pre_handler = gfp_third, .post_handler = after },
};
static struct kprobe *registered[ARRAY_SIZE(probes)];

/* Neither this nor reading asks for memory: it must work while there is none. */
static ssize_t no_memory_write(struct file *file, const char __user *from, size_t size, loff_t *position)
{
	char text[16] = "";
	size_t digits;
	bool plus;

	if (!size || size >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, from, size))
		return -EFAULT;
	digits = strcspn(text, "+");
	plus = text[digits] == '+';
	text[digits] = '\0';
	WRITE_ONCE(victim, NULL);
	if (kstrtouint(text, 10, &left))
		return -EINVAL;
	for_ever = plus;
	failed = false;
	if (left)
		WRITE_ONCE(victim, current);
	return size;
}

static ssize_t no_memory_read(struct file *file, char __user *to, size_t size, loff_t *position)
{
	char text[16];

	return simple_read_from_buffer(to, size, position, text, sprintf(text, "%u\n", failed ? 0 : left));
}

static const struct proc_ops no_memory_ops = {
	.proc_read = no_memory_read,
	.proc_write = no_memory_write,
};

static int __init no_memory_init(void)
{
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		registered[i] = &probes[i];
	ret = register_kprobes(registered, ARRAY_SIZE(probes));
	if (ret)
		return ret;
	if (proc_create("no_memory", 0600, NULL, &no_memory_ops))
		return 0;
	unregister_kprobes(registered, ARRAY_SIZE(probes));
	return -ENOMEM;
}

static void __exit no_memory_exit(void)
{
	remove_proc_entry("no_memory", NULL);
	WRITE_ONCE(victim, NULL);
	unregister_kprobes(registered, ARRAY_SIZE(probes));
}

module_init(no_memory_init);
module_exit(no_memory_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("test of ring1: allocations that fail");
