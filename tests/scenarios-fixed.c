// SPDX-License-Identifier: LGPL-2.1-or-later
/* Shared mappings of the device where the program demands it. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>

#include "check.h"
#include "device.h"
#include "maps.h"
#include "scenarios.h"

static char *reserve(size_t length)
{
	char *start = free_space(length);

	CHECK(mmap(start, length, PROT_NONE, RESERVATION | MAP_FIXED_NOREPLACE, -1, 0) == start,
	      "%s", strerror(errno));
	return start;
}

/* Into the middle of a reservation; put back, it must be what it was. */
static void replaces_at(size_t distance)
{
	char *base = reserve(2 * SIZE), *want = base + GIB + distance;
	static struct maps before;
	int fd = device_open_asked();
	char *got;

	maps_read(&before);
	errno = 4321;
	got = map(want, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, MOCK_REGION(2));
	CHECK_EQUAL(got, want);
	CHECK_EQUAL(errno, 4321);
	CHECK_EQUAL(maps_advised(got), device_reaches_huge_page(got, MOCK_REGION(2), SIZE));
	got[SIZE - 1] = 'x';
	CHECK(mmap(want, SIZE, PROT_NONE, RESERVATION | MAP_FIXED, -1, 0) == want, "%s",
	      strerror(errno));
	maps_check_unchanged(&before);
	check_unmaps(base, 2 * SIZE);
	close(fd);
}

static void replaces(char **args)
{
	replaces_at(0);
	replaces_at(page_size());
	replaces_at(2 << 20);
}

static void does_not_replace(char **args)
{
	char *space = reserve(2 * SIZE);
	int fd = device_open_asked();
	static struct maps before;
	char *got;

	check_unmaps(space, 2 * SIZE);
	got = map_checked(space + page_size(), SIZE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd,
			  MOCK_REGION(2));
	CHECK_EQUAL(got, space + page_size());
	maps_read(&before);
	CHECK(map(space, SIZE, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, MOCK_REGION(2)) ==
		      MAP_FAILED,
	      "mapped over another");
	CHECK_EQUAL(errno, EEXIST);
	maps_check_unchanged(&before);
	check_unmaps(got, SIZE);
	got = map_checked(space, SIZE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, MOCK_REGION(2));
	CHECK_EQUAL(got, space);
}

/* Only the call itself validates its flags: it has to be the one that maps. */
static void validates(char **args)
{
	char *base = reserve(2 * SIZE), *want = base + page_size();
	int fd = device_open_asked();

	CHECK(map(want, SIZE, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC | MAP_FIXED, fd,
		  MOCK_REGION(2)) == MAP_FAILED,
	      "flags that the device does not know were taken");
	CHECK_EQUAL(errno, EOPNOTSUPP);
	CHECK_EQUAL(map(want, SIZE, PROT_READ, MAP_SHARED_VALIDATE | MAP_FIXED, fd, MOCK_REGION(2)), want);
	check_unmaps(base, 2 * SIZE);
}

/* A demand that the device refuses: the reservation stands as it did. */
static void refused(char **args)
{
	char *space = reserve(2 * SIZE);
	static struct maps before;
	int fd = device_open_asked();

	maps_read(&before);
	CHECK(map(space, SIZE + 1, PROT_READ, MAP_SHARED | MAP_FIXED, fd, MOCK_REGION(2)) ==
		      MAP_FAILED,
	      "mapped beyond the region");
	CHECK_EQUAL(errno, EINVAL);
	maps_check_unchanged(&before);
}

/* As QEMU 11 does: one reservation for a region with a hole, areas at their offsets in it. */
static void areas(char **args)
{
	const size_t hole = 0x100000, hole_end = hole + page_size();
	char *base = reserve(SIZE);
	int fd = device_open_asked();
	char *first, *second;

	first = map(base, hole, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, MOCK_REGION(2));
	second = map(base + hole_end, SIZE - hole_end, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_FIXED, fd, MOCK_REGION(2) + (off_t)hole_end);
	CHECK_EQUAL(first, base);
	CHECK_EQUAL(second, base + hole_end);
	CHECK_EQUAL(maps_advised(first), false);
	CHECK_EQUAL(maps_advised(second), true);
}

/* Where vm.mmap_min_addr lets nobody without privilege map: only the call itself finds out. */
static void lowest(char **args)
{
	char *want = (char *)(uintptr_t)page_size();
	int fd = device_open_asked();
	char *got = map(want, 16 << 20, PROT_READ, MAP_SHARED | MAP_FIXED, fd, MOCK_REGION(0));

	if (got == MAP_FAILED)
		CHECK_EQUAL(errno, EPERM);
	else
		CHECK_EQUAL(got, want);
}

/* The mock makes madvise() fail. */
static void stands(char **args)
{
	char *space = reserve(SIZE);
	int fd = device_open_asked();

	errno = 4321;
	CHECK(map(space, SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, MOCK_REGION(2)) == space,
	      "%s", strerror(errno));
	CHECK_EQUAL(errno, 4321);
	CHECK_EQUAL(maps_advised(space), false);
}

const struct scenario fixed_scenarios[] = {
	{ "fixed-replaces", replaces },
	{ "fixed-does-not-replace", does_not_replace },
	{ "fixed-validates", validates },
	{ "fixed-refused", refused },
	{ "fixed-areas", areas },
	{ "fixed-lowest", lowest },
	{ "fixed-stands", stands },
	{ 0 },
};
