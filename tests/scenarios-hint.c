// SPDX-License-Identifier: LGPL-2.1-or-later
/* Shared mappings of the device with a hint. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>

#include "check.h"
#include "device.h"
#include "maps.h"
#include "scenarios.h"

#define OFF (MIB + page_size())

static char *map_at_hint(int fd, char *hint, size_t offset)
{
	return map_checked(hint, SIZE - offset, MAP_SHARED, fd, MOCK_REGION(2) + (off_t)offset);
}

static void congruent(char **args)
{
	int fd = device_open_asked();
	char *space = free_space(16 * GIB);

	CHECK_EQUAL(map_at_hint(fd, space + GIB, 0), space + GIB);
	CHECK_EQUAL(map_at_hint(fd, space + 6 * GIB + OFF, OFF), space + 6 * GIB + OFF);
}

static void not_congruent(char **args)
{
	int fd = device_open_asked();
	char *space = free_space(16 * GIB);

	CHECK_EQUAL(map_at_hint(fd, space + 0x1000, 0), space + device_largest_page());
	CHECK_EQUAL(map_at_hint(fd, space + 5 * GIB + 2 * OFF, OFF),
		    space + 5 * GIB + device_largest_page() + OFF);
	CHECK_EQUAL(map_at_hint(fd, space + 10 * GIB + 0x1000, OFF), space + 10 * GIB + OFF);
}

static void not_a_page(char **args)
{
	char *space = free_space(16 * GIB);

	CHECK_EQUAL(map_at_hint(device_open_asked(), space + 1, 0), space + device_largest_page());
}

/* Ranges that hold no huge page, one of them as long as one, go where the kernel puts them. */
static void small(char **args)
{
	char *space = free_space(16 * GIB), *hint = space + 3 * page_size();
	const off_t offset = MOCK_REGION(2) + (off_t)page_size();
	int fd = device_open_asked();

	CHECK_EQUAL(map_checked(hint, MIB, MAP_SHARED, fd, offset), hint);
	check_unmaps(hint, MIB);
	CHECK_EQUAL(map_checked(hint, 2 * MIB, MAP_SHARED, fd, offset), hint);
}

static void occupied_at(char *hint, char *occupant_at)
{
	static struct maps before;
	int fd = device_open_asked();
	char *got, *occupant;

	occupant = mmap(occupant_at, page_size(), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	CHECK_EQUAL(occupant, occupant_at);
	*occupant = 'o';
	maps_read(&before);
	got = map_at_hint(fd, hint, 0);
	check_congruent(got, MOCK_REGION(2), SIZE);
	CHECK_EQUAL(*occupant, 'o');
	check_unmaps(got, SIZE);
	maps_check_unchanged(&before);
	check_unmaps(occupant, page_size());
}

/* By a single page at the hint, in the middle and at the end of the range. */
static void occupied(char **args)
{
	char *space = free_space(16 * GIB);

	occupied_at(space + GIB, space + GIB);
	occupied_at(space + GIB, space + 3 * GIB);
	occupied_at(space + 1, space + 5 * GIB - page_size());
}

/* Above these there is no congruent address, or none that the kernel gives to programs. */
static void near_the_top(char **args)
{
	const uint64_t hints[] = {
		0x7fffc0000000, 0x7ffffffff000, 0x7fffffffffff, 0x800000000000, 0xfffffffffffff000,
		UINT64_MAX,
	};
	static struct maps before;
	int fd = device_open_asked();

	for (size_t i = 0; i < COUNT(hints); i++) {
		char *got;

		maps_read(&before);
		got = map_at_hint(fd, (char *)(uintptr_t)hints[i], 0);
		check_congruent(got, MOCK_REGION(2), SIZE);
		check_unmaps(got, SIZE);
		maps_check_unchanged(&before);
	}
}

/* hint-fails: prints the error of a mapping with a hint, which the mock makes fail */
static void fails(char **args)
{
	static struct maps before;
	int fd = device_open_asked();
	char *space = free_space(16 * GIB);
	void *got;

	maps_read(&before);
	got = map(space, SIZE, PROT_READ, MAP_SHARED, fd, MOCK_REGION(2));
	printf("%s\n", got == MAP_FAILED ? strerror(errno) : "mapped");
	maps_check_unchanged(&before);
}

/* The mock refuses the place above the hint. */
static void refused(char **args)
{
	int fd = device_open_asked();
	char *space = free_space(16 * GIB);

	check_congruent(map_at_hint(fd, space + page_size(), 0), MOCK_REGION(2), SIZE);
}

const struct scenario hint_scenarios[] = {
	{ "hint-congruent", congruent },
	{ "hint-not-congruent", not_congruent },
	{ "hint-not-a-page", not_a_page },
	{ "hint-small", small },
	{ "hint-occupied", occupied },
	{ "hint-near-the-top", near_the_top },
	{ "hint-fails", fails },
	{ "hint-refused", refused },
	{ 0 },
};
