// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an engine lets a guest have that binary translation cannot give. bt runs 32-bit guests only: its guests live in
 * compatibility mode, in the low 4 GiB.
 */
#include "hostdriver/ring1.h"

/* vm is NULL where none is meant yet (KVM_GET_SUPPORTED_CPUID): the engine that a new VM gets. */
u32 ring1_guest_features(const struct ring1_vm *vm)
{
	struct ring1_choice choice;

	if (vm)
		choice = vm->choice;
	else
		ring1_engine_default(&choice);
	/* Shadow page tables are made for two levels of guest tables. */
	if (choice.engine == RING1_ENGINE_BT || !choice.nested_paging)
		return 0;
	return RING1_FEATURE_LONG_MODE | (boot_cpu_has(X86_FEATURE_GBPAGES) ? RING1_FEATURE_GIGABYTE_PAGES : 0);
}
