// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The arithmetic of congruent addresses against what it stands for: a page table that maps a
 * block of H addresses with one entry, if the whole block is mapped and to an H-aligned block
 * of the region.
 */
#include <stdlib.h>

#include "align.h"
#include "tap.h"

#define KiB ((uint64_t)1 << 10)
#define MiB ((uint64_t)1 << 20)
#define GiB ((uint64_t)1 << 30)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef unsigned __int128 wide;

static const struct align_sizes toy = { .page = 4, .huge = { 256, 32 } };
static const struct align_sizes toy_one = { .page = 4, .huge = { 32 } };
static const struct align_sizes none = { .page = 4 };

static const struct align_sizes x86 = { .page = 4 * KiB, .huge = { GiB, 2 * MiB } };
static const struct align_sizes arm_4k = { .page = 4 * KiB, .huge = { 2 * MiB } };
static const struct align_sizes arm_16k = { .page = 16 * KiB, .huge = { 32 * MiB } };
static const struct align_sizes arm_64k = { .page = 64 * KiB, .huge = { 512 * MiB } };

static const struct align_sizes *const machines[] = { &x86, &arm_4k, &arm_16k, &arm_64k };

/* Toys: every case there is. 3 of the largest pages cover "before, whole, after" of a block. */

#define TOY_END (3 * 256)

#define for_each_toy_range(offset, length)                                                         \
	for (uint64_t offset = 0; offset <= TOY_END; offset += 4)                                  \
		for (uint64_t length = 0; offset + length <= TOY_END; length += 4)

static uint64_t page_table_reaches(const struct align_sizes *sizes, uint64_t address,
				   uint64_t offset, uint64_t length)
{
	for (int level = 0; level < ALIGN_LEVELS; level++) {
		uint64_t huge = sizes->huge[level];

		for (uint64_t block = 0; huge && block + huge <= address + length; block += huge)
			if (block >= address && (offset + block - address) % huge == 0)
				return huge;
	}
	return sizes->page;
}

static uint64_t best_of_all_addresses(const struct align_sizes *sizes, uint64_t offset,
				      uint64_t length)
{
	uint64_t best = 0;

	for (uint64_t address = 0; address < 256; address += sizes->page) {
		uint64_t reached = page_table_reaches(sizes, address, offset, length);

		if (reached > best)
			best = reached;
	}
	return best > sizes->page ? best : 0;
}

static bool toy_huge_page(const struct align_sizes *sizes)
{
	for_each_toy_range(offset, length) {
		uint64_t expected = best_of_all_addresses(sizes, offset, length);
		uint64_t actual = align_huge_page(sizes, offset, length);

		TAP_CHECK(actual == expected,
			  "%" PRIu64 " + %" PRIu64 ": %" PRIu64 " not %" PRIu64, offset, length,
			  actual, expected);
	}
	return true;
}

static bool toy_reached(const struct align_sizes *sizes)
{
	for_each_toy_range(offset, length)
		for (uint64_t address = 0; address < 256; address += 4) {
			uint64_t expected = page_table_reaches(sizes, address, offset, length);
			uint64_t actual = align_reached(sizes, address, offset, length);

			TAP_CHECK(actual == expected,
				  "%" PRIu64 " at %" PRIu64 " + %" PRIu64 ": %" PRIu64, address,
				  offset, length, actual);
		}
	return true;
}

/* What an address that meets the goal of each mode must reach. */
static uint64_t wanted(const struct align_sizes *sizes, enum align_mode mode, uint64_t best)
{
	if (mode == ALIGN_OFF_BY_A_PAGE)
		return sizes->page;
	return mode == ALIGN_PMD ? 32 : best;
}

static bool goal_at(const struct align_sizes *sizes, enum align_mode mode, uint64_t offset,
		    uint64_t length)
{
	uint64_t best = best_of_all_addresses(sizes, offset, length);
	struct align_goal goal;
	uint64_t meeting = 0;

	TAP_CHECK(align_goal_for(&goal, mode, sizes, offset, length) == (best != 0),
		  "mode %d: %" PRIu64 " + %" PRIu64, (int)mode, offset, length);
	if (!best)
		return true;
	for (uint64_t address = 0; address < 256; address += 4) {
		uint64_t reached = page_table_reaches(sizes, address, offset, length);

		if (!align_meets(&goal, address))
			continue;
		meeting++;
		TAP_CHECK(reached == wanted(sizes, mode, best),
			  "mode %d: %" PRIu64 ": %" PRIu64 " + %" PRIu64 ": %" PRIu64, (int)mode,
			  address, offset, length, reached);
	}
	TAP_CHECK(meeting == 256 / best, "mode %d: %" PRIu64 " + %" PRIu64 ": %" PRIu64, (int)mode,
		  offset, length, meeting);
	return true;
}

