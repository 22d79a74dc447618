// SPDX-License-Identifier: GPL-2.0-only
/* A virtual processor: its life, its owner, its file descriptor and the memory user space maps from it. */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/tsc.h>

#include "hostdriver/compat.h"
#include "hostdriver/ring1.h"

/*
 * Brings a vCPU's thread to where it looks at what changed: out of its halt, or out of the guest. Order: the change
 * (and `event`) before the processor number is read; ring1_world_enter() publishes the number before the monitor looks.
 * So either the monitor sees the change or the interrupt strikes the guest.
 */
void ring1_vcpu_notify(struct ring1_vcpu *vcpu)
{
	int cpu, self;

	smp_store_mb(vcpu->event, true);
	wake_up_all(&vcpu->wait); /* sleeps on a real-time kernel */
	self = get_cpu();
	cpu = ring1_world_cpu(vcpu->world);
	if (cpu >= 0 && cpu != self)
		smp_send_reschedule(cpu);
	put_cpu();
}

/* KVM_RUN tests `waiters` after it cleared `kick`; we raise them in the other order, so it sees one of the two. */
int ring1_vcpu_own(struct ring1_vcpu *vcpu)
{
	int ret;

	atomic_inc(&vcpu->waiters);
	smp_mb__after_atomic();
	WRITE_ONCE(vcpu->shared->kick, 1);
	ring1_vcpu_notify(vcpu);
	ret = mutex_lock_killable(&vcpu->mutex);
	if (atomic_dec_and_test(&vcpu->waiters))
		wake_up_all(&vcpu->wait);
	return ret;
}

void ring1_vcpu_disown(struct ring1_vcpu *vcpu)
{
	mutex_unlock(&vcpu->mutex);
}

static vm_fault_t vcpu_fault(struct vm_fault *vmf)
{
	struct ring1_vcpu *vcpu = vmf->vma->vm_file->private_data;
	void *pages[RING1_VCPU_MMAP_PAGES] = { vcpu->run, vcpu->pio };

	if (vmf->pgoff >= RING1_VCPU_MMAP_PAGES)
		return VM_FAULT_SIGBUS;
	vmf->page = virt_to_page(pages[array_index_nospec(vmf->pgoff, RING1_VCPU_MMAP_PAGES)]);
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct vcpu_vm_ops = {
	.fault = vcpu_fault,
};

static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_ops = &vcpu_vm_ops;
	return 0;
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	struct ring1_vcpu *vcpu = file->private_data;

	ring1_vm_put(vcpu->vm);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = ring1_vcpu_ioctl,
	.compat_ioctl = ring1_vcpu_ioctl,
	.mmap = vcpu_mmap,
	.release = vcpu_release,
	.llseek = noop_llseek,
};

/* Also for one that is half made. */
void ring1_vcpu_free(struct ring1_vcpu *vcpu)
{
	ring1_sched_vcpu_free(vcpu);
	if (vcpu->world) {
		hrtimer_cancel(&vcpu->timer);
		ring1_world_destroy(vcpu->world);
	}
	ring1_fpu_free(vcpu);
	free_page((unsigned long)vcpu->run);
	free_page((unsigned long)vcpu->pio);
	kfree(vcpu);
}

static void configure(struct ring1_vcpu *vcpu)
{
	struct ring1_config *config = &vcpu->shared->config;

	config->tc_bytes = ring1_tc_size;
	config->irqchip = vcpu->vm->irqchip;
	config->pit = vcpu->vm->pit;
	config->chaining = ring1_chaining;
	config->short_ways = ring1_short_ways;
	config->check_recovery = ring1_check_recovery;
	config->check_mmu = ring1_check_mmu;
	config->trace = ring1_trace;
	config->long_mode = !!(ring1_guest_features(&vcpu->vm->choice) & RING1_FEATURE_LONG_MODE);
	config->engine = vcpu->vm->choice.engine;
	config->nested_paging = vcpu->vm->choice.nested_paging;
	config->active_time = vcpu->vm->choice.active_time;
	config->tsc_stable = !check_tsc_unstable();
	config->created_ns = ktime_get_real_ns();
	config->max_gpa = RING1_MAX_GPA;
	config->physical_bits = RING1_PHYSICAL_BITS;
	config->identity_map = vcpu->vm->identity_map;
}

static struct ring1_vcpu *vcpu_alloc(struct ring1_vm *vm, u32 id)
{
	struct ring1_vcpu *vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);
	int ret = -ENOMEM;

	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	vcpu->vm = vm;
	vcpu->id = id;
	mutex_init(&vcpu->mutex);
	init_waitqueue_head(&vcpu->wait);
	vcpu->run = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	vcpu->pio = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vcpu->run || !vcpu->pio || ring1_fpu_create(vcpu))
		goto fail;
	vcpu->world = ring1_world_create(vm->choice.engine);
	if (IS_ERR(vcpu->world)) {
		ret = PTR_ERR(vcpu->world);
		vcpu->world = NULL;
		goto fail;
	}
	vcpu->shared = ring1_world_shared(vcpu->world);
	ring1_timer_init(vcpu);
	ring1_sleep_vcpu_init(vcpu);
	ring1_sched_vcpu_init(vcpu);
	configure(vcpu);
	ring1_state_reset(vcpu);
	return vcpu;
fail:
	ring1_vcpu_free(vcpu);
	return ERR_PTR(ret);
}

/* vm->lock is held. */
static int vcpu_install(struct ring1_vm *vm, u32 id)
{
	struct ring1_vcpu *vcpu;
	struct file *file;
	int fd;

	if (vm->vcpus[id])
		return -EEXIST;
	vcpu = vcpu_alloc(vm, id);
	if (IS_ERR(vcpu))
		return PTR_ERR(vcpu);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		ring1_vcpu_free(vcpu);
		return fd;
	}
	file = anon_inode_getfile("ring1-vcpu", &vcpu_fops, vcpu, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		ring1_vcpu_free(vcpu);
		return PTR_ERR(file);
	}
	ring1_vm_get(vm);
	smp_store_release(&vm->vcpus[id], vcpu);
	ring1_sched_vcpu_added(vcpu);
	ring1_debugfs_add_vcpu(vcpu);
	fd_install(fd, file);
	return fd;
}

int ring1_vcpu_create(struct ring1_vm *vm, unsigned long id)
{
	int ret;

	if (id >= RING1_MAX_VCPUS)
		return -EINVAL;
	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	ret = vcpu_install(vm, array_index_nospec(id, RING1_MAX_VCPUS));
	mutex_unlock(&vm->lock);
	return ret;
}
