// SPDX-License-Identifier: GPL-2.0-only
/* The interrupt controllers and the timer live in the monitor; here are their ioctls. */
#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/barrier.h>

#include "hostdriver/command/command.h"
#include "hostdriver/interrupt/interrupt.h"
#include "hostdriver/vm/own.h"
#include "hostdriver/vm/vcpu.h"
#include "hostdriver/vm/vm.h"

static bool has_vcpu(const struct ring1_vm *vm)
{
	int i;

	for (i = 0; i < RING1_MAX_VCPUS; i++)
		if (vm->vcpus[i])
			return true;
	return false;
}

/* Before the first vCPU: each one's monitor is told at its creation. */
int ring1_create_irqchip(struct ring1_vm *vm)
{
	int ret = 0;

	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	if (vm->irqchip)
		ret = -EEXIST;
	else if (has_vcpu(vm))
		ret = -EINVAL;
	else
		WRITE_ONCE(vm->irqchip, true);
	mutex_unlock(&vm->lock);
	return ret;
}

static int add_pit(struct ring1_vm *vm)
{
	int i;

	if (vm->pit)
		return -EEXIST;
	if (!vm->irqchip)
		return -ENOENT;
	for (i = 0; i < RING1_MAX_VCPUS; i++)
		if (vm->vcpus[i] && vm->vcpus[i]->started)
			return -EINVAL;
	vm->pit = true;
	for (i = 0; i < RING1_MAX_VCPUS; i++)
		if (vm->vcpus[i])
			vm->vcpus[i]->shared->config.pit = true;
	return 0;
}

int ring1_create_pit2(void *object, void *data)
{
	struct ring1_vm *vm = object;
	const struct kvm_pit_config *config = data;
	int ret;

	if (config->flags & ~(u32)KVM_PIT_SPEAKER_DUMMY)
		return -EINVAL;
	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	ret = ring1_vm_own_vcpus(vm);
	if (!ret) {
		ret = add_pit(vm);
		ring1_vm_disown_vcpus(vm);
	}
	mutex_unlock(&vm->lock);
	return ret;
}

/* Late ticks are made up for (1, as it begins) or dropped (0). */
int ring1_reinject_control(struct ring1_vm *vm, const struct kvm_reinject_control __user *argp)
{
	struct kvm_reinject_control control;
	int i, ret = 0;

	if (copy_from_user(&control, argp, sizeof(control)))
		return -EFAULT;
	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	if (vm->pit)
		vm->drop_late_ticks = !control.pit_reinject;
	else
		ret = -ENXIO;
	for (i = 0; i < RING1_MAX_VCPUS; i++)
		if (vm->vcpus[i])
			WRITE_ONCE(vm->vcpus[i]->shared->drop_late_ticks, vm->drop_late_ticks);
	mutex_unlock(&vm->lock);
	return ret;
}

/* Runs a command of the boot processor's monitor that takes or fills shared->payload. */
static int exchange(struct ring1_vcpu *vcpu, u32 command, void *payload, size_t size, bool get)
{
	void *shared = &vcpu->shared->payload;
	int ret;

	memcpy(shared, payload, size);
	ring1_irq_drain(vcpu);
	ret = ring1_vcpu_command(vcpu, command);
	if (!ret && get)
		memcpy(payload, shared, size);
	return ret;
}

static int exchange_boot(struct ring1_vm *vm, u32 command, void *payload, size_t size, bool get)
{
	struct ring1_vcpu *vcpu = smp_load_acquire(&vm->vcpus[0]);
	int ret;

	if (!vcpu)
		return -ENXIO;
	ret = ring1_vcpu_own(vcpu);
	if (ret)
		return ret;
	ret = exchange(vcpu, command, payload, size, get);
	ring1_vcpu_disown(vcpu);
	return ret;
}

static int check_chip(const struct ring1_vm *vm, const struct kvm_irqchip *chip)
{
	if (!READ_ONCE(vm->irqchip))
		return -ENXIO;
	return chip->chip_id >= KVM_NR_IRQCHIPS ? -EINVAL : 0;
}

int ring1_get_irqchip(void *vm, void *chip)
{
	return check_chip(vm, chip) ?:
	       exchange_boot(vm, RING1_COMMAND_GET_IRQCHIP, chip, sizeof(struct kvm_irqchip), true);
}

int ring1_set_irqchip(void *vm, void *chip)
{
	return check_chip(vm, chip) ?:
	       exchange_boot(vm, RING1_COMMAND_SET_IRQCHIP, chip, sizeof(struct kvm_irqchip), false);
}

int ring1_get_pit2(void *object, void *state)
{
	struct ring1_vm *vm = object;

	if (!READ_ONCE(vm->pit))
		return -ENXIO;
	return exchange_boot(vm, RING1_COMMAND_GET_PIT, state, sizeof(struct kvm_pit_state2), true);
}

int ring1_set_pit2(void *object, void *state)
{
	struct ring1_vm *vm = object;

	if (!READ_ONCE(vm->pit))
		return -ENXIO;
	return exchange_boot(vm, RING1_COMMAND_SET_PIT, state, sizeof(struct kvm_pit_state2), false);
}

/* Virtual time. It runs at the rate of the guest's TSC. */
int ring1_get_clock(void *vm, void *data)
{
	struct kvm_clock_data *clock = data;
	int ret;

	memset(clock, 0, sizeof(*clock));
	ret = exchange_boot(vm, RING1_COMMAND_GET_CLOCK, clock, sizeof(*clock), true);
	clock->flags = KVM_CLOCK_TSC_STABLE;
	return ret;
}

int ring1_set_clock(void *vm, void *data)
{
	const struct kvm_clock_data *clock = data;

	if (clock->flags)
		return -EINVAL;
	return exchange_boot(vm, RING1_COMMAND_SET_CLOCK, data, sizeof(*clock), false);
}

int ring1_get_lapic(void *object, void *state)
{
	struct ring1_vcpu *vcpu = object;

	if (!vcpu->vm->irqchip)
		return -EINVAL;
	return exchange(vcpu, RING1_COMMAND_GET_LAPIC, state, sizeof(struct kvm_lapic_state), true);
}

int ring1_set_lapic(void *object, void *state)
{
	struct ring1_vcpu *vcpu = object;

	if (!vcpu->vm->irqchip)
		return -EINVAL;
	return exchange(vcpu, RING1_COMMAND_SET_LAPIC, state, sizeof(struct kvm_lapic_state), false);
}
