// SPDX-License-Identifier: GPL-2.0-only
/*
 * The monitor's ELF image, embedded in the module. Read-only segments are unpacked once and shared by all worlds.
 * The monitor has no writable data: its linker script says so, and an image that has some is refused.
 */
#include <linux/elf.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "hostdriver/world/private.h"

extern const char ring1_monitor_image[], ring1_monitor_image_end[];

struct image_page {
	u64 address;
	struct page *page;
	u64 flags;
};

static struct image_page *image_pages;
static unsigned int image_page_count;
static u64 image_entry;

static int load_segment(const Elf64_Phdr *segment)
{
	u64 offset;

	if ((segment->p_flags & PF_W) || (segment->p_vaddr & ~PAGE_MASK) || segment->p_vaddr < RING1_IMAGE_BASE)
		return -ENOEXEC;
	for (offset = 0; offset < segment->p_memsz; offset += PAGE_SIZE) {
		struct image_page *slot = &image_pages[image_page_count];

		slot->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!slot->page)
			return -ENOMEM;
		slot->address = segment->p_vaddr + offset;
		slot->flags = segment->p_flags & PF_X ? 0 : NX_FLAG;
		image_page_count++;
		if (offset < segment->p_filesz)
			memcpy(page_address(slot->page), ring1_monitor_image + segment->p_offset + offset,
			       min_t(u64, PAGE_SIZE, segment->p_filesz - offset));
	}
	return 0;
}

int ring1_image_load(void)
{
	const Elf64_Ehdr *header = (const void *)ring1_monitor_image;
	const Elf64_Phdr *segments = (const void *)(ring1_monitor_image + header->e_phoff);
	unsigned int i, pages = 0;
	int ret = 0;

	if (ring1_monitor_image_end - ring1_monitor_image < sizeof(*header) ||
	    memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_machine != EM_X86_64)
		return -ENOEXEC;
	for (i = 0; i < header->e_phnum; i++)
		if (segments[i].p_type == PT_LOAD)
			pages += PFN_UP(segments[i].p_memsz);
	image_pages = kvcalloc(pages, sizeof(*image_pages), GFP_KERNEL);
	if (!image_pages)
		return -ENOMEM;
	for (i = 0; i < header->e_phnum && !ret; i++)
		if (segments[i].p_type == PT_LOAD && segments[i].p_memsz)
			ret = load_segment(&segments[i]);
	image_entry = header->e_entry;
	if (ret)
		ring1_image_unload();
	return ret;
}

void ring1_image_unload(void)
{
	while (image_page_count)
		__free_page(image_pages[--image_page_count].page);
	kvfree(image_pages);
	image_pages = NULL;
}

int ring1_image_map(struct ring1_world *world)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < image_page_count && !ret; i++)
		ret = ring1_world_map(world, image_pages[i].address, page_to_phys(image_pages[i].page),
				      image_pages[i].flags);
	return ret;
}

u64 ring1_image_entry(void)
{
	return image_entry;
}
