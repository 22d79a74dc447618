// SPDX-License-Identifier: GPL-2.0-only
/*
 * The monitor's log is a ring of bytes that it overwrites at will. A reader's file position counts bytes ever written,
 * so that a file kept open continues where it stopped and one opened anew starts with the oldest text there is.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/barrier.h>

#include "hostdriver/command/command.h"
#include "hostdriver/vm/vcpu.h"

#define LINE_MAX 200
#define PANIC_LINES 200

/* Copies what is in the ring from `position` on, at most `size` bytes; moves `position` behind it. */
static size_t log_copy(const struct ring1_log *log, u64 *position, char *buffer, size_t size)
{
	u64 head = smp_load_acquire(&log->head);
	u64 from = max(*position, head - min_t(u64, head, RING1_LOG_SIZE));
	size_t count = head > from ? min_t(u64, size, head - from) : 0;
	size_t i;

	for (i = 0; i < count; i++)
		buffer[i] = log->text[(from + i) % RING1_LOG_SIZE];
	*position = from + count;
	return count;
}

static ssize_t log_read(struct file *file, char __user *buffer, size_t size, loff_t *offset)
{
	const struct ring1_vcpu *vcpu = file->private_data;
	u64 position = *offset;
	char *text;
	ssize_t ret;

	size = min_t(size_t, size, RING1_LOG_SIZE);
	text = kvmalloc(size, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	ret = log_copy(&vcpu->shared->log, &position, text, size);
	if (copy_to_user(buffer, text, ret))
		ret = -EFAULT;
	else
		*offset = position;
	kvfree(text);
	return ret;
}

const struct file_operations ring1_log_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = log_read,
	.llseek = noop_llseek,
};

/* Lines end with a newline or are cut; what is not printable becomes a dot, as a guest may have had a hand in it. */
static u32 print_lines(char *text, size_t size)
{
	char line[LINE_MAX + 1];
	u32 lines = 0, length = 0;
	size_t i;

	for (i = 0; i < size && lines < PANIC_LINES; i++) {
		if (text[i] != '\n')
			line[length++] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '.';
		if (length && (text[i] == '\n' || length == LINE_MAX || i + 1 == size)) {
			line[length] = 0;
			pr_err("  %s\n", line);
			length = 0;
			lines++;
		}
	}
	return lines;
}

/* The end of the log, which holds the dump, goes to the kernel's log; many dying VMs must not flood it. */
void ring1_log_panic(struct ring1_vcpu *vcpu)
{
	static DEFINE_RATELIMIT_STATE(limit, 60 * HZ, 2);
	const size_t size = RING1_LOG_SIZE / 4;
	const struct ring1_log *log = &vcpu->shared->log;
	u64 position = log->head - min_t(u64, log->head, size);
	char *text;

	if (!__ratelimit(&limit))
		return;
	text = kvmalloc(size, GFP_KERNEL);
	if (text)
		print_lines(text, log_copy(log, &position, text, size));
	kvfree(text);
}
