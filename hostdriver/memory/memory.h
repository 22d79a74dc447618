/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest memory: slots of the process's memory, what was written to them, and where a page lies at the moment. */
#ifndef RING1_MEMORY_H
#define RING1_MEMORY_H

struct ring1_vcpu;
struct ring1_vm;

#define RING1_MAX_SLOTS 509

/* memslot.c */
int ring1_set_memory_region(void *vm, void *region);
void ring1_slots_free(struct ring1_vm *vm);

/* dirty_log.c */
int ring1_get_dirty_log(void *vm, void *log);
int ring1_clear_dirty_log(void *vm, void *log);
int ring1_enable_cap(void *vm, void *cap);

/* pin.c: for struct ring1_request_handlers. */
void ring1_serve_pin(struct ring1_vcpu *vcpu);

/* notifier.c: the process's memory changes. */
int ring1_notifier_register(struct ring1_vm *vm);
void ring1_notifier_unregister(struct ring1_vm *vm);

#endif
