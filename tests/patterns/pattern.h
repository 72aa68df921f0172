/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the programs of this directory have in common: a region of the mock device, and its end. */
#ifndef TESTS_PATTERN_H
#define TESTS_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#define PATTERN_AREAS 16
#define PATTERN_PROT (PROT_READ | PROT_WRITE)

/** struct pattern_area - a part of a region that may be mapped; @map is for the program to set */
struct pattern_area {
	uint64_t offset;
	uint64_t size;
	char *map;
};

/** struct pattern - a region as the program has learned about it; no area means all of it */
struct pattern {
	int fd;
	uint64_t file_offset;
	uint64_t size;
	size_t count;
	struct pattern_area areas[PATTERN_AREAS];
};

/** pattern_open - open the mock device and ask about region 2, as VMMs do: twice if need be */
void pattern_open(struct pattern *pattern);

/** pattern_fd - the file descriptor that a secondary process was sent */
void pattern_inherit(struct pattern *pattern, int fd);

/**
 * pattern_report - check that each area is mapped and of the right bytes, and print for each
 *
 *     OFFSET SIZE BEST REACHED
 *
 * with the largest page that the area holds and the largest that its address allows.
 */
void pattern_report(const struct pattern *pattern);

/** pattern_check_nothing_left - once all areas are unmapped: no range is lost or left behind */
void pattern_check_nothing_left(void);

/** round_up - to a power of two */
static inline uint64_t round_up(uint64_t number, uint64_t to)
{
	return (number + to - 1) & -to;
}

#endif
