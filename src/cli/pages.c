// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pages.h"

/* Bytes of the range that whole blocks of this size cover. */
static uint64_t covered(uint64_t size, uint64_t offset, uint64_t length)
{
	uint64_t first = (offset + size - 1) & ~(size - 1);
	uint64_t last = (offset + length) & ~(size - 1);

	return last > first ? last - first : 0;
}

uint64_t pages_faults(const struct align_sizes *sizes, uint64_t largest, uint64_t offset,
		      uint64_t length)
{
	uint64_t larger = 0, faults = 0;

	for (int level = 0; level < ALIGN_LEVELS; level++) {
		uint64_t size = sizes->huge[level];
		uint64_t bytes;

		if (!size || size > largest)
			continue;
		bytes = covered(size, offset, length);
		faults += (bytes - larger) / size;
		larger = bytes;
	}
	return faults + (length - larger) / sizes->page;
}
