/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module's objects. A VM owns its memory slots and its vCPUs; it lives as long as one of the file
 * descriptors of it does.
 *
 * Locks, outermost first:
 *   vm->lock       what a VM consists of: slots, vCPUs, the irqchip's existence
 *   vcpu->mutex    the owner of a vCPU's shared structure and its monitor; KVM_RUN holds it all the time, others make it
 *                  step aside through ring1_vcpu_own()
 *   vm->memory_lock spinlock: invalidations of the process's memory (notifier.c); the slots, for these
 *   vm->irq_lock   spinlock: the queue of interrupt lines
 *   slots->lock    spinlock: the queue for a processor (sched.h)
 * Slots change only under vm->lock, the mutexes of all vCPUs, and vm->memory_lock: any one is enough to read them.
 */
#ifndef RING1_DRIVER_H
#define RING1_DRIVER_H

#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <asm/fpu/types.h>

#include "include/ring1/msr_list.h"
#include "hostdriver/engine/engine.h"
#include "hostdriver/sched/sched.h"
#include "hostdriver/world/world.h"

#define RING1_MAX_VCPUS 1
#define RING1_MAX_SLOTS 509
#define RING1_MAX_GPA (1ULL << 32) /* what the monitor's tables cover */
#define RING1_IDENTITY_MAP 0xfffbc000ULL /* KVM's default */
#define RING1_VCPU_MMAP_PAGES 2 /* struct kvm_run, then the data of port accesses */

struct dentry;

struct ring1_memslot {
	struct list_head node;
	u32 id;
	u32 flags; /* KVM_MEM_READONLY, KVM_MEM_LOG_DIRTY_PAGES */
	u64 base_gfn;
	u64 npages;
	u64 hva;
	unsigned long *dirty; /* with KVM_MEM_LOG_DIRTY_PAGES: a bit for each page written since the log was read */
};

/* Interrupt lines: what did not fit into the monitor's queue waits here, one pulse and the last level per line. */
struct ring1_irq_lines {
	u32 level;   /* as user space set it last */
	u32 changed; /* waits for room in the queue */
	u32 raised;  /* was high at least once since it waits */
};

struct ring1_vcpu;

struct ring1_vm {
	struct kref ref;
	struct mm_struct *mm;
	struct mutex lock;
	struct list_head slots;
	struct mmu_notifier notifier; /* of mm */
	atomic_t released; /* mm has gone, or we no longer care */
	spinlock_t memory_lock;
	u64 invalidations; /* of the guest's memory, that have ended */
	u32 invalidating; /* how many are under way, within these addresses */
	unsigned long invalid_start, invalid_end;
	wait_queue_head_t invalidation_ended;
	bool irqchip, pit;
	bool manual_dirty_log;
	struct ring1_choice choice; /* held as long as the VM lives */
	u64 identity_map; /* guest physical address; of use to engine vmx where it needs one */
	struct ring1_sched_params sched;
	spinlock_t irq_lock;
	struct ring1_irq_lines lines;
	struct ring1_vcpu *vcpus[RING1_MAX_VCPUS]; /* never taken away before the VM ends */
	struct dentry *debugfs;
	pid_t pid;
};

struct ring1_vcpu {
	struct ring1_vm *vm;
	u32 id;
	struct mutex mutex;
	atomic_t waiters;	/* threads that want the mutex from KVM_RUN */
	wait_queue_head_t wait; /* KVM_RUN, halted or stepped aside */
	bool event;		/* something happened since the last entry: do not stay halted */

	struct ring1_world *world;
	struct ring1_vcpu_shared *shared;
	struct kvm_run *run;	/* user space writes here at any time: read each field once */
	void *pio;
	struct fpu_guest fpu;
	bool fpu_loaded;	/* current's FPU registers are the guest's */

	bool entered;		/* the monitor has been in its world */
	bool started;		/* KVM_RUN has entered the guest */
	bool in_flight;		/* the monitor is suspended inside an instruction */
	bool state_written;	/* user space changed shared->cpu */
	bool dead;		/* the monitor ended: never enter it again */
	int memory_error;	/* why a page of the guest's could not be had in this KVM_RUN */
	u32 answer_owed;	/* KVM_EXIT_IO or KVM_EXIT_MMIO: its answer is still in kvm_run */

	bool sigset_active;
	sigset_t sigset;

	struct ring1_vcpu_sched sched;