static bool toy_goal(const struct align_sizes *sizes, enum align_mode mode)
{
	for_each_toy_range(offset, length)
		if (!goal_at(sizes, mode, offset, length))
			return false;
	return true;
}

static bool toy_one_page_off(void)
{
	struct align_goal goal;

	for_each_toy_range(offset, length)
		if (align_goal_for(&goal, ALIGN_OFF_BY_A_PAGE, &toy, offset, length))
			TAP_CHECK(align_meets(&goal, offset + 4), "%" PRIu64, offset);
	return true;
}

/* Does a base for the reservation lead to an address that suits the range? */
static bool leads_to_goal(const struct align_goal *goal, uint64_t base, uint64_t slack)
{
	uint64_t rounded = slack ? (base + slack - 1) / slack * slack : base;

	return align_meets(goal, rounded) || (slack == 8 && align_meets(goal, base + 4));
}

static bool reserved_at(const struct align_goal *goal, uint64_t slack)
{
	struct align_goal base_goal = *goal;
	bool possible = align_goal_reserved(&base_goal, &toy, slack);

	for (uint64_t base = 0; base < 2048; base += 4)
		TAP_CHECK(possible ? !align_meets(&base_goal, base) || leads_to_goal(goal, base, slack) :
				     !leads_to_goal(goal, base, slack),
			  "%" PRIu64 " mod %" PRIu64 ", base %" PRIu64 ", slack %" PRIu64,
			  goal->residue, goal->modulus, base, slack);
	return true;
}

static bool toy_reserved(void)
{
	for (uint64_t modulus = 32; modulus <= 256; modulus *= 8)
		for (uint64_t residue = 0; residue < modulus; residue += 4) {
			const struct align_goal goal = { .modulus = modulus, .residue = residue };

			for (uint64_t slack = 4; slack <= 1024; slack *= 2)
				if (!reserved_at(&goal, slack))
					return false;
			if (!reserved_at(&goal, 0))
				return false;
		}
	return true;
}

static bool nearest_at(const struct align_goal *goal, uint64_t lowest, uint64_t last)
{
	uint64_t expected = lowest, actual = 1;
	bool found;

	while (expected < last && expected % goal->modulus != goal->residue)
		expected++;
	found = align_at_or_above(goal, lowest, &actual);
	TAP_CHECK(found == (expected % goal->modulus == goal->residue),
		  "%" PRIu64 " mod %" PRIu64 " above %" PRIu64, goal->residue, goal->modulus,
		  lowest);
	TAP_CHECK(!found || actual == expected,
		  "%" PRIu64 " mod %" PRIu64 " above %" PRIu64 ": %" PRIu64 " not %" PRIu64,
		  goal->residue, goal->modulus, lowest, actual, expected);
	return true;
}

static bool toy_nearest(uint64_t first)
{
	const uint64_t last = first > UINT64_MAX - 1023 ? UINT64_MAX : first + 1023;

	for (uint64_t residue = 0; residue < 256; residue++) {
		const struct align_goal goal = { .modulus = 256, .residue = residue };

		for (uint64_t lowest = first; lowest - first < 512; lowest++)
			if (!nearest_at(&goal, lowest, last))
				return false;
	}
	return true;
}

static bool toy_pages(void)
{
	for (uint64_t length = 0; length < 64; length++) {
		uint64_t expected = 0;

		while (expected < length)
			expected += 4;
		TAP_CHECK(align_pages(&toy, length) == expected, "%" PRIu64, length);
	}
	return true;
}

static bool pages_at_the_top(void)
{
	for (size_t i = 0; i < COUNT(machines); i++) {
		const uint64_t page = machines[i]->page;

		TAP_CHECK(align_pages(machines[i], -page) == -page, "page %" PRIu64, page);
		TAP_CHECK(align_pages(machines[i], -page - 1) == -page, "page %" PRIu64, page);
		TAP_CHECK(align_pages(machines[i], -page + 1) == 0, "page %" PRIu64, page);
		TAP_CHECK(align_pages(machines[i], UINT64_MAX) == 0, "page %" PRIu64, page);
	}
	return true;
}

