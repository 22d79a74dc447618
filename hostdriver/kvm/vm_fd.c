// SPDX-License-Identifier: GPL-2.0-only
/* KVM_CREATE_VM: a VM's file descriptor. */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>

#include "hostdriver/kvm/kvm.h"
#include "hostdriver/life/life.h"
#include "hostdriver/watch/watch.h"

static int vm_release(struct inode *inode, struct file *file)
{
	ring1_vm_put(file->private_data);
	return 0;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = ring1_vm_ioctl,
	.compat_ioctl = ring1_vm_ioctl,
	.release = vm_release,
	.llseek = noop_llseek,
};

int ring1_vm_fd(unsigned long type)
{
	struct ring1_vm *vm = ring1_vm_create(type);
	struct file *file;
	int fd;

	if (IS_ERR(vm))
		return PTR_ERR(vm);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		goto put;
	file = anon_inode_getfile("ring1-vm", &vm_fops, vm, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		fd = PTR_ERR(file);
		goto put;
	}
	ring1_debugfs_add_vm(vm, fd);
	fd_install(fd, file);
	return fd;
put:
	ring1_vm_put(vm);
	return fd;
}