	struct hrtimer timer;
	u64 armed; /* deadline_tsc the timer was set for */
	u64 run_delay; /* of the thread steal_pid, as of the last entry */
	pid_t steal_pid;
	u64 tsc_missing; /* sleep.c: the epoch of the processor's TSC in which armed and all that follows are told */
	u64 stopped_since; /* TSC; virtual time stands since then; 0: it does not */
};

/* main.c: module parameters */
extern unsigned int ring1_tc_size;
extern bool ring1_chaining, ring1_short_ways, ring1_check_recovery, ring1_trace;
extern u8 ring1_check_mmu;

/* name.c: /dev/kvm, while nobody else wants it. init: true if we have it now. */
bool ring1_kvm_name_init(const struct file_operations *fops);
void ring1_kvm_name_exit(void);

/* ops.c: ioctls with one fixed-size structure, as a table */
#define RING1_IN 1
#define RING1_OUT 2
struct ring1_op {
	unsigned int cmd;
	unsigned int direction; /* RING1_IN | RING1_OUT; some numbers in kvm.h encode the wrong one */
	int (*fn)(void *object, void *data);
};
const struct ring1_op *ring1_op_find(const struct ring1_op *ops, unsigned int count, unsigned int cmd);
void *ring1_op_data(const struct ring1_op *op, const void __user *argp);
int ring1_op_finish(const struct ring1_op *op, void __user *argp, void *data, int ret);

/* system.c, cpuid.c */
long ring1_system_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
int ring1_check_extension(unsigned long capability);
int ring1_get_supported_cpuid(const struct ring1_vm *vm, struct kvm_cpuid2 __user *argp);

/* vm.c */
int ring1_vm_create(unsigned long type);
void ring1_vm_get(struct ring1_vm *vm);
void ring1_vm_put(struct ring1_vm *vm);
int ring1_vm_own_vcpus(struct ring1_vm *vm);
void ring1_vm_disown_vcpus(struct ring1_vm *vm);

/* memslot.c, dirty_log.c, pin.c */
int ring1_set_memory_region(void *vm, void *region);
int ring1_get_dirty_log(void *vm, void *log);
int ring1_clear_dirty_log(void *vm, void *log);
int ring1_enable_cap(void *vm, void *cap);
int ring1_dirty_log_start(struct ring1_vm *vm, struct ring1_memslot *slot);
void ring1_dirty_log_stop(struct ring1_memslot *slot);
struct ring1_memslot *ring1_slot_by_id(struct ring1_vm *vm, u32 id);
struct ring1_memslot *ring1_slot_of(struct ring1_vm *vm, u64 gfn);
void ring1_slots_free(struct ring1_vm *vm);
void ring1_serve_pin(struct ring1_vcpu *vcpu);
void ring1_withdraw_pin(struct ring1_vcpu *vcpu);
void ring1_write_protect(struct ring1_vm *vm, u64 gfn, u64 count);

/* notifier.c: the process's memory changes */
int ring1_notifier_register(struct ring1_vm *vm);
void ring1_notifier_unregister(struct ring1_vm *vm);
void ring1_vm_withdraw(struct ring1_vm *vm, u64 gfn, u64 count);
bool ring1_memory_at_rest(struct ring1_vm *vm, unsigned long start, unsigned long end, u64 *moment);
bool ring1_memory_unchanged(struct ring1_vm *vm, unsigned long start, unsigned long end, u64 moment);

/* vcpu.c, vcpu_ioctl.c */
int ring1_vcpu_create(struct ring1_vm *vm, unsigned long id);
void ring1_vcpu_free(struct ring1_vcpu *vcpu);
int ring1_vcpu_own(struct ring1_vcpu *vcpu);
void ring1_vcpu_disown(struct ring1_vcpu *vcpu);
void ring1_vcpu_notify(struct ring1_vcpu *vcpu);
long ring1_vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* run.c, exit.c, command.c, timer.c, sleep.c, vtime.c, steal.c */
int ring1_vcpu_run(struct ring1_vcpu *vcpu);
int ring1_exit_report(struct ring1_vcpu *vcpu);
void ring1_exit_report_dead(struct ring1_vcpu *vcpu);
void ring1_exit_answer(struct ring1_vcpu *vcpu);
enum ring1_request ring1_vcpu_enter(struct ring1_vcpu *vcpu);
void ring1_vcpu_die(struct ring1_vcpu *vcpu, const char *reason);
int ring1_vcpu_command(struct ring1_vcpu *vcpu, u32 command);
void ring1_vm_command_range(struct ring1_vm *vm, u32 command, u64 gfn, u64 count, const char *failure);
void ring1_vtime_stop(struct ring1_vcpu *vcpu);
void ring1_vtime_account(struct ring1_vcpu *vcpu);
void ring1_vtime_resume(struct ring1_vcpu *vcpu);
u64 ring1_vtime_tsc(const struct ring1_vcpu *vcpu);
u64 ring1_vcpu_tsc(const struct ring1_vcpu *vcpu);
void ring1_sleep_init(void);
void ring1_sleep_exit(void);
void ring1_sleep_vcpu_init(struct ring1_vcpu *vcpu);
void ring1_sleep_follow(struct ring1_vcpu *vcpu);
void ring1_steal_account(struct ring1_vcpu *vcpu);
void ring1_steal_waited(struct ring1_vcpu *vcpu, u64 since);
void ring1_timer_init(struct ring1_vcpu *vcpu);
void ring1_timer_update(struct ring1_vcpu *vcpu);

