// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * QEMU 11: vfio_region_mmap() in hw/vfio/region.c, as strace shows it of 11.1.3. One reservation
 * for the whole region and its alignment, trimmed; each area over that with MAP_FIXED, and what
 * lies between the areas is given back.
 */
#include <sys/mman.h>

#include "../check.h"
#include "../device.h"
#include "pattern.h"

static uint64_t alignment(uint64_t size)
{
	uint64_t power = 1;

	while (power < size && power < GIB)
		power *= 2;
	return power;
}

static char *reserve(uint64_t size)
{
	uint64_t align = alignment(size);
	char *base = mmap(NULL, size + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *aligned = (char *)round_up((uintptr_t)base, align);

	CHECK(base != MAP_FAILED, "reservation");
	munmap(base, (size_t)(aligned - base));
	munmap(aligned + size, align - (size_t)(aligned - base));
	return aligned;
}

int main(void)
{
	struct pattern region;
	uint64_t end = 0;
	char *base;

	pattern_open(&region);
	base = reserve(region.size);
	for (size_t i = 0; i < region.count; i++) {
		struct pattern_area *area = &region.areas[i];

		munmap(base + end, area->offset - end);
		end = area->offset + area->size;
		area->map = mmap(base + area->offset, area->size, PATTERN_PROT,
				 MAP_SHARED | MAP_FIXED, region.fd,
				 (off_t)(region.file_offset + area->offset));
		CHECK(area->map != MAP_FAILED, "area %zu", i);
	}
	munmap(base + end, region.size - end);
	pattern_report(&region);
	for (size_t i = 0; i < region.count; i++)
		munmap(region.areas[i].map, region.areas[i].size);
	pattern_check_nothing_left();
	return 0;
}
