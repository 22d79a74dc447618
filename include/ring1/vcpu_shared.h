/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contract between the module (host world) and the monitor (its own world). One such structure per vCPU,
 * mapped at the same address in both. At any time one side owns it: the host between two entries, the monitor
 * during one; the fields marked [async] may be written by the host at any time.
 *
 * The monitor is a coroutine of the host's KVM_RUN: it runs until it needs something, writes a request, and
 * switches to the host; the host serves it and switches back. Then request() returns inside the monitor.
 */
#ifndef RING1_VCPU_SHARED_H
#define RING1_VCPU_SHARED_H

#include <linux/kvm.h>
#include <linux/types.h>

#include "api.h"
#include "cpu_state.h"
#include "stats.h"

/* What the host wants of the monitor at an entry. All but RUN are answered with RING1_REQUEST_DONE. */
enum ring1_command {
	RING1_COMMAND_RUN,	    /* continue; the answer to a request lies in the request's fields */
	RING1_COMMAND_GET_IRQCHIP,  /* shared->payload.irqchip, chip_id set */
	RING1_COMMAND_SET_IRQCHIP,
	RING1_COMMAND_GET_PIT,	    /* payload.pit */
	RING1_COMMAND_SET_PIT,
	RING1_COMMAND_GET_LAPIC,    /* payload.lapic */
	RING1_COMMAND_SET_LAPIC,
	RING1_COMMAND_STATE_WRITTEN,/* user space has changed cpu (SET_REGS, SET_SREGS, SET_MSRS...) */
	RING1_COMMAND_GET_CLOCK,    /* payload.clock: nanoseconds of virtual time since the VM began, or since SET_CLOCK */
	RING1_COMMAND_SET_CLOCK,
	RING1_COMMAND_LOG_DIRTY,    /* guest pages payload.range are clean now: ask (PIN) before the next write to each */
};

/* What the monitor wants of the host. */
enum ring1_request {
	RING1_REQUEST_NONE,
	RING1_REQUEST_DONE,	 /* a command other than RUN was carried out; status: 0 or -errno */
	RING1_REQUEST_INTERRUPT, /* a physical interrupt was replayed; nothing to do but the host's own chores */
	RING1_REQUEST_PAGES,	 /* give `pages.count` zeroed pages; served inside ring1_world_enter() */
	RING1_REQUEST_PIN,	 /* where guest pages lie, see struct ring1_pin_request */
	RING1_REQUEST_EXIT,	 /* return to user space with `exit` */
	RING1_REQUEST_HALT,	 /* block until an event, a kick, or deadline_tsc */
	RING1_REQUEST_DEADLINE,	 /* deadline_tsc changed: re-arm the timer, come back */
	RING1_REQUEST_WALL_CLOCK, /* real time into wall_clock_ns */
	RING1_REQUEST_POLL,	 /* the host's interrupts have waited long enough; served inside ring1_world_enter() */
	RING1_REQUEST_PANIC,	 /* the monitor is dead; the dump lies in the log; never enter it again */
};

#define RING1_PAGES_MAX 64
#define RING1_PIN_MAX 16

struct ring1_pages_request {
	__u32 count;  /* in: 1..RING1_PAGES_MAX; out: how many were given (may be fewer, 0 = none) */
	__u32 pad;
	__u64 hpa[RING1_PAGES_MAX]; /* mapped in the monitor's world at direct_map + hpa, writable, not executable */
};

/*
 * CLEAN: RAM whose writes are logged, and this page was not written since the log was read. It is not writable; a pin
 * request with `write` enters it into the log and makes it RAM.
 */
enum ring1_backing {
	RING1_BACKING_RAM,
	RING1_BACKING_READONLY,
	RING1_BACKING_CLEAN,
	RING1_BACKING_DEVICE,
	RING1_BACKING_ERROR,
	RING1_BACKING_RETRY,
};

struct ring1_pin_request {
	__u64 gfn;     /* in: first page */
	__u32 count;   /* in: 1..RING1_PIN_MAX wanted; out: pages found, from gfn on, all of one backing */
	__u32 backing; /* out: of gfn. DEVICE: no slot there, count = 0. ERROR: host out of memory, count = 0. RETRY: ask again */
	__u32 write;   /* in: the pages are about to be written */
	__u32 pad;
	__u64 hpa[RING1_PIN_MAX];
};

/*
 * Guest pages whose memory is no longer the guest's, told at an entry: nothing found there before may be touched again,
 * and the guest may be entered only when nothing of its world leads there.
 */
#define RING1_WITHDRAWN_MAX 32
struct ring1_page_range {
	__u64 gfn, count;
};
struct ring1_withdrawn {
	__u32 count;
	__u32 pad;
	struct ring1_page_range range[RING1_WITHDRAWN_MAX];
};

