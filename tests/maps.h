/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a test program has mapped, as the kernel sees it. */
#ifndef TESTS_MAPS_H
#define TESTS_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAPS_MAX 1024

/** struct mapping - a line of /proc/self/maps */
struct mapping {
	uint64_t start;
	uint64_t end;
	uint64_t offset;
	char access[5];
	char name[64];
};

/** struct maps - all of them but heap and stack, which grow by themselves, and canaries */
struct maps {
	size_t count;
	struct mapping at[MAPS_MAX];
};

/** maps_open - open the files of /proc; before a chroot, and again after fork */
void maps_open(void);

/** maps_read - what is mapped now */
void maps_read(struct maps *maps);

/**
 * maps_added - what is mapped now and was not @before; that nothing was lost is checked
 *
 * Return: how many, of which the first is stored in @added.
 */
size_t maps_added(const struct maps *before, struct mapping *added);

/** maps_check_unchanged - fail unless the same is mapped as @before */
void maps_check_unchanged(const struct maps *before);

/** maps_check_canaries - fail unless each that stands is untouched; return how many there are */
size_t maps_check_canaries(void);

/** maps_advised - does the mapping that begins at @address have MADV_HUGEPAGE? */
bool maps_advised(const void *address);

#endif
