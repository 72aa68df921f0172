// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * VPP: clib_mem_vm_reserve() and clib_mem_vm_map_internal() in src/vppinfra/mem.c and
 * src/vppinfra/linux/mem.c. It reserves with room to align and for a header page of its own,
 * which comes just before what it maps, and uses the address that it has worked out.
 */
#include <sys/mman.h>

#include "../check.h"
#include "../device.h"
#include "pattern.h"

static char *reserve(size_t size)
{
	size_t page = page_size();
	char *base = mmap(NULL, size + page + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *start;
	size_t head;

	CHECK(base != MAP_FAILED, "reservation");
	start = (char *)round_up((uintptr_t)base + page, page);
	head = (size_t)(start - page - base);
	if (head)
		munmap(base, head);
	if (page - head)
		munmap(start + size, page - head);
	return start;
}

static char *map_area(const struct pattern *region, const struct pattern_area *area)
{
	char *start = reserve(area->size);
	char *got = mmap(start, area->size, PATTERN_PROT, MAP_SHARED | MAP_FIXED, region->fd,
			 (off_t)(region->file_offset + area->offset));
	char *header = mmap(start - page_size(), page_size(), PATTERN_PROT,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	CHECK_EQUAL(got, start);
	CHECK(header != MAP_FAILED, "header");
	memset(header, 'h', page_size());
	return start;
}

static void unmap_area(struct pattern_area *area)
{
	char *header = area->map - page_size();

	CHECK(header[0] == 'h' && header[page_size() - 1] == 'h', "the header page");
	munmap(area->map, area->size);
	munmap(header, page_size());
}

int main(void)
{
	struct pattern region;

	pattern_open(&region);
	for (size_t i = 0; i < region.count; i++)
		region.areas[i].map = map_area(&region, &region.areas[i]);
	pattern_report(&region);
	for (size_t i = 0; i < region.count; i++)
		unmap_area(&region.areas[i]);
	pattern_check_nothing_left();
	return 0;
}
