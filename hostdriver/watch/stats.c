// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_STATS_FD: a file of header, identity, descriptors and values, all generated from include/ring1/stats.h. A VM's
 * values are the sums over its vCPUs.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/barrier.h>

#include "hostdriver/life/life.h"
#include "hostdriver/sched/sched.h"
#include "hostdriver/vm/vcpu.h"
#include "hostdriver/vm/vm.h"
#include "hostdriver/watch/watch.h"

#define NAME_SIZE 48

const char *const ring1_stat_names[RING1_STAT_COUNT] = {
#define X(name, kind, unit, text) #name,
	RING1_STATS(X)
#undef X
};

static const u32 stat_flags[RING1_STAT_COUNT] = {
#define X(name, kind, unit, text) KVM_STATS_TYPE_##kind | KVM_STATS_UNIT_##unit | KVM_STATS_BASE_POW10,
	RING1_STATS(X)
#undef X
};

/* The name follows the description's fields; to some kernels' own code it is one of them. */
#define FIELDS_SIZE offsetof(struct kvm_stats_desc, name)

struct stat_descriptor {
	union {
		struct kvm_stats_desc desc;
		struct {
			u8 fields[FIELDS_SIZE];
			char name[NAME_SIZE];
		};
	};
};
static_assert(sizeof(struct stat_descriptor) == FIELDS_SIZE + NAME_SIZE);

struct stats_file_layout {
	struct kvm_stats_header header;
	char id[NAME_SIZE];
	struct stat_descriptor descriptors[RING1_STAT_COUNT];
	u64 values[RING1_STAT_COUNT];
};

/* What the file is about; vcpu is NULL for the whole VM. */
struct stats_source {
	struct ring1_vm *vm;
	struct ring1_vcpu *vcpu;
};

static void add_values(const struct ring1_vcpu *vcpu, u64 values[RING1_STAT_COUNT])
{
	const u64 *from = (const u64 *)&vcpu->shared->stats;
	unsigned int i;

	for (i = 0; i < RING1_STAT_COUNT; i++)
		values[i] += READ_ONCE(from[i]);
}

void ring1_stats_read(struct ring1_vm *vm, struct ring1_vcpu *vcpu, u64 values[RING1_STAT_COUNT])
{
	int i;

	memset(values, 0, RING1_STAT_COUNT * sizeof(u64));
	for (i = 0; i < RING1_MAX_VCPUS; i++) {
		struct ring1_vcpu *one = smp_load_acquire(&vm->vcpus[i]);

		if (one && (!vcpu || vcpu == one)) {
			ring1_sched_refresh(one);
			add_values(one, values);
		}
	}
}

static void fill(const struct stats_source *source, struct stats_file_layout *out)
{
	unsigned int i;

	out->header = (struct kvm_stats_header){
		.name_size = NAME_SIZE,
		.num_desc = RING1_STAT_COUNT,
		.id_offset = offsetof(struct stats_file_layout, id),
		.desc_offset = offsetof(struct stats_file_layout, descriptors),
		.data_offset = offsetof(struct stats_file_layout, values),
	};
	if (source->vcpu)
		snprintf(out->id, NAME_SIZE, "ring1-%d/vcpu-%u", source->vm->pid, source->vcpu->id);
	else
		snprintf(out->id, NAME_SIZE, "ring1-%d", source->vm->pid);
	for (i = 0; i < RING1_STAT_COUNT; i++) {
		out->descriptors[i].desc.flags = stat_flags[i];
		out->descriptors[i].desc.size = 1;
		out->descriptors[i].desc.offset = i * sizeof(u64);
		strscpy(out->descriptors[i].name, ring1_stat_names[i], NAME_SIZE);
	}
	ring1_stats_read(source->vm, source->vcpu, out->values);
}

static ssize_t stats_read(struct file *file, char __user *buffer, size_t size, loff_t *offset)
{
	struct stats_file_layout *content = kzalloc(sizeof(*content), GFP_KERNEL_ACCOUNT);
	ssize_t ret;

	if (!content)
		return -ENOMEM;
	fill(file->private_data, content);
	ret = simple_read_from_buffer(buffer, size, offset, content, sizeof(*content));
	kfree(content);
	return ret;
}

static int stats_release(struct inode *inode, struct file *file)
{
	struct stats_source *source = file->private_data;

	ring1_vm_put(source->vm);
	kfree(source);
	return 0;
}

static const struct file_operations stats_fops = {
	.owner = THIS_MODULE,
	.read = stats_read,
	.release = stats_release,
	.llseek = noop_llseek,
};

int ring1_stats_fd(struct ring1_vm *vm, struct ring1_vcpu *vcpu)
{
	struct stats_source *source = kmalloc(sizeof(*source), GFP_KERNEL_ACCOUNT);
	struct file *file;
	int fd;

	if (!source)
		return -ENOMEM;
	source->vm = vm;
	source->vcpu = vcpu;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		kfree(source);
		return fd;
	}
	file = anon_inode_getfile("ring1-stats", &stats_fops, source, O_RDONLY);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		kfree(source);
		return PTR_ERR(file);
	}
	file->f_mode |= FMODE_PREAD;
	ring1_vm_get(vm);
	fd_install(fd, file);
	return fd;
}
