/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where each world's VMCS is active: only that processor may clear it, and it must before another one loads it
 * (SDM 3C 25.11.1).
 */
#ifndef RING1_VMX_H
#define RING1_VMX_H

#include <linux/types.h>

struct ring1_world;

/* A new world gets a VMCS and an identifier for the TLB; both end with the world. */
void ring1_vmx_attach(struct ring1_world *world);
void ring1_vmx_detach(struct ring1_world *world);

/*
 * True: preemption is off, this processor is in VMX operation and the VMCS is active on no other. False: it is not to be
 * had, and the process is dying anyway.
 */
bool ring1_vmx_arrive(struct ring1_world *world);
/* Interrupts are off: the monitor may load the VMCS now. */
void ring1_vmx_activate(struct ring1_world *world);

#endif
