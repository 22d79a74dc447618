// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time in which a VM does not run. Under the policy *active* its virtual time stands then: outside KVM_RUN, while it
 * waits for a slot, and while the host does something else after a physical interrupt. A halted VM runs: it waits for
 * its own timer. The monitor takes the sum out of its clock and out of the guest's TSC when it is entered next.
 */


#include "hostdriver/time/time.h"
#include "hostdriver/vm/vcpu.h"

void ring1_vtime_stop(struct ring1_vcpu *vcpu)
{
	if (vcpu->shared->config.active_time && !vcpu->stopped_since)
		vcpu->stopped_since = ring1_vcpu_tsc(vcpu);
}

/* Before each entry, also for a command: nothing may be computed from a clock that ran on. */
void ring1_vtime_account(struct ring1_vcpu *vcpu)
{
	u64 now;

	if (!vcpu->stopped_since)
		return;
	now = ring1_vcpu_tsc(vcpu);
	vcpu->shared->stopped_cycles += now - vcpu->stopped_since;
	vcpu->stopped_since = now;
	vcpu->shared->stopped_at = now;
}

void ring1_vtime_resume(struct ring1_vcpu *vcpu)
{
	ring1_vtime_account(vcpu);
	vcpu->stopped_since = 0;
	vcpu->shared->stopped_at = 0;
}

/* The processor's TSC that goes with shared->cpu.tsc_offset. */
u64 ring1_vtime_tsc(const struct ring1_vcpu *vcpu)
{
	return vcpu->stopped_since ?: ring1_vcpu_tsc(vcpu);
}