/* State of a vCPU; the vCPU is owned. */
void ring1_state_reset(struct ring1_vcpu *vcpu);
int ring1_get_regs(void *vcpu, void *regs);
int ring1_set_regs(void *vcpu, void *regs);
int ring1_get_sregs(void *vcpu, void *sregs);
int ring1_set_sregs(void *vcpu, void *sregs);
int ring1_get_events(void *vcpu, void *events);
int ring1_set_events(void *vcpu, void *events);
int ring1_get_debugregs(void *vcpu, void *regs);
int ring1_set_debugregs(void *vcpu, void *regs);
int ring1_get_mp_state(void *vcpu, void *state);
int ring1_set_mp_state(void *vcpu, void *state);
int ring1_inject_interrupt(void *vcpu, void *interrupt);
int ring1_inject_nmi(void *vcpu, void *unused);
int ring1_set_cpuid2(struct ring1_vcpu *vcpu, struct kvm_cpuid2 __user *argp);
int ring1_get_cpuid2(struct ring1_vcpu *vcpu, struct kvm_cpuid2 __user *argp);
int ring1_get_msr_index_list(struct kvm_msr_list __user *argp);
long ring1_msrs(struct ring1_vcpu *vcpu, struct kvm_msrs __user *argp, bool write);
int ring1_fpu_create(struct ring1_vcpu *vcpu);
void ring1_fpu_free(struct ring1_vcpu *vcpu);
void ring1_fpu_load(struct ring1_vcpu *vcpu);
void ring1_fpu_put(struct ring1_vcpu *vcpu);
int ring1_get_fpu(void *vcpu, void *fpu);
int ring1_set_fpu(void *vcpu, void *fpu);

/* irq.c, irqchip.c, routing.c */
int ring1_irq_line(void *vm, void *level);
int ring1_irq_line_status(void *vm, void *level);
void ring1_irq_drain(struct ring1_vcpu *vcpu);
int ring1_create_irqchip(struct ring1_vm *vm);
int ring1_create_pit2(void *vm, void *config);
int ring1_get_irqchip(void *vm, void *chip);
int ring1_set_irqchip(void *vm, void *chip);
int ring1_get_pit2(void *vm, void *state);
int ring1_set_pit2(void *vm, void *state);
int ring1_get_clock(void *vm, void *clock);
int ring1_set_clock(void *vm, void *clock);
int ring1_get_lapic(void *vcpu, void *state);
int ring1_set_lapic(void *vcpu, void *state);
int ring1_set_gsi_routing(struct ring1_vm *vm, struct kvm_irq_routing __user *argp);

/* stats.c, debugfs.c, log.c */
#define RING1_STAT_COUNT (sizeof(struct ring1_stats) / sizeof(u64))
extern const char *const ring1_stat_names[RING1_STAT_COUNT];
int ring1_stats_fd(struct ring1_vm *vm, struct ring1_vcpu *vcpu);
void ring1_stats_read(struct ring1_vm *vm, struct ring1_vcpu *vcpu, u64 values[RING1_STAT_COUNT]);
void ring1_debugfs_init(void);
void ring1_debugfs_exit(void);
void ring1_debugfs_add_vm(struct ring1_vm *vm, int fd);
void ring1_debugfs_add_vcpu(struct ring1_vcpu *vcpu);
extern const struct file_operations ring1_log_fops;
void ring1_log_panic(struct ring1_vcpu *vcpu);

#endif
