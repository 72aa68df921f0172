/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many page faults a mapping takes. Arithmetic only. */
#ifndef VFIOALIGN_CLI_PAGES_H
#define VFIOALIGN_CLI_PAGES_H

#include "../align.h"

/**
 * pages_faults - the faults of a range that is touched all over
 * @sizes: the machine's page sizes
 * @largest: the largest page that its address allows, in bytes
 * @offset: start of the range in its region, in bytes
 * @length: bytes
 *
 * Each naturally aligned block that lies wholly in the range takes one fault, with the largest page
 * that @largest allows, and what is left at the ends takes smaller ones.
 *
 * Return: their number.
 */
uint64_t pages_faults(const struct align_sizes *sizes, uint64_t largest, uint64_t offset,
		      uint64_t length);

#endif
