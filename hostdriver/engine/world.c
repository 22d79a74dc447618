// SPDX-License-Identifier: GPL-2.0-only
/* A world and its engine: from its birth to its end, and at each visit. */
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "hostdriver/engine/hardware.h"

bool ring1_engine_wants_area(enum ring1_engine engine)
{
	return ring1_hardware_of(engine);
}

void ring1_engine_attach(struct ring1_engine_world *world)
{
	const struct ring1_hardware *hardware = ring1_hardware_of(world->engine);

	if (hardware)
		hardware->attach(world);
}

void ring1_engine_detach(struct ring1_engine_world *world)
{
	const struct ring1_hardware *hardware = ring1_hardware_of(world->engine);

	if (hardware && world->sw)
		hardware->detach(world);
}

/*
 * A processor that comes or goes, or a host on its way down, has it off: VMRUN would save the host's state wherever
 * VM_HSAVE_PA points then.
 */
bool ring1_engine_arrive(struct ring1_engine_world *world)
{
	const struct ring1_hardware *hardware = ring1_hardware_of(world->engine);

	for (;;) {
		if (!hardware || !hardware->arrive)
			preempt_disable();
		else if (!hardware->arrive(world))
			return false;
		local_irq_disable();
		if (ring1_power_is_on(world->engine))
			return true;
		local_irq_enable();
		preempt_enable();
		if (fatal_signal_pending(current))
			return false;
		schedule_timeout_killable(1);
	}
}

void ring1_engine_activate(struct ring1_engine_world *world)
{
	const struct ring1_hardware *hardware = ring1_hardware_of(world->engine);

	if (hardware && hardware->activate)
		hardware->activate(world);
}
