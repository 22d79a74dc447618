// SPDX-License-Identifier: GPL-2.0-only
/*
 * One world: the memory that the monitor owns for a vCPU and the tables the processor runs on in it. The layout is
 * drawn in docs/architecture.md. All memory but the monitor's image and the text of the switch lies at its address in
 * the host's direct map, so that pointers mean the same in both worlds.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <asm/desc.h>
#include <asm/fpu/api.h>
#include <asm/msr.h>
#include <asm/trapnr.h>
#include <asm/tsc.h>

#include "hostdriver/world/speculation.h"
#include "hostdriver/world/private.h"

static void block_free(struct ring1_world *world, struct ring1_block *block)
{
	world->pages -= 1UL << block->order;
	__free_pages(block->page, block->order);
	list_del(&block->list);
	kfree(block);
}

static void *world_alloc_where(struct ring1_world *world, unsigned int order, gfp_t where)
{
	struct ring1_block *block = kmalloc(sizeof(*block), GFP_KERNEL_ACCOUNT);
	struct page *page;

	if (!block)
		return NULL;
	page = alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN | where, order);
	if (!page) {
		kfree(block);
		return NULL;
	}
	block->page = page;
	block->order = order;
	block->late = world->built;
	list_add(&block->list, &world->blocks);
	world->pages += 1UL << order;
	return page_address(page);
}

static void *world_alloc(struct ring1_world *world, unsigned int order)
{
	return world_alloc_where(world, order, 0);
}

static u64 *next_table(struct ring1_world *world, u64 *entry)
{
	u64 *table;

	if (*entry & _PAGE_PRESENT)
		return __va(*entry & PTE_PFN_MASK);
	table = world_alloc(world, 0);
	if (table)
		*entry = __pa(table) | _PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED;
	return table;
}

/* The level-1 entry that maps address; allocates the tables above it. */
static u64 *world_entry(struct ring1_world *world, u64 address)
{
	u64 *table = world->root;
	int shift;

	for (shift = world->top_shift; shift > PAGE_SHIFT; shift -= 9) {
		table = next_table(world, &table[(address >> shift) & 511]);
		if (!table)
			return NULL;
	}
	return &table[(address >> PAGE_SHIFT) & 511];
}

int ring1_world_map(struct ring1_world *world, u64 address, u64 hpa, u64 flags)
{
	u64 *entry = world_entry(world, address);

	if (!entry)
		return -ENOMEM;
	*entry = hpa ? (hpa | flags | _PAGE_PRESENT | _PAGE_ACCESSED) : 0;
	return 0;
}

/* Memory of both worlds: zeroed, at its direct-map address, writable, not executable. */
static void *world_alloc_mapped_where(struct ring1_world *world, unsigned int order, gfp_t where)
{
	u8 *memory = world_alloc_where(world, order, where);
	unsigned long i;

	for (i = 0; memory && i < (PAGE_SIZE << order); i += PAGE_SIZE)
		if (ring1_world_map(world, (u64)(memory + i), __pa(memory + i), DATA_FLAGS))
			return NULL;
	return memory;
}

static void *world_alloc_mapped(struct ring1_world *world, unsigned int order)
{
	return world_alloc_mapped_where(world, order, 0);
}

/* What the processor's virtualisation wants: contiguous pages, and a place where a 32-bit CR3 can point. */
static int build_hardware_area(struct ring1_world *world)
{
	void *area = world_alloc_mapped_where(world, ilog2(RING1_HARDWARE_PAGES), GFP_DMA32);

	world->sw->hardware_area = (u64)area;
	return area ? 0 : -ENOMEM;
}

static int map_switch_text(struct ring1_world *world)
{
	u64 address;
	int ret = 0;

	for (address = (u64)ring1_switch_text & PAGE_MASK; address < (u64)ring1_switch_text_end && !ret;
	     address += PAGE_SIZE)
		ret = ring1_world_map(world, address, (u64)vmalloc_to_pfn((void *)address) << PAGE_SHIFT, 0);
	return ret;
}

static void fill_transition_tables(struct ring1_world *world)
{
	struct ring1_switch *sw = world->sw;
	gate_desc *idt = world->transition_idt;
	int vector;

	for (vector = 0; vector < 256; vector++) {
		u64 handler = (u64)ring1_transition_fault;

		if (vector == X86_TRAP_NMI)
			handler = (u64)ring1_transition_nmi;
		else if (vector == X86_TRAP_MC)
			handler = (u64)ring1_transition_mce;
		idt[vector] = (gate_desc){
			.offset_low = handler,
			/* In slots 0..15 of the host's table too: valid until the host's IDT is back. */
			.segment = __KERNEL_CS,
			.bits = { .type = GATE_INTERRUPT, .p = 1 },
			.offset_middle = handler >> 16,
			.offset_high = handler >> 32,
		};
	}
	ring1_fill_far_end((void *)sw->transition_gdt, sw->tss);
	ring1_fill_far_end((void *)sw->shadow_gdt, sw->tss);
}

static int build_low_table(struct ring1_world *world)
{
	/* Address 0 passes through the low table; a level-2 table there belongs to the monitor, so stop above it. */
	u64 *table = world->root;
	int shift;

	for (shift = world->top_shift; shift > PUD_SHIFT; shift -= 9) {
		u64 *entry = &table[0];

		table = next_table(world, entry);
		if (!table)
			return -ENOMEM;
		*entry |= _PAGE_USER; /* ring 3 runs below: decided further down */
	}
	world->sw->low_table = (u64)table;
	return ring1_world_map(world, (u64)table, __pa(table), DATA_FLAGS); /* the monitor writes it */
}