struct ring1_exit {
	__u32 reason; /* KVM_EXIT_IO, MMIO, HLT, SHUTDOWN, INTERNAL_ERROR, FAIL_ENTRY, IRQ_WINDOW_OPEN, SYSTEM_EVENT, INTR */
	__u32 pad;
	union {
		struct {
			__u16 port;
			__u8 size, out;	 /* size 1, 2, 4; out: 1 = OUT */
			__u32 value;	 /* OUT: in; IN: the answer */
		} io;
		struct {
			__u64 gpa;
			__u8 data[8];	 /* write: in; read: the answer */
			__u32 size;	 /* 1..8 */
			__u32 is_write;
		} mmio;
		struct {
			__u32 suberror; /* KVM_INTERNAL_ERROR_* */
			__u32 count;	/* of data */
			__u64 data[16];
		} internal;
		struct {
			__u64 reason;
		} fail_entry;
	};
};

/*
 * Single producer (host, under its own lock), single consumer (monitor). Entry: gsi | level << 15. Both counters run
 * freely; the entry of counter n is n modulo the size. [async]
 */
#define RING1_IRQ_QUEUE_SIZE 256
struct ring1_irq_queue {
	__u32 head; /* next to write, host */
	__u32 tail; /* next to read, monitor */
	__u16 entry[RING1_IRQ_QUEUE_SIZE];
};

/* A byte ring of text lines; head counts bytes ever written (monitor), tail bytes ever read (host). */
#define RING1_LOG_SIZE 65536
struct ring1_log {
	__u64 head, tail;
	char text[RING1_LOG_SIZE];
};

#define RING1_CPUID_MAX 80
#define RING1_MAX_GSI 24

/* Decided before the first entry, constant afterwards. */
struct ring1_config {
	__u32 tsc_khz;
	__u32 tc_bytes;	    /* size of the translation cache, a multiple of 4096 */
	__u8 irqchip, pit;  /* created in the kernel? Set before the first vCPU (irqchip) or any time before RUN (pit) */
	__u8 chaining;	    /* link fragments; 0 for debugging */
	__u8 check_recovery;/* debug: verify state recovery at every fragment */
	__u8 trace;	    /* debug: log every entry into the guest */
	__u8 engine;	    /* enum ring1_engine */
	__u8 nested_paging; /* svm: NPT, vmx: EPT; else shadow page tables */
	__u8 long_mode;	    /* the guest may use it: EFER.LME, 64-bit code, the registers that come with it */
	__u32 asid;	    /* svm: of this vCPU, not 0 */
	__u8 asid_shared;   /* svm: others use the same ASID: its entries in the TLB are old at each visit */
	__u8 active_time;   /* virtual time stands while the VM does not run */
	__u8 tsc_stable;    /* the host takes its TSC for one clock on all processors */
	__u8 check_mmu;	    /* debug: verify the shadow tables at every n-th round; 0: never */
	__u8 physical_bits; /* of the guest's physical addresses, as its CPUID says (msr_list.h) */
	__u8 short_ways;    /* bt: answer common traps without the general way; 0 for debugging */
	__u8 pad[6];
	__u64 created_ns;   /* real time when the vCPU was made */
	__u64 direct_map;   /* host virtual address of physical address 0 */
	__u64 max_gpa;	    /* limit of guest physical addresses */
	__u64 identity_map; /* vmx: of a page that the engine may put into the guest's physical space, below 4 GiB */
};

struct ring1_vcpu_shared {
	struct ring1_cpu_state cpu;
	struct ring1_config config;

	__u32 command;	/* enum ring1_command, host -> monitor */
	__u32 request;	/* enum ring1_request, monitor -> host */
	__s32 status;
	__u32 kick;	/* [async] come back to the host with an EXIT of reason KVM_EXIT_INTR at the next instruction boundary */
	__u64 stopped_cycles; /* host -> monitor, ever growing: TSC cycles in which virtual time stood */
	__u64 stopped_at; /* host -> monitor: the TSC at which virtual time stands now, 0 = it runs */
	__u64 deadline_tsc; /* processor TSC of the next virtual timer event, 0 = none; monitor -> host */
	__u8 request_interrupt_window;	/* copy of kvm_run's field, at each entry */
	__u8 ready_for_interrupt;	/* monitor -> host at each EXIT: an external interrupt could be injected now */
	__u8 if_flag;			/* monitor -> host at each EXIT */
	__u8 extint_valid, extint_vector; /* KVM_INTERRUPT without irqchip: host sets, monitor takes */
	__u8 guest_stopped; /* KVM_KVMCLOCK_CTRL: tell the guest that it was stopped; the monitor takes it */
	__u8 drop_late_ticks; /* [async] KVM_REINJECT_CONTROL: those of the PIT are not made up for; SET_PIT may change it */
	__u8 pad;
	__u64 wall_clock_ns; /* answer to WALL_CLOCK */

	struct ring1_pages_request pages;
	struct ring1_pin_request pin;
	struct ring1_withdrawn withdrawn;
	struct ring1_exit exit;
	union {
		struct kvm_irqchip irqchip;
		struct kvm_pit_state2 pit;
		struct kvm_lapic_state lapic;
		struct { __u64 gfn, count; } range;
		struct kvm_clock_data clock;
	} payload;

	__u32 cpuid_count;
	__u32 pad3;
	struct kvm_cpuid_entry2 cpuid[RING1_CPUID_MAX];

	struct ring1_irq_queue irq_queue;
	struct ring1_stats stats;
	struct ring1_log log;
};

#endif
