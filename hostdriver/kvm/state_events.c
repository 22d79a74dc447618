// SPDX-License-Identifier: GPL-2.0-only
/* Events on their way into the guest: KVM_GET/SET_VCPU_EVENTS, MP_STATE, KVM_INTERRUPT, KVM_NMI. */
#include <linux/kvm.h>
#include <asm/trapnr.h>

#include "hostdriver/kvm/state.h"
#include "hostdriver/vm/vcpu.h"
#include "hostdriver/vm/vm.h"

#define VALID_IN_GET (KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW)
#define ACCEPTED_IN_SET (VALID_IN_GET | KVM_VCPUEVENT_VALID_SIPI_VECTOR | KVM_VCPUEVENT_VALID_SMM)

/* The two flags have opposite numbers in KVM's interface. */
static u8 shadow_to_kvm(u8 shadow)
{
	return (shadow & RING1_SHADOW_STI ? KVM_X86_SHADOW_INT_STI : 0) |
	       (shadow & RING1_SHADOW_MOV_SS ? KVM_X86_SHADOW_INT_MOV_SS : 0);
}

static u8 shadow_from_kvm(u8 shadow)
{
	return (shadow & KVM_X86_SHADOW_INT_STI ? RING1_SHADOW_STI : 0) |
	       (shadow & KVM_X86_SHADOW_INT_MOV_SS ? RING1_SHADOW_MOV_SS : 0);
}

int ring1_get_events(void *object, void *data)
{
	const struct ring1_vcpu_shared *shared = ((struct ring1_vcpu *)object)->shared;
	const struct ring1_pending_event *event = &shared->cpu.event;
	struct kvm_vcpu_events *events = data;

	if (event->valid && event->is_exception) {
		events->exception.injected = 1;
		events->exception.nr = event->vector;
		events->exception.has_error_code = event->has_error;
		events->exception.error_code = event->error_code;
	} else if (event->valid) {
		events->interrupt.injected = 1;
		events->interrupt.nr = event->vector;
		events->interrupt.soft = event->is_software;
	} else if (shared->extint_valid) {
		events->interrupt.injected = 1;
		events->interrupt.nr = shared->extint_vector;
	}
	events->interrupt.shadow = shadow_to_kvm(shared->cpu.shadow);
	events->nmi.pending = shared->cpu.nmi_pending;
	events->nmi.masked = shared->cpu.nmi_blocked;
	events->flags = VALID_IN_GET;
	return 0;
}

static bool valid_events(const struct kvm_vcpu_events *events)
{
	if (events->flags & ~(u32)ACCEPTED_IN_SET)
		return false;
	if ((events->exception.injected || events->exception.pending) &&
	    (events->exception.nr > 31 || events->exception.nr == X86_TRAP_NMI))
		return false;
	/* System-management mode is not offered. */
	return !(events->flags & KVM_VCPUEVENT_VALID_SMM) || !(events->smi.smm || events->smi.pending);
}

int ring1_set_events(void *object, void *data)
{
	struct ring1_vcpu *vcpu = object;
	struct ring1_vcpu_shared *shared = vcpu->shared;
	struct ring1_cpu_state *cpu = &shared->cpu;
	const struct kvm_vcpu_events *events = data;

	if (!valid_events(events))
		return -EINVAL;
	shared->extint_valid = 0;
	cpu->event = (struct ring1_pending_event){};
	if (events->exception.injected || events->exception.pending)
		cpu->event = (struct ring1_pending_event){
			.valid = 1,
			.is_exception = 1,
			.vector = events->exception.nr,
			.has_error = !!events->exception.has_error_code,
			.error_code = events->exception.error_code,
		};
	else if (events->interrupt.injected)
		cpu->event = (struct ring1_pending_event){
			.valid = 1,
			.vector = events->interrupt.nr,
			.is_software = !!events->interrupt.soft,
		};
	if (events->flags & KVM_VCPUEVENT_VALID_SHADOW)
		cpu->shadow = shadow_from_kvm(events->interrupt.shadow);
	cpu->nmi_blocked = !!events->nmi.masked;
	if (events->flags & KVM_VCPUEVENT_VALID_NMI_PENDING)
		cpu->nmi_pending = !!events->nmi.pending;
	/* One whose delivery was begun starts again: it has not masked others yet. */
	if (events->nmi.injected) {
		cpu->nmi_pending = 1;
		cpu->nmi_blocked = 0;
	}
	vcpu->state_written = true;
	return 0;
}

int ring1_get_mp_state(void *object, void *data)
{
	static const u32 to_kvm[] = {
		[RING1_MP_RUNNABLE] = KVM_MP_STATE_RUNNABLE,
		[RING1_MP_HALTED] = KVM_MP_STATE_HALTED,
		[RING1_MP_WAIT_INIT] = KVM_MP_STATE_UNINITIALIZED,
		[RING1_MP_WAIT_SIPI] = KVM_MP_STATE_INIT_RECEIVED,
	};
	const struct ring1_vcpu *vcpu = object;
	struct kvm_mp_state *state = data;

	state->mp_state = to_kvm[vcpu->shared->cpu.mp_state & 3];
	return 0;
}

int ring1_set_mp_state(void *object, void *data)
{
	struct ring1_vcpu *vcpu = object;
	const struct kvm_mp_state *state = data;
	u8 value;

	switch (state->mp_state) {
	case KVM_MP_STATE_RUNNABLE:
		value = RING1_MP_RUNNABLE;
		break;
	case KVM_MP_STATE_HALTED:
		value = RING1_MP_HALTED;
		break;
	case KVM_MP_STATE_UNINITIALIZED:
		value = RING1_MP_WAIT_INIT;
		break;
	case KVM_MP_STATE_INIT_RECEIVED:
		value = RING1_MP_WAIT_SIPI;
		break;
	default:
		return -EINVAL;
	}
	if (value != RING1_MP_RUNNABLE && !vcpu->vm->irqchip)
		return -EINVAL;
	vcpu->shared->cpu.mp_state = value;
	vcpu->state_written = true;
	return 0;
}

int ring1_inject_interrupt(void *object, void *data)
{
	struct ring1_vcpu *vcpu = object;
	const struct kvm_interrupt *interrupt = data;

	if (interrupt->irq >= KVM_NR_INTERRUPTS)
		return -EINVAL;
	if (vcpu->vm->irqchip)
		return -ENXIO;
	if (vcpu->shared->extint_valid)
		return -EEXIST;
	vcpu->shared->extint_vector = interrupt->irq;
	vcpu->shared->extint_valid = 1;
	return 0;
}

int ring1_inject_nmi(void *object, void *unused)
{
	struct ring1_vcpu *vcpu = object;

	vcpu->shared->cpu.nmi_pending = 1;
	vcpu->state_written = true;
	return 0;
}
