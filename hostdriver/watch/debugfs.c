// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/ring1/<process>-<fd>/: stats, one per line, and the monitor's log. A vCPU may outlive the descriptor of
 * its VM, and a process its number: whoever finds the name taken gets <process>-<fd>-<a number used once>.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "hostdriver/command/command.h"
#include "hostdriver/sched/sched.h"
#include "hostdriver/vm/vcpu.h"
#include "hostdriver/vm/vm.h"
#include "hostdriver/watch/watch.h"

static struct dentry *root;

/* Between looking for a name and taking it. */
static DEFINE_MUTEX(names_lock);
static u64 names_taken;

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

/* debugfs itself would say in the log that a name is taken, as often as a user likes. */
static struct dentry *create_directory(pid_t pid, int fd)
{
	struct dentry *taken, *directory;
	char name[48];

	mutex_lock(&names_lock);
	snprintf(name, sizeof(name), "%d-%d", pid, fd);
	taken = debugfs_lookup(name, root);
	if (taken) {
		dput(taken);
		snprintf(name, sizeof(name), "%d-%d-%llu", pid, fd, ++names_taken);
	}
	directory = debugfs_create_dir(name, root);
	mutex_unlock(&names_lock);
	return directory;
}

/* Without debugfs everything else works, so errors are not looked at. */
void ring1_debugfs_add_vm(struct ring1_vm *vm, int fd)
{
	vm->debugfs = create_directory(vm->pid, fd);
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
