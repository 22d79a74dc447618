// SPDX-License-Identifier: GPL-2.0-only
/* A virtual machine: its birth and its end. */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "hostdriver/engine/engine.h"
#include "hostdriver/life/life.h"
#include "hostdriver/memory/memory.h"
#include "hostdriver/sched/sched.h"
#include "hostdriver/vm/vm.h"

void ring1_vm_get(struct ring1_vm *vm)
{
	kref_get(&vm->ref);
}

/* Order: nobody can look any more (debugfs), nobody tells of memory, then the monitors go. */
static void vm_free(struct kref *ref)
{
	struct ring1_vm *vm = container_of(ref, struct ring1_vm, ref);
	int i;

	debugfs_remove_recursive(vm->debugfs);
	ring1_notifier_unregister(vm);
	for (i = 0; i < RING1_MAX_VCPUS; i++)
		if (vm->vcpus[i])
			ring1_vcpu_free(vm->vcpus[i]);
	memset(vm->vcpus, 0, sizeof(vm->vcpus));
	ring1_slots_free(vm);
	ring1_sched_vm_free(vm);
	ring1_engine_put(&vm->choice);
	mmdrop(vm->mm);
	kfree(vm);
}

void ring1_vm_put(struct ring1_vm *vm)
{
	kref_put(&vm->ref, vm_free);
}

struct ring1_vm *ring1_vm_create(unsigned long type)
{
	struct ring1_vm *vm;
	struct ring1_choice choice;
	int ret;

	ret = ring1_engine_get(type, &choice);
	if (ret)
		return ERR_PTR(ret);
	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm) {
		ring1_engine_put(&choice);
		return ERR_PTR(-ENOMEM);
	}
	vm->choice = choice;
	vm->identity_map = RING1_IDENTITY_MAP;
	ring1_sched_vm_init(vm);
	kref_init(&vm->ref);
	vm->mm = current->mm;
	mmgrab(vm->mm);
	vm->pid = task_tgid_nr(current);
	mutex_init(&vm->lock);
	spin_lock_init(&vm->irq_lock);
	INIT_LIST_HEAD(&vm->slots);
	ret = ring1_notifier_register(vm);
	if (ret) {
		ring1_sched_vm_free(vm);
		ring1_engine_put(&vm->choice);
		mmdrop(vm->mm);
		kfree(vm);
		return ERR_PTR(ret);
	}
	return vm;
}
