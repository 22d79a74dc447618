// SPDX-License-Identifier: GPL-2.0-only
/* /sys/kernel/debug/ring1/<process>-<fd>/: stats, one per line, and the monitor's log. */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "ring1.h"

static struct dentry *root;

static int stats_show(struct seq_file *file, void *unused)
{
	u64 *values = kcalloc(RING1_STAT_COUNT, sizeof(u64), GFP_KERNEL);
	unsigned int i;

	if (!values)
		return -ENOMEM;
	ring1_stats_read(file->private, NULL, values);
	for (i = 0; i < RING1_STAT_COUNT; i++)
		seq_printf(file, "%s %llu\n", ring1_stat_names[i], values[i]);
	kfree(values);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

void ring1_debugfs_init(void)
{
	root = debugfs_create_dir("ring1", NULL);
}

void ring1_debugfs_exit(void)
{
	debugfs_remove_recursive(root);
}

/* Without debugfs everything else works, so errors are not looked at. */
void ring1_debugfs_add_vm(struct ring1_vm *vm, int fd)
{
	char name[32];

	snprintf(name, sizeof(name), "%d-%d", vm->pid, fd);
	vm->debugfs = debugfs_create_dir(name, root);
	debugfs_create_file("stats", 0444, vm->debugfs, vm, &stats_fops);
	debugfs_create_file("sched", 0600, vm->debugfs, vm, &ring1_sched_fops);
}

/* The boot processor's log is `log`, that of another one `log1`, `log2`... */
void ring1_debugfs_add_vcpu(struct ring1_vcpu *vcpu)
{
	char name[16] = "log";

	if (vcpu->id)
		snprintf(name, sizeof(name), "log%u", vcpu->id);
	debugfs_create_file(name, 0444, vcpu->vm->debugfs, vcpu, &ring1_log_fops);
}