static bool smallest_huge_page(void)
{
	TAP_CHECK(align_smallest_huge_page(&x86) == 2 * MiB, "x86-64");
	TAP_CHECK(align_smallest_huge_page(&arm_16k) == 32 * MiB, "arm64, 16 KiB pages");
	TAP_CHECK(align_smallest_huge_page(&arm_64k) == 512 * MiB, "arm64, 64 KiB pages");
	TAP_CHECK(align_smallest_huge_page(&none) == 0, "none");
	return true;
}

/* Real sizes: edges picked by hand. */

static const struct edge {
	const struct align_sizes *sizes;
	uint64_t offset;
	uint64_t length;
	uint64_t huge;
	const char *sentence;
} edges[] = {
	{ &x86, 0, 4 * GiB, GiB, "x86-64: 4 GiB from 0 take 1 GiB pages" },
	{ &x86, 0x101000, 4 * GiB - 0x101000, GiB,
	  "x86-64: 4 GiB without their first 0x101000 take 1 GiB pages" },
	{ &x86, 0, 0x100000, 0, "x86-64: the 1 MiB before a hole takes none" },
	{ &x86, 0x100000, 3 * MiB, 2 * MiB, "x86-64: 3 MiB from 1 MiB take 2 MiB pages" },
	{ &x86, 0x1000, 2 * MiB, 0, "x86-64: 2 MiB from 4 KiB take none" },
	{ &x86, 0, 2 * MiB, 2 * MiB, "x86-64: 2 MiB from 0 take 2 MiB pages" },
	{ &x86, 0, 2 * MiB - 4 * KiB, 0, "x86-64: one page less than 2 MiB takes none" },
	{ &x86, 2 * MiB - 4 * KiB, 2 * MiB + 4 * KiB, 2 * MiB,
	  "x86-64: a 2 MiB page may begin in the second page of a range" },
	{ &x86, 2 * MiB - 4 * KiB, 2 * MiB, 0,
	  "x86-64: 2 MiB that cross a 2 MiB boundary take none" },
	{ &x86, 0, GiB, GiB, "x86-64: 1 GiB from 0 takes a 1 GiB page" },
	{ &x86, 0, GiB - 4 * KiB, 2 * MiB, "x86-64: one page less than 1 GiB takes 2 MiB pages" },
	{ &x86, 4 * KiB, GiB, 2 * MiB, "x86-64: 1 GiB from 4 KiB takes 2 MiB pages" },
	{ &x86, 4 * KiB, 2 * GiB - 4 * KiB, GiB,
	  "x86-64: a 1 GiB page may end where the range does" },
	{ &x86, 4 * KiB, 2 * GiB - 8 * KiB, 2 * MiB,
	  "x86-64: a range that ends a page before 2 GiB takes 2 MiB pages" },
	{ &x86, 0, 0x2F00F00000, GiB, "x86-64: GB200's BAR, no multiple of 1 GiB, takes 1 GiB" },
	{ &x86, 0x2F00000000, 0xF00000, 2 * MiB, "x86-64: GB200's last 15 MiB take 2 MiB pages" },
	{ &x86, 0x2F00E00000, 0x100000, 0, "x86-64: GB200's last 1 MiB takes none" },
	{ &x86, 0, 128 * GiB, GiB, "x86-64: 128 GiB from 0 take 1 GiB pages" },
	{ &x86, 0, 0, 0, "x86-64: nothing takes none" },
	{ &x86, GiB, 0, 0, "x86-64: nothing from a huge boundary takes none" },
	{ &x86, 0, -(4 * KiB), GiB, "x86-64: nearly all of 64 bits takes 1 GiB pages" },
	{ &x86, -GiB, GiB - 4 * KiB, 2 * MiB,
	  "x86-64: a range up to the last page of 64 bits takes 2 MiB pages" },
	{ &x86, -GiB, GiB, 0, "x86-64: a range that ends beyond 64 bits takes none" },
	{ &x86, GiB, -(4 * KiB), 0, "x86-64: a range that wraps around takes none" },
	{ &x86, -(4 * KiB), 4 * GiB, 0,
	  "x86-64: a range that wraps from the last page takes none" },
	{ &arm_4k, 0, 4 * GiB, 2 * MiB, "arm64, 4 KiB: 4 GiB from 0 take 2 MiB pages" },
	{ &arm_4k, 0x1000, 2 * MiB, 0, "arm64, 4 KiB: 2 MiB from 4 KiB take none" },
	{ &arm_16k, 0, 32 * MiB, 32 * MiB, "arm64, 16 KiB: 32 MiB from 0 take a 32 MiB page" },
	{ &arm_16k, 0, 16 * MiB, 0, "arm64, 16 KiB: 16 MiB take none" },
	{ &arm_16k, 16 * KiB, 64 * MiB - 16 * KiB, 32 * MiB,
	  "arm64, 16 KiB: 64 MiB without the first page take a 32 MiB page" },
	{ &arm_16k, 16 * KiB, 64 * MiB - 32 * KiB, 0,
	  "arm64, 16 KiB: 64 MiB without the first and last page take none" },
	{ &arm_64k, 0, 512 * MiB, 512 * MiB, "arm64, 64 KiB: 512 MiB take a 512 MiB page" },
	{ &arm_64k, 0, 512 * MiB - 64 * KiB, 0, "arm64, 64 KiB: one page less takes none" },
	{ &arm_64k, 64 * KiB, GiB - 64 * KiB, 512 * MiB,
	  "arm64, 64 KiB: 1 GiB without the first page takes a 512 MiB page" },
	{ &arm_64k, 0, 0x2F00F00000, 512 * MiB, "arm64, 64 KiB: GB200's BAR takes 512 MiB pages" },
};

