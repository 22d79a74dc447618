// SPDX-License-Identifier: GPL-2.0-only
/*
 * What struck while the monitor or its guest ran, and belongs to the host: replayed with INT n, which runs the host's
 * handler as if it struck now.
 *
 * The guest may execute any instruction at ring 1, software interrupts among them. So a vector counts only if an
 * interrupt controller has accepted it and waits for its EOI (SDM 3A 11.8.4): what the world says is not enough.
 */
#include <linux/io.h>
#include <asm/apic.h>
#include <asm/cpufeature.h>
#include <asm/i8259.h>
#include <asm/irq_vectors.h>
#include <asm/trapnr.h>

#include "hostdriver/world/private.h"

#define PIC_READ_ISR 0x0b /* OCW3 of the 8259: the next read gives the in-service register */
#define PIC_READ_IRR 0x0a /* what Linux expects it to give */
#define PIC_CASCADE 2

static bool in_service_at_apic(u8 vector)
{
	if (!boot_cpu_has(X86_FEATURE_APIC))
		return false;
	return apic->read(APIC_ISR + vector / 32 * 0x10) >> vector % 32 & 1;
}

/*
 * A line of the 8259 passes the local APIC without a trace there (SDM 3A 11.6.1, ExtINT). Seen on hosts without an I/O
 * APIC only, so the ports are read for a vector of these that is not the APIC's. A line of the second one waits for EOIs
 * of both, a spurious one for that of the first.
 */
static bool in_service_at_pic(u8 vector)
{
	unsigned int line = vector - ISA_IRQ_VECTOR(0);
	u8 in_service;

	if (vector < ISA_IRQ_VECTOR(0) || line >= nr_legacy_irqs())
		return false;
	outb(PIC_READ_ISR, PIC_MASTER_CMD);
	in_service = inb(PIC_MASTER_CMD);
	outb(PIC_READ_IRR, PIC_MASTER_CMD);
	return in_service >> (line < 8 ? line : PIC_CASCADE) & 1;
}

/*
 * Hyper-V and Xen raise this one with no EOI to wait for. It is harmless at any time, and its gate in the monitor's IDT is
 * out of the guest's reach.
 */
static bool is_hypervisor_callback(u8 vector)
{
	return vector == HYPERVISOR_CALLBACK_VECTOR && boot_cpu_has(X86_FEATURE_HYPERVISOR);
}

static void replay_interrupt(struct ring1_world *world, u8 vector)
{
	/* A spurious interrupt sets no bit either, and its handler has nothing to do (SDM 3A 11.9). */
	if (!in_service_at_apic(vector) && !in_service_at_pic(vector) && !is_hypervisor_callback(vector)) {
		world->shared->stats.interrupts_refused++;
		return;
	}
	world->shared->stats.physical_interrupts++;
	ring1_replay(vector);
}

void ring1_world_replay(struct ring1_world *world)
{
	struct ring1_switch *sw = world->sw;

	/* The NMI first: the IRET of any other handler would unblock NMIs. */
	if (sw->nmi_pending) {
		sw->nmi_pending = 0;
		world->shared->stats.physical_nmis++;
		ring1_replay(X86_TRAP_NMI);
	}
	if (sw->mce_pending) {
		sw->mce_pending = 0;
		ring1_replay(X86_TRAP_MC);
	}
	if (world->shared->request == RING1_REQUEST_INTERRUPT && sw->vector >= FIRST_EXTERNAL_VECTOR &&
	    sw->vector < NR_VECTORS)
		replay_interrupt(world, sw->vector);
}
