// SPDX-License-Identifier: LGPL-2.1-or-later
/* QEMU 9.2 to 10.2: vfio_region_mmap() in hw/vfio/region.c (10.0), vfio_region_finalize(). */
#include <sys/mman.h>

#include "../check.h"
#include "../device.h"
#include "pattern.h"

static void *map_area(const struct pattern *region, const struct pattern_area *area)
{
	uint64_t lowest_bit = area->size & -area->size;
	uint64_t align = lowest_bit < GIB ? lowest_bit : GIB;
	char *base = mmap(NULL, area->size + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *aligned = (char *)round_up((uintptr_t)base, align);

	CHECK(base != MAP_FAILED, "reservation");
	/* QEMU does not look at what these return, and the first may have no length. */
	munmap(base, (size_t)(aligned - base));
	munmap(aligned + area->size, align - (size_t)(aligned - base));
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
		munmap(region.areas[i].map, region.areas[i].size);
	pattern_check_nothing_left();
	return 0;
}