static bool edge_holds(const struct edge *edge)
{
	const uint64_t modulus = edge->huge ? edge->huge : edge->sizes->page;
	const uint64_t base = 0x7f0000000000 + edge->offset % modulus;
	struct align_goal goal;
	uint64_t nearest;

	TAP_CHECK(align_huge_page(edge->sizes, edge->offset, edge->length) == edge->huge,
		  "%#" PRIx64, align_huge_page(edge->sizes, edge->offset, edge->length));
	TAP_CHECK(align_reached(edge->sizes, base, edge->offset, edge->length) == modulus,
		  "%#" PRIx64, align_reached(edge->sizes, base, edge->offset, edge->length));
	if (!align_goal_for(&goal, ALIGN_BEST, edge->sizes, edge->offset, edge->length))
		return edge->huge == 0;
	TAP_CHECK(align_meets(&goal, base), "%#" PRIx64, base);
	TAP_CHECK(!align_meets(&goal, base + edge->sizes->page), "%#" PRIx64, base);
	TAP_CHECK(align_at_or_above(&goal, base, &nearest) && nearest == base, "%#" PRIx64, base);
	TAP_CHECK(align_at_or_above(&goal, base + 1, &nearest) && nearest == base + modulus,
		  "%#" PRIx64, base);
	return true;
}

/* Real sizes: random ranges, in 128 bits so that the model cannot overflow where we might. */

#define RANGES 300000

static uint64_t seed = 0x5EEDBA55C0FFEE01;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Of every magnitude, often on or next to a huge boundary. */
static uint64_t random_bytes(const struct align_sizes *sizes)
{
	uint64_t bytes = next_random() >> (next_random() % 64);
	uint64_t boundary = sizes->huge[next_random() % ALIGN_LEVELS];

	if (boundary && next_random() % 2)
		bytes = bytes / boundary * boundary + (next_random() % 3 - 1) * sizes->page;
	return bytes / sizes->page * sizes->page;
}

static bool wide_holds(wide offset, wide length, wide huge)
{
	wide first = (offset + huge - 1) / huge * huge;

	return first + huge <= offset + length;
}

static uint64_t wide_huge_page(const struct align_sizes *sizes, uint64_t offset, uint64_t length)
{
	if (((wide)offset + length) >> 64)
		return 0;
	for (int level = 0; level < ALIGN_LEVELS; level++)
		if (sizes->huge[level] && wide_holds(offset, length, sizes->huge[level]))
			return sizes->huge[level];
	return 0;
}

static uint64_t wide_reached(const struct align_sizes *sizes, uint64_t address, uint64_t offset,
			     uint64_t length)
{
	for (int level = 0; level < ALIGN_LEVELS; level++) {
		uint64_t huge = sizes->huge[level];

		if (huge && !(((wide)offset + length) >> 64) && address % huge == offset % huge &&
		    wide_holds(offset, length, huge))
			return huge;
	}
	return sizes->page;
}

