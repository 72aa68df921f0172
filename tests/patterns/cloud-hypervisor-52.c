// SPDX-License-Identifier: LGPL-2.1-or-later
/* cloud-hypervisor up to 52: MmapRegion::mmap() and its Drop in pci/src/mmap.rs. */
#include <sys/mman.h>

#include "../check.h"
#include "pattern.h"

int main(void)
{
	struct pattern region;

	pattern_open(&region);
	for (size_t i = 0; i < region.count; i++) {
		struct pattern_area *area = &region.areas[i];

		area->map = mmap(NULL, area->size, PATTERN_PROT, MAP_SHARED, region.fd,
				 (off_t)(region.file_offset + area->offset));
		CHECK(area->map != MAP_FAILED, "area %zu", i);
	}
	pattern_report(&region);
	for (size_t i = 0; i < region.count; i++)
		CHECK(!munmap(region.areas[i].map, region.areas[i].size), "its assert_eq!()");
	pattern_check_nothing_left();
	return 0;
}
