// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * OpenVMM: SparseMapping in support/sparse_mmap/src/unix.rs. It reserves the whole region, maps
 * each area over that with MAP_FIXED, and asserts that it came where it was asked to.
 */
#include <sys/mman.h>

#include "../check.h"
#include "pattern.h"

int main(void)
{
	struct pattern region;
	char *base;

	pattern_open(&region);
	base = mmap(NULL, region.size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(base != MAP_FAILED, "reservation");
	for (size_t i = 0; i < region.count; i++) {
		struct pattern_area *area = &region.areas[i];

		area->map = mmap(base + area->offset, area->size, PATTERN_PROT,
				 MAP_SHARED | MAP_FIXED, region.fd,
				 (off_t)(region.file_offset + area->offset));
		CHECK_EQUAL(area->map, base + area->offset);
	}
	pattern_report(&region);
	munmap(base, region.size);
	pattern_check_nothing_left();
	return 0;
}
