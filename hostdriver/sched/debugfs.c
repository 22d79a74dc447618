// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/ring1/<process>-<fd>/sched: what the VM asks for, one "name value" per line; the same lines, any
 * number of them, change it. For whoever looks after the machine, who has no file descriptor of the VM.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "hostdriver/sched/sched.h"
#include "include/ring1/api.h"
#include "sched/sched.h"

#define LONGEST_TEXT 1024

struct field {
	const char *name;
	unsigned int offset;
	bool wide;
};

#define FIELD(name)                                                                                             \
	{                                                                                                       \
#name, offsetof(struct ring1_sched_params, name), sizeof_field(struct ring1_sched_params, name) == sizeof(u64) \
	}

static const struct field fields[] = {
	FIELD(weight),	  FIELD(cap),	       FIELD(slice), FIELD(period),	FIELD(latency),
	FIELD(extratime), FIELD(warp_enabled), FIELD(warp),  FIELD(warp_limit), FIELD(warp_pause),
};

static u64 get_field(const struct ring1_sched_params *params, const struct field *field)
{
	const void *place = (const void *)params + field->offset;

	return field->wide ? *(const u64 *)place : *(const u32 *)place;
}

static int set_field(struct ring1_sched_params *params, const struct field *field, u64 value)
{
	void *place = (void *)params + field->offset;

	if (field->wide)
		*(u64 *)place = value;
	else if (value > U32_MAX)
		return -EINVAL;
	else
		*(u32 *)place = value;
	return 0;
}

static int sched_show(struct seq_file *file, void *unused)
{
	struct ring1_vm_sched settings;
	unsigned int i;

	ring1_sched_get(file->private, &settings);
	seq_printf(file, "policy %s\n", ring1_sched_policy_name(settings.policy));
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		seq_printf(file, "%s %llu\n", fields[i].name, get_field(&settings.params, &fields[i]));
	return 0;
}

static int sched_open(struct inode *inode, struct file *file)
{
	return single_open(file, sched_show, inode->i_private);
}

static int take_line(struct ring1_sched_params *params, char *line)
{
	char *name = strsep(&line, " ");
	unsigned int i;
	u64 value;

	if (!line || kstrtou64(line, 10, &value))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		if (!strcmp(fields[i].name, name))
			return set_field(params, &fields[i], value);
	return -EINVAL;
}

static int take_text(struct ring1_vm *vm, char *text)
{
	struct ring1_vm_sched settings;
	char *line;
	int ret = 0;

	ring1_sched_get(vm, &settings);
	settings.policy = 0;
	while (!ret && (line = strsep(&text, "\n")))
		if (*line)
			ret = take_line(&settings.params, line);
	return ret ?: ring1_sched_set(vm, &settings);
}

static ssize_t sched_write(struct file *file, const char __user *buffer, size_t size, loff_t *offset)
{
	struct seq_file *seq = file->private_data;
	char *text;
	int ret;

	if (size > LONGEST_TEXT)
		return -EINVAL;
	text = memdup_user_nul(buffer, size);
	if (IS_ERR(text))
		return PTR_ERR(text);
	ret = take_text(seq->private, text);
	kfree(text);
	return ret ?: size;
}

const struct file_operations ring1_sched_fops = {
	.owner = THIS_MODULE,
	.open = sched_open,
	.read = seq_read,
	.write = sched_write,
	.llseek = seq_lseek,
	.release = single_release,
};
