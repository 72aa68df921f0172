// SPDX-License-Identifier: LGPL-2.1-or-later
#include "align.h"

static bool holds_block(uint64_t offset, uint64_t length, uint64_t size)
{
	uint64_t skip = -offset & (size - 1);

	return size && length >= skip && length - skip >= size;
}

uint64_t align_huge_page(const struct align_sizes *sizes, uint64_t offset, uint64_t length)
{
	if (length > UINT64_MAX - offset)
		return 0;
	for (int level = 0; level < ALIGN_LEVELS; level++)
		if (holds_block(offset, length, sizes->huge[level]))
			return sizes->huge[level];
	return 0;
}

uint64_t align_smallest_huge_page(const struct align_sizes *sizes)
{
	uint64_t size = 0;

	for (int level = 0; level < ALIGN_LEVELS; level++)
		if (sizes->huge[level])
			size = sizes->huge[level];
	return size;
}

bool align_goal_for(struct align_goal *goal, enum align_mode mode, const struct align_sizes *sizes,
		    uint64_t offset, uint64_t length)
{
	uint64_t huge = align_huge_page(sizes, offset, length);
	uint64_t pmd = align_smallest_huge_page(sizes);
	uint64_t shift = 0;

	if (!huge)
		return false;
	if (mode == ALIGN_PMD && huge > pmd)
		shift = pmd;
	if (mode == ALIGN_OFF_BY_A_PAGE)
		shift = sizes->page;
	goal->modulus = huge;
	goal->residue = (offset + shift) & (huge - 1);
	return true;
}

uint64_t align_lead(const struct align_sizes *sizes, uint64_t slack)
{
	return slack > sizes->page ? sizes->page : 0;
}

bool align_goal_reserved(struct align_goal *goal, const struct align_sizes *sizes, uint64_t slack)
{
	uint64_t common = slack < goal->modulus ? slack : goal->modulus;

	/* Two pages are room for a header, and the program may not round at all. */
	if (common && goal->residue & (common - 1) && slack != 2 * sizes->page)
		return false;
	if (slack > goal->modulus)
		goal->modulus = slack;
	goal->residue = (goal->residue - align_lead(sizes, slack)) & (goal->modulus - 1);
	return true;
}

bool align_meets(const struct align_goal *goal, uint64_t address)
{
	return (address & (goal->modulus - 1)) == goal->residue;
}

bool align_at_or_above(const struct align_goal *goal, uint64_t address, uint64_t *nearest)
{
	uint64_t step = (goal->residue - address) & (goal->modulus - 1);

	return !__builtin_add_overflow(address, step, nearest);
}

uint64_t align_reached(const struct align_sizes *sizes, uint64_t address, uint64_t offset,
		       uint64_t length)
{
	if (length > UINT64_MAX - offset)
		return sizes->page;
	for (int level = 0; level < ALIGN_LEVELS; level++) {
		uint64_t huge = sizes->huge[level];

		if (holds_block(offset, length, huge) && !((address - offset) & (huge - 1)))
			return huge;
	}
	return sizes->page;
}

uint64_t align_pages(const struct align_sizes *sizes, uint64_t length)
{
	uint64_t last;

	if (__builtin_add_overflow(length, sizes->page - 1, &last))
		return 0;
	return last & ~(sizes->page - 1);
}
