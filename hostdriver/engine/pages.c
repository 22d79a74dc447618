// SPDX-License-Identifier: GPL-2.0-only
/* The page that each processor wants for itself while its virtualisation is on. */
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/topology.h>

#include "hostdriver/engine/hardware.h"

int ring1_processor_pages_get(struct page *__percpu *pages)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct page **page = per_cpu_ptr(pages, cpu);

		if (!*page)
			*page = alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO, 0);
		if (!*page)
			return -ENOMEM;
	}
	return 0;
}

void ring1_processor_pages_put(struct page *__percpu *pages)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct page **page = per_cpu_ptr(pages, cpu);

		if (*page)
			__free_page(*page);
		*page = NULL;
	}
}
