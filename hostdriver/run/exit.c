// SPDX-License-Identifier: GPL-2.0-only
/*
 * Between the monitor's exits and struct kvm_run, which user space may write at any time: our own copy of the exit says
 * what is owed, only the answer's bytes come from there.
 */
#include <linux/kvm.h>
#include <linux/minmax.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "hostdriver/run/run.h"
#include "hostdriver/vm/vcpu.h"
#include "hostdriver/vm/vm.h"

static u32 access_size(u32 size, u32 limit)
{
	return clamp_t(u32, size, 1, limit);
}

static void report_io(struct ring1_vcpu *vcpu)
{
	const struct ring1_exit *exit = &vcpu->shared->exit;
	struct kvm_run *run = vcpu->run;

	run->io.direction = exit->io.out ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
	run->io.size = exit->io.size;
	run->io.port = exit->io.port;
	run->io.count = 1;
	run->io.data_offset = KVM_PIO_PAGE_OFFSET * PAGE_SIZE;
	if (exit->io.out)
		memcpy(vcpu->pio, &exit->io.value, access_size(exit->io.size, 4));
	vcpu->answer_owed = exit->io.out ? 0 : KVM_EXIT_IO;
}

static void report_mmio(struct ring1_vcpu *vcpu)
{
	const struct ring1_exit *exit = &vcpu->shared->exit;
	struct kvm_run *run = vcpu->run;

	run->mmio.phys_addr = exit->mmio.gpa;
	run->mmio.len = exit->mmio.size;
	run->mmio.is_write = !!exit->mmio.is_write;
	if (exit->mmio.is_write)
		memcpy(run->mmio.data, exit->mmio.data, sizeof(run->mmio.data));
	vcpu->answer_owed = exit->mmio.is_write ? 0 : KVM_EXIT_MMIO;
}

static void report_common(struct ring1_vcpu *vcpu, u32 reason)
{
	const struct ring1_vcpu_shared *shared = vcpu->shared;
	struct kvm_run *run = vcpu->run;

	run->exit_reason = reason;
	run->flags = 0;
	run->if_flag = shared->if_flag;
	run->ready_for_interrupt_injection = vcpu->vm->irqchip || shared->ready_for_interrupt;
	run->cr8 = shared->cpu.cr8;
	run->apic_base = shared->cpu.apic_base;
}

void ring1_exit_report_dead(struct ring1_vcpu *vcpu)
{
	report_common(vcpu, KVM_EXIT_INTERNAL_ERROR);
	vcpu->run->internal.suberror = KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON;
	vcpu->run->internal.ndata = 0;
}

/* 0: KVM_RUN returns with the exit in kvm_run. */
int ring1_exit_report(struct ring1_vcpu *vcpu)
{
	const struct ring1_exit *exit = &vcpu->shared->exit;
	struct kvm_run *run = vcpu->run;

	report_common(vcpu, exit->reason);
	switch (exit->reason) {
	case KVM_EXIT_IO:
		report_io(vcpu);
		break;
	case KVM_EXIT_MMIO:
		report_mmio(vcpu);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		run->internal.suberror = exit->internal.suberror;
		run->internal.ndata = min_t(u32, exit->internal.count, ARRAY_SIZE(exit->internal.data));
		memcpy(run->internal.data, exit->internal.data, sizeof(run->internal.data));
		break;
	case KVM_EXIT_FAIL_ENTRY:
		run->fail_entry.hardware_entry_failure_reason = exit->fail_entry.reason;
		run->fail_entry.cpu = raw_smp_processor_id();
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		run->system_event.type = KVM_SYSTEM_EVENT_SHUTDOWN;
		run->system_event.ndata = 0;
		break;
	}
	return 0;
}

/* The device's answer to the access that ended the last KVM_RUN. */
void ring1_exit_answer(struct ring1_vcpu *vcpu)
{
	struct ring1_exit *exit = &vcpu->shared->exit;

	if (vcpu->answer_owed == KVM_EXIT_IO) {
		exit->io.value = 0;
		memcpy(&exit->io.value, vcpu->pio, access_size(exit->io.size, 4));
	} else if (vcpu->answer_owed == KVM_EXIT_MMIO) {
		memcpy(exit->mmio.data, vcpu->run->mmio.data, sizeof(exit->mmio.data));
	}
	vcpu->answer_owed = 0;
}
