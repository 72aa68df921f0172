// SPDX-License-Identifier: LGPL-2.1-or-later
/* Shared mappings of the device with a hint. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>

#include "check.h"
#include "device.h"
#include "maps.h"
#include "scenarios.h"

#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)
#define SIZE (4 * GIB)
#define OFF (MIB + page_size())

/* An address at a multiple of 1 GiB, with 16 GiB of nothing above it. */
static char *free_space(void)
{
	void *got = mmap(NULL, 17 * GIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			 -1, 0);

	CHECK(got != MAP_FAILED, "%s", strerror(errno));
	CHECK(!munmap(got, 17 * GIB), "%s", strerror(errno));
	return (char *)(((uintptr_t)got + GIB - 1) / GIB * GIB);
}

static int asked_device(void)
{
	int fd = device_open();

	device_ask(fd);
	return fd;
}

static char *map_at_hint(int fd, char *hint, size_t offset)
{
	return map_checked(hint, SIZE - offset, MAP_SHARED, fd, MOCK_REGION(2) + (off_t)offset);
}

static void congruent(char **args)
{
	int fd = asked_device();
	char *space = free_space();

	(void)args;
	CHECK_EQUAL((uintptr_t)map_at_hint(fd, space + GIB, 0), (uintptr_t)space + GIB);
	CHECK_EQUAL((uintptr_t)map_at_hint(fd, space + 6 * GIB + OFF, OFF),
		    (uintptr_t)space + 6 * GIB + OFF);
}

static void not_congruent(char **args)
{
	int fd = asked_device();
	char *space = free_space();

	(void)args;
	CHECK_EQUAL((uintptr_t)map_at_hint(fd, space + 0x1000, 0), (uintptr_t)space + GIB);
	CHECK_EQUAL((uintptr_t)map_at_hint(fd, space + 5 * GIB + 2 * OFF, OFF),
		    (uintptr_t)space + 6 * GIB + OFF);
	CHECK_EQUAL((uintptr_t)map_at_hint(fd, space + 10 * GIB + 0x1000, OFF),
		    (uintptr_t)space + 10 * GIB + OFF);
}

static void not_a_page(char **args)
{
	char *space = free_space();

	(void)args;
	CHECK_EQUAL((uintptr_t)map_at_hint(asked_device(), space + 1, 0), (uintptr_t)space + GIB);
}

/* The range that holds no huge page goes where the kernel puts it. */
static void small(char **args)
{
	char *space = free_space();
	int fd = asked_device();

	(void)args;
	CHECK_EQUAL((uintptr_t)map_checked(space + 0x30000, MIB, MAP_SHARED, fd, MOCK_REGION(2)),
		    (uintptr_t)space + 0x30000);
}

static void occupied_at(char *hint, char *occupant_at)
{
	static struct maps before;
	int fd = asked_device();
	char *got, *occupant;

	occupant = mmap(occupant_at, page_size(), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	CHECK_EQUAL((uintptr_t)occupant, (uintptr_t)occupant_at);
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
	char *space = free_space();

	(void)args;
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
	int fd = asked_device();

	(void)args;
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
	int fd = asked_device();
	char *space = free_space();
	void *got;

	(void)args;
	maps_read(&before);
	got = map(space, SIZE, PROT_READ, MAP_SHARED, fd, MOCK_REGION(2));
	printf("%s\n", got == MAP_FAILED ? strerror(errno) : "mapped");
	maps_check_unchanged(&before);
}

/* The mock refuses the place above the hint. */
static void refused(char **args)
{
	int fd = asked_device();
	char *space = free_space();

	(void)args;
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