static bool random_nearest(const struct align_goal *goal, uint64_t lowest)
{
	wide expected = (wide)lowest / goal->modulus * goal->modulus + goal->residue;
	uint64_t actual = 0;
	bool found;

	if (expected < lowest)
		expected += goal->modulus;
	found = align_at_or_above(goal, lowest, &actual);
	TAP_CHECK(found == !(expected >> 64), "%#" PRIx64 " mod %#" PRIx64 " above %#" PRIx64,
		  goal->residue, goal->modulus, lowest);
	TAP_CHECK(!found || actual == expected,
		  "%#" PRIx64 " mod %#" PRIx64 " above %#" PRIx64 ": %#" PRIx64, goal->residue,
		  goal->modulus, lowest, actual);
	return true;
}

static bool random_range(const struct align_sizes *sizes)
{
	uint64_t offset = random_bytes(sizes), length = random_bytes(sizes);
	uint64_t address = random_bytes(sizes);
	uint64_t huge = wide_huge_page(sizes, offset, length);
	uint64_t pmd = sizes->huge[1] ? sizes->huge[1] : sizes->huge[0];
	struct align_goal goal;

	TAP_CHECK(align_huge_page(sizes, offset, length) == huge, "%#" PRIx64 " + %#" PRIx64,
		  offset, length);
	TAP_CHECK(align_reached(sizes, address, offset, length) ==
			  wide_reached(sizes, address, offset, length),
		  "%#" PRIx64 ": %#" PRIx64 " + %#" PRIx64, address, offset, length);
	TAP_CHECK(align_goal_for(&goal, ALIGN_BEST, sizes, offset, length) == (huge != 0),
		  "%#" PRIx64 " + %#" PRIx64, offset, length);
	if (!huge)
		return true;
	TAP_CHECK(goal.modulus == huge && goal.residue == offset % huge, "%#" PRIx64, offset);
	align_goal_for(&goal, ALIGN_PMD, sizes, offset, length);
	TAP_CHECK(goal.residue % pmd == offset % pmd, "%#" PRIx64, offset);
	TAP_CHECK(huge == pmd || goal.residue != offset % huge, "%#" PRIx64, offset);
	return random_nearest(&goal, address);
}

static bool random_ranges(const struct align_sizes *sizes)
{
	for (int i = 0; i < RANGES; i++)
		if (!random_range(sizes))
			return false;
	return true;
}

int main(void)
{
	printf("# seed %#" PRIx64 ", %d random ranges for each machine\n", seed, RANGES);
	tap(toy_huge_page(&toy), "toy: the rule takes the largest page that any address reaches");
	tap(toy_huge_page(&toy_one), "toy: so it does with one huge page size");
	tap(toy_huge_page(&none), "toy: without huge pages there is never one to take");
	tap(toy_reached(&toy), "toy: the page size that an address reaches is a page table's");
	tap(toy_reached(&toy_one), "toy: so it is with one huge page size");
	tap(toy_goal(&toy, ALIGN_BEST), "toy: every address that meets the goal is a best one");
	tap(toy_goal(&toy_one, ALIGN_BEST), "toy: so it is with one huge page size");
	tap(toy_goal(&toy, ALIGN_PMD), "toy: 2M reaches the smallest huge page and no larger one");
	tap(toy_goal(&toy_one, ALIGN_PMD), "toy: with one huge page size, 2M is as good as auto");
	tap(toy_goal(&toy, ALIGN_OFF_BY_A_PAGE), "toy: misalign reaches no huge page");
	tap(toy_goal(&toy_one, ALIGN_OFF_BY_A_PAGE), "toy: nor with one huge page size");
	tap(toy_one_page_off(), "toy: misalign is one page past a congruent address");
	tap(toy_goal(&none, ALIGN_BEST), "toy: without huge pages there is no goal");
	tap(toy_nearest(0), "toy: the nearest address is the first that meets the goal");
	tap(toy_nearest(-(uint64_t)512), "toy: there is none beyond the top of the address space");
	tap(toy_reserved(), "toy: a reservation's base leads to the goal, or no base does");
	tap(toy_pages(), "toy: lengths round up to whole pages");
	tap(pages_at_the_top(), "a length that rounds up beyond 64 bits is no length");
	tap(smallest_huge_page(), "the smallest huge page is the PMD's");
	for (size_t i = 0; i < COUNT(edges); i++)
		tap(edge_holds(&edges[i]), edges[i].sentence);
	tap(random_ranges(&x86), "x86-64: random ranges get what the model says");
	tap(random_ranges(&arm_4k), "arm64, 4 KiB: random ranges get what the model says");
	tap(random_ranges(&arm_16k), "arm64, 16 KiB: random ranges get what the model says");
	tap(random_ranges(&arm_64k), "arm64, 64 KiB: random ranges get what the model says");
	return tap_end();
}
