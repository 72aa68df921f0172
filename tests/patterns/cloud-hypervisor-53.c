// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * cloud-hypervisor 53 and later: reserves the area and its alignment, the next power of two but
 * 1 GiB at most, trims, and maps with MAP_FIXED; MmapRegion in pci/src/mmap.rs.
 */
#include <sys/mman.h>

#include "../check.h"
#include "../device.h"
#include "pattern.h"

static uint64_t next_power_of_two(uint64_t number)
{
	uint64_t power = 1;

	while (power < number)
		power *= 2;
	return power;
}

static void *map_area(const struct pattern *region, const struct pattern_area *area)
{
	uint64_t power = next_power_of_two(area->size);
	uint64_t align = power < GIB ? power : GIB;
	char *base = mmap(NULL, area->size + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *aligned = (char *)round_up((uintptr_t)base, align);
	size_t head = (size_t)(aligned - base), tail = align - head;

	CHECK(base != MAP_FAILED, "reservation");
	CHECK(!head || !munmap(base, head), "head");
	CHECK(!tail || !munmap(aligned + area->size, tail), "tail");
	return mmap(aligned, area->size, PATTERN_PROT, MAP_SHARED | MAP_FIXED, region->fd,
		    (off_t)(region->file_offset + area->offset));
}

int main(void)
{
	struct pattern region;

	pattern_open(&region);
	for (size_t i = 0; i < region.count; i++) {
		region.areas[i].map = map_area(&region, &region.areas[i]);
		CHECK(region.areas[i].map != MAP_FAILED, "area %zu", i);
	}
	pattern_report(&region);
	for (size_t i = 0; i < region.count; i++)
		CHECK(!munmap(region.areas[i].map, region.areas[i].size), "its assert_eq!()");
	pattern_check_nothing_left();
	return 0;
}