static int world_build(struct ring1_world *world, enum ring1_engine engine)
{
	struct ring1_switch *sw;
	u64 *stack_top;

	world->root = world_alloc(world, 0);
	world->sw = sw = world->root ? world_alloc_mapped(world, 0) : NULL;
	if (!sw)
		return -ENOMEM;
	sw->to_host = (u64)ring1_switch_to_host;
	sw->direct_map = PAGE_OFFSET;
	sw->physical_mask = PTE_PFN_MASK;
	world->shared = world_alloc_mapped(world, get_order(sizeof(*world->shared)));
	sw->shared = (u64)world->shared;
	sw->transition_gdt = (u64)world_alloc_mapped(world, get_order(RING1_GDT_BYTES));
	sw->shadow_gdt = (u64)world_alloc_mapped(world, get_order(RING1_GDT_BYTES));
	sw->shadow_ldt = (u64)world_alloc_mapped(world, get_order(RING1_GDT_BYTES));
	sw->monitor_idt = (u64)world_alloc_mapped(world, 0);
	world->transition_idt = world_alloc_mapped(world, 0);
	sw->tss = (u64)world_alloc_mapped(world, 0);
	sw->stack = (u64)world_alloc_mapped(world, get_order(RING1_STACK_BYTES));
	if (!world->shared || !sw->transition_gdt || !sw->shadow_gdt || !sw->shadow_ldt || !sw->monitor_idt || !world->transition_idt ||
	    !sw->tss || !sw->stack)
		return -ENOMEM;
	if (ring1_engine_wants_area(engine) && build_hardware_area(world))
		return -ENOMEM;
	if (map_switch_text(world) || build_low_table(world) || ring1_image_map(world))
		return -ENOMEM;

	world->shared->config.direct_map = PAGE_OFFSET;
	world->shared->config.tsc_khz = tsc_khz;
	fill_transition_tables(world);
	sw->mon_gdtr.base = sw->transition_gdt;
	sw->mon_gdtr.limit = RING1_GDT_BYTES - 1;
	sw->mon_idtr.base = (u64)world->transition_idt;
	sw->mon_idtr.limit = PAGE_SIZE - 1;
	sw->mon_cr0 = X86_CR0_PE | X86_CR0_MP | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_PG;
	sw->mon_cr3 = __pa(world->root);
	sw->mon_cr4 = (native_read_cr4() & (X86_CR4_PAE | X86_CR4_MCE | X86_CR4_LA57)) | X86_CR4_OSFXSR |
		      X86_CR4_OSXMMEXCPT | X86_CR4_TSD;
	rdmsrl(MSR_EFER, sw->mon_efer);
	sw->mon_efer &= ~(u64)(EFER_SCE | EFER_SVME);
	ring1_speculation_world(sw, engine);

	/* The first switch "returns" to the monitor's entry with RDI = sw, six callee-saved registers below. */
	*(u64 *)sw->stack = (u64)sw;
	stack_top = (u64 *)(sw->stack + RING1_STACK_BYTES);
	stack_top[-1] = 0;
	stack_top[-2] = ring1_image_entry();
	sw->mon_rsp = (u64)&stack_top[-8];

	world->engine.sw = sw;
	world->engine.shared = world->shared;
	ring1_engine_attach(&world->engine);
	return 0;
}

struct ring1_world *ring1_world_create(enum ring1_engine engine)
{
	struct ring1_world *world = kzalloc(sizeof(*world), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!world)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&world->blocks);
	raw_spin_lock_init(&world->lock);
	world->cpu = -1;
	world->last_cpu = -1;
	world->engine.engine = engine;
	world->engine.vmcs_cpu = -1;
	world->top_shift = pgtable_l5_enabled() ? 48 : 39;
	ret = world_build(world, engine);
	if (ret) {
		ring1_world_destroy(world);
		return ERR_PTR(ret);
	}
	world->built = true;
	return world;
}

void ring1_world_destroy(struct ring1_world *world)
{
	struct ring1_block *block, *next;

	ring1_engine_detach(&world->engine);
	list_for_each_entry_safe(block, next, &world->blocks, list)
		block_free(world, block);
	kfree(world);
}

void ring1_world_take_back(struct ring1_world *world)
{
	struct ring1_block *block, *next;

	list_for_each_entry_safe(block, next, &world->blocks, list)
		if (block->late)
			block_free(world, block);
}

struct ring1_vcpu_shared *ring1_world_shared(struct ring1_world *world)
{
	return world->shared;
}

int ring1_world_map_guest(struct ring1_world *world, u64 gpa, u64 hpa, bool writable)
{
	u64 *entry = world_entry(world, RING1_GUEST_WINDOW + gpa);

	if (!entry)
		return -ENOMEM;
	world->shared->stats.pages_pinned += !*entry;
	*entry = hpa | NX_FLAG | (writable ? _PAGE_RW : 0) | _PAGE_PRESENT | _PAGE_ACCESSED;
	return 0;
}

/* Grants what the monitor asked for, as far as the host's memory goes. */
void ring1_world_grant(struct ring1_world *world)
{
	struct ring1_pages_request *request = &world->shared->pages;
	u32 wanted = min_t(u32, request->count, RING1_PAGES_MAX);
	u32 given;

	for (given = 0; given < wanted; given++) {
		void *page = world_alloc_mapped(world, 0);

		if (!page)
			break;
		request->hpa[given] = __pa(page);
	}
	request->count = given;
	world->shared->stats.pages_granted = world->pages;
}
