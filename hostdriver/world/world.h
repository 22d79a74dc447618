/* SPDX-License-Identifier: GPL-2.0-only */
/* The monitor's world of one vCPU: its page tables, descriptor tables, stacks, and the switch into it. */
#ifndef RING1_WORLD_H
#define RING1_WORLD_H

#include <linux/types.h>

#include "include/ring1/vcpu_shared.h"

struct ring1_world;

/* Once at module load/unload: checks the processor, unpacks the embedded monitor image. 0 or -errno. */
int ring1_world_init(void);
void ring1_world_exit(void);

/* A world for one vCPU, or ERR_PTR. Its shared structure is zeroed but for config.direct_map and config.tsc_khz. */
struct ring1_world *ring1_world_create(enum ring1_engine engine);
void ring1_world_destroy(struct ring1_world *world);
struct ring1_vcpu_shared *ring1_world_shared(struct ring1_world *world);

/*
 * Switches to the monitor with shared->command and returns its request. Serves RING1_REQUEST_PAGES itself; has replayed
 * the physical interrupt when it returns RING1_REQUEST_INTERRUPT. RING1_REQUEST_NONE: the thread is being killed, and the monitor
 * was not entered, or not again after a request that is served here. Called preemptible with interrupts on; the guest's FPU
 * state must be current's (fpu_swap_kvm_fpstate). kick is tested with interrupts off, so a kick (set shared->kick, then
 * send a reschedule IPI to ring1_world_cpu()) is never lost.
 */
enum ring1_request ring1_world_enter(struct ring1_world *world);

/* The processor that is inside ring1_world_enter() with this world now, or -1. */
int ring1_world_cpu(const struct ring1_world *world);

/* Makes a guest page visible to the monitor at its window for guest memory. 0 or -ENOMEM. */
int ring1_world_map_guest(struct ring1_world *world, u64 gpa, u64 hpa, bool writable);

/* Takes the right to write from what is mapped there, if anything is. */
void ring1_world_protect_guest(struct ring1_world *world, u64 gfn, u64 count);

/*
 * These guest pages are given up before anything else happens in the world. One that is inside now does not know: after
 * ring1_world_wait_outside() it does.
 */
void ring1_world_withdraw(struct ring1_world *world, u64 gfn, u64 count);
void ring1_world_wait_outside(struct ring1_world *world);

/* Frees what only the monitor uses, as it will never be entered again. */
void ring1_world_take_back(struct ring1_world *world);

#endif
