/* SPDX-License-Identifier: GPL-2.0-only */
/* KVM's interface: files, and the ioctls on them. */
#ifndef RING1_KVM_H
#define RING1_KVM_H

#include <linux/types.h>

struct file;
struct file_operations;
struct kvm_cpuid2;
struct ring1_vcpu;
struct ring1_vm;

/* name.c: /dev/kvm, while nobody else wants it. init: true if we have it now. */
bool ring1_kvm_name_init(const struct file_operations *fops);
void ring1_kvm_name_exit(void);

/* system.c, cpuid.c: of the device itself. vm is NULL for what a new VM would get. */
long ring1_system_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
int ring1_check_extension(unsigned long capability);
int ring1_get_supported_cpuid(const struct ring1_vm *vm, struct kvm_cpuid2 __user *argp);

/* vm_fd.c, vm_ioctl.c: a new VM's file descriptor, or -errno. */
int ring1_vm_fd(unsigned long type);
long ring1_vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* vcpu_fd.c, vcpu_ioctl.c: a new vCPU's, or -errno. */
#define RING1_VCPU_MMAP_PAGES 2 /* struct kvm_run, then the data of port accesses */
int ring1_vcpu_fd(struct ring1_vm *vm, unsigned long id);
long ring1_vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif
