/* SPDX-License-Identifier: GPL-2.0-only */
/* Interrupt lines, and the controllers and the timer in the monitor. */
#ifndef RING1_INTERRUPT_H
#define RING1_INTERRUPT_H

struct kvm_irq_routing;
struct kvm_reinject_control;
struct ring1_vcpu;
struct ring1_vm;

/* irq.c */
int ring1_irq_line(void *vm, void *level);
int ring1_irq_line_status(void *vm, void *level);
void ring1_irq_drain(struct ring1_vcpu *vcpu);

/* irqchip.c */
int ring1_create_irqchip(struct ring1_vm *vm);
int ring1_create_pit2(void *vm, void *config);
int ring1_reinject_control(struct ring1_vm *vm, const struct kvm_reinject_control __user *argp);
int ring1_get_irqchip(void *vm, void *chip);
int ring1_set_irqchip(void *vm, void *chip);
int ring1_get_pit2(void *vm, void *state);
int ring1_set_pit2(void *vm, void *state);
int ring1_get_clock(void *vm, void *clock);
int ring1_set_clock(void *vm, void *clock);
int ring1_get_lapic(void *vcpu, void *state);
int ring1_set_lapic(void *vcpu, void *state);

/* routing.c */
int ring1_set_gsi_routing(struct ring1_vm *vm, struct kvm_irq_routing __user *argp);

#endif
