// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an engine lets a guest have that binary translation cannot give. bt runs 32-bit guests only: its guests live in
 * compatibility mode, in the low 4 GiB.
 */
#include <asm/cpufeature.h>

#include "hostdriver/engine/engine.h"

u32 ring1_guest_features(const struct ring1_choice *choice)
{
	struct ring1_choice usual;

	if (!choice) {
		ring1_engine_default(&usual);
		choice = &usual;
	}
	/* Shadow page tables are made for two levels of guest tables. */
	if (choice->engine == RING1_ENGINE_BT || !choice->nested_paging)
		return 0;
	return RING1_FEATURE_LONG_MODE | (boot_cpu_has(X86_FEATURE_GBPAGES) ? RING1_FEATURE_GIGABYTE_PAGES : 0);
}
