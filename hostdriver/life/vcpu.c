// SPDX-License-Identifier: GPL-2.0-only
/* A virtual processor: its birth and its end. */
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/slab.h>
#include <asm/barrier.h>

#include "hostdriver/command/command.h"
#include "hostdriver/life/life.h"
#include "hostdriver/sched/sched.h"
#include "hostdriver/time/time.h"
#include "hostdriver/vm/vcpu.h"
#include "hostdriver/vm/vm.h"
#include "hostdriver/world/world.h"

/* Also for one that is half made. */
void ring1_vcpu_free(struct ring1_vcpu *vcpu)
{
	ring1_sched_vcpu_free(vcpu);
	if (vcpu->world) {
		hrtimer_cancel(&vcpu->timer);
		ring1_world_destroy(vcpu->world);
	}
	ring1_fpu_free(vcpu);
	free_page((unsigned long)vcpu->run);
	free_page((unsigned long)vcpu->pio);
	kfree(vcpu);
}

struct ring1_vcpu *ring1_vcpu_create(struct ring1_vm *vm, u32 id)
{
	struct ring1_vcpu *vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);
	int ret = -ENOMEM;

	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	vcpu->vm = vm;
	vcpu->id = id;
	mutex_init(&vcpu->mutex);
	init_waitqueue_head(&vcpu->wait);
	vcpu->run = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	vcpu->pio = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vcpu->run || !vcpu->pio || ring1_fpu_create(vcpu))
		goto fail;
	vcpu->world = ring1_world_create(vm->choice.engine);
	if (IS_ERR(vcpu->world)) {
		ret = PTR_ERR(vcpu->world);
		vcpu->world = NULL;
		goto fail;
	}
	vcpu->shared = ring1_world_shared(vcpu->world);
	ring1_timer_init(vcpu);
	ring1_sleep_vcpu_init(vcpu);
	ring1_sched_vcpu_init(vcpu);
	ring1_config_fill(vcpu);
	ring1_state_reset(vcpu);
	return vcpu;
fail:
	ring1_vcpu_free(vcpu);
	return ERR_PTR(ret);
}

void ring1_vcpu_install(struct ring1_vcpu *vcpu)
{
	smp_store_release(&vcpu->vm->vcpus[vcpu->id], vcpu);
	ring1_sched_vcpu_added(vcpu);
}
