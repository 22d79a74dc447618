// SPDX-License-Identifier: GPL-2.0-only
/* KVM_CREATE_VCPU: a vCPU's file descriptor, and the memory that user space maps from it. */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nospec.h>

#include "hostdriver/kvm/kvm.h"
#include "hostdriver/life/life.h"
#include "hostdriver/vm/vcpu.h"
#include "hostdriver/vm/vm.h"
#include "hostdriver/watch/watch.h"

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

/* vm->lock is held. */
static int install(struct ring1_vm *vm, u32 id)
{
	struct ring1_vcpu *vcpu;
	struct file *file;
	int fd;

	if (vm->vcpus[id])
		return -EEXIST;
	vcpu = ring1_vcpu_create(vm, id);
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
	ring1_vcpu_install(vcpu);
	ring1_debugfs_add_vcpu(vcpu);
	fd_install(fd, file);
	return fd;
}

int ring1_vcpu_fd(struct ring1_vm *vm, unsigned long id)
{
	int ret;

	if (id >= RING1_MAX_VCPUS)
		return -EINVAL;
	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	ret = install(vm, array_index_nospec(id, RING1_MAX_VCPUS));
	mutex_unlock(&vm->lock);
	return ret;
}
