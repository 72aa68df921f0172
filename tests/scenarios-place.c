// SPDX-License-Identifier: LGPL-2.1-or-later
/* Shared mappings of the device with the address left to the system. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "check.h"
#include "device.h"
#include "maps.h"
#include "scenarios.h"

/* The mock's default regions. */
static const struct {
	unsigned int index;
	size_t size;
} regions[] = {
	{ 0, 16 * MIB },
	{ 2, SIZE },
	{ 4, 128 * GIB },
	{ 5, 0x2F00F00000 },
};

/* Maps, checks the address, and checks that unmapping leaves no trace. */
static void try_range(int fd, unsigned int index, size_t offset, size_t length)
{
	const off_t file_offset = MOCK_REGION(index) + (off_t)offset;
	static struct maps before;
	char *got;

	maps_read(&before);
	got = map_checked(NULL, length, MAP_SHARED, fd, file_offset);
	check_congruent(got, file_offset, length);
	check_unmaps(got, length);
	maps_check_unchanged(&before);
}

static void try_region(int fd, unsigned int index, size_t size)
{
	const size_t page = page_size();
	const size_t offsets[] = {
		0, page, 16 * page, MIB, MIB + page, 2 * MIB, 3 * MIB, 4 * MIB, 16 * MIB - page,
		GIB - page, GIB, GIB + 2 * MIB, 2 * GIB + 16 * page,
	};

	for (size_t i = 0; i < COUNT(offsets) && offsets[i] < size; i++) {
		const size_t lengths[] = {
			size - offsets[i], 2 * MIB, 2 * MIB + 1, 3 * MIB, 3 * MIB - 100,
			GIB, GIB + 1, 2 * GIB - page + 7,
		};

		for (size_t j = 0; j < COUNT(lengths); j++)
			if (lengths[j] <= size - offsets[i])
				try_range(fd, index, offsets[i], lengths[j]);
	}
}

static void every_region(char **args)
{
	int fd = device_open_asked();

	for (size_t i = 0; i < COUNT(regions); i++)
		try_region(fd, regions[i].index, regions[i].size);
}

/* A device that another process opened and asked about: offsets from 1 << 40 on speak for it. */
static void never_asked(char **args)
{
	int fd = device_open();

	try_region(fd, 2, SIZE);
	try_region(fd, 4, 128 * GIB);
}

/* map-unasked DISTANCE: prints how far past a congruent address region 2 lands */
static void map_unasked(char **args)
{
	int fd = device_open();
	char *got;

	device_arrange(fd, MOCK_REGION(2), SIZE, number(args[0]));
	got = map(NULL, SIZE, PROT_READ, MAP_SHARED, fd, MOCK_REGION(2));
	printf("0x%" PRIx64 "\n", device_distance(got, MOCK_REGION(2)));
}

/* Just short of a whole huge page, but the kernel rounds up to whole pages. */
static void round_up(char **args)
{
	int fd = device_open_asked();

	device_arrange(fd, MOCK_REGION(0), 2 * MIB - 1, page_size());
	try_range(fd, 0, 0, 2 * MIB - 1);
	device_arrange(fd, MOCK_REGION(0), 2 * MIB - page_size() + 1, page_size());
	try_range(fd, 0, 0, 2 * MIB - page_size() + 1);
}

static void kept(char **args)
{
	int fd = device_open_asked();
	void *expected = device_arrange(fd, MOCK_REGION(2), SIZE, 0);

	CHECK_EQUAL(map_checked(NULL, SIZE, MAP_SHARED, fd, MOCK_REGION(2)), expected);
}

static void shared_validate(char **args)
{
	int fd = device_open_asked();
	char *first = map_checked(NULL, SIZE, MAP_SHARED_VALIDATE, fd, MOCK_REGION(2));
	char *hint = first + page_size(), *second;

	check_congruent(first, MOCK_REGION(2), SIZE);
	check_unmaps(first, SIZE);
	second = map_checked(hint, SIZE, MAP_SHARED_VALIDATE, fd, MOCK_REGION(2));
	check_congruent(second, MOCK_REGION(2), SIZE);
}

static void below_2g(char **args)
{
	/* x86-64's. Elsewhere there is no such flag to hold. */
#ifdef MAP_32BIT
	int fd = device_open_asked();
	char *got;

	got = map_checked(NULL, 16 * MIB, MAP_SHARED | MAP_32BIT, fd, MOCK_REGION(0));
	CHECK((uintptr_t)got + 16 * MIB <= (uintptr_t)1 << 31, "%p", (void *)got);
	check_congruent(got, MOCK_REGION(0), 16 * MIB);
#endif
}

/* All of a region, and its part behind a hole: the same bytes at the same offsets. */
static void bytes(char **args)
{
	const size_t hole_end = MIB + page_size(), at = 3 * GIB + 0x123456;
	int fd = device_open_asked();
	char *whole, *part;
	char byte = 0;

	whole = map_checked(NULL, SIZE, MAP_SHARED, fd, MOCK_REGION(2));
	part = map_checked(NULL, SIZE - hole_end, MAP_SHARED, fd,
			   MOCK_REGION(2) + (off_t)hole_end);
	whole[at] = 'w';
	CHECK_EQUAL(part[at - hole_end], 'w');
	part[0] = 'p';
	CHECK_EQUAL(whole[hole_end], 'p');
	whole[SIZE - 1] = 'e';
	CHECK_EQUAL(pread(fd, &byte, 1, MOCK_REGION(2) + 4 * (off_t)GIB - 1), 1);
	CHECK_EQUAL(byte, 'e');
	CHECK_EQUAL(pwrite(fd, "0", 1, MOCK_REGION(2)), 1);
	CHECK_EQUAL(whole[0], '0');
}

static void check_address(const char *expected, const void *got, const void *own)
{
	if (!strcmp(expected, "own"))
		CHECK_EQUAL(got, own);
	else
		CHECK_EQUAL(device_distance(got, MOCK_REGION(2)), 0);
}

/* no-room BYTES ADDRESS: has BYTES of address space beyond what it maps; ADDRESS as map-once */
static void no_room(char **args)
{
	static struct maps before;
	int fd = device_open_asked();
	struct rlimit limit;
	unsigned long pages;
	void *own;
	FILE *statm;
	char *got;

	own = device_arrange(fd, MOCK_REGION(2), SIZE, page_size());
	statm = fopen("/proc/self/statm", "r");
	CHECK(statm && fscanf(statm, "%lu", &pages) == 1, "/proc/self/statm");
	fclose(statm);
	limit.rlim_cur = limit.rlim_max = pages * page_size() + SIZE + number(args[0]);
	CHECK(!setrlimit(RLIMIT_AS, &limit), "%s", strerror(errno));
	maps_read(&before);
	got = map_checked(NULL, SIZE, MAP_SHARED, fd, MOCK_REGION(2));
	check_address(args[1], got, own);
	check_unmaps(got, SIZE);
	maps_check_unchanged(&before);
}

/* More regions than the library remembers. Without /proc it must know the latest. */
static void many_devices(char **args)
{
	int fd = -1;

	for (int i = 0; i < 100; i++) {
		fd = device_open();
		device_ask(fd);
	}
	for (size_t i = 0; i < COUNT(regions); i++)
		try_range(fd, regions[i].index, 0, regions[i].size);
}

/* A program that asks the same again and again must not make the library forget the rest. */
static void asked_often(char **args)
{
	int first = device_open(), second = device_open();

	device_ask(first);
	for (int i = 0; i < 200; i++)
		device_ask(second);
	for (size_t i = 0; i < COUNT(regions); i++)
		try_range(first, regions[i].index, 0, regions[i].size);
}

static void check_leftover(const char *expected, const struct maps *before)
{
	struct mapping added;
	size_t count = maps_added(before, &added);

	if (!strcmp(expected, "nothing")) {
		maps_check_unchanged(before);
		return;
	}
	CHECK_EQUAL(count, 1);
	if (!strcmp(expected, "reservation"))
		CHECK(!strcmp(added.access, "---p") && !added.name[0], "%s %s", added.access,
		      added.name);
	else if (!strcmp(expected, "mapping"))
		CHECK(strstr(added.name, MOCK_DEVICE_NAME), "%s", added.name);
	else
		CHECK(false, "bad argument: %s", expected);
}

/*
 * map-once ADDRESS LEFTOVER CANARIES: maps region 2 under whatever faults the mock has.
 * ADDRESS is "own", the system's choice for the program's own call, or "congruent"; LEFTOVER
 * is what cannot be given back once munmap() fails: "nothing", "reservation" or a "mapping".
 */
static void map_once(char **args)
{
	static struct maps before;
	int fd = device_open_asked();
	char byte = 0;
	void *own;
	char *got;

	own = device_arrange(fd, MOCK_REGION(2), SIZE, page_size());
	maps_read(&before);
	errno = 4321;
	got = map(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, MOCK_REGION(2));
	CHECK(got != MAP_FAILED, "%s", strerror(errno));
	CHECK_EQUAL(errno, 4321);
	check_address(args[0], got, own);
	got[GIB] = 'x';
	CHECK_EQUAL(pread(fd, &byte, 1, MOCK_REGION(2) + (off_t)GIB), 1);
	CHECK_EQUAL(byte, 'x');
	CHECK_EQUAL(maps_check_canaries(), number(args[2]));
	check_unmaps(got, SIZE);
	check_leftover(args[1], &before);
	CHECK_EQUAL(maps_check_canaries(), number(args[2]));
}

/* map-fails: the program's own call fails by the mock's doing; prints the error */
static void map_fails(char **args)
{
	static struct maps before;
	int fd = device_open_asked();
	void *got;

	maps_read(&before);
	got = map(NULL, SIZE, PROT_READ, MAP_SHARED, fd, MOCK_REGION(2));
	printf("%s\n", got == MAP_FAILED ? strerror(errno) : "mapped");
	maps_check_unchanged(&before);
}

/* distance INDEX OFFSET LENGTH: prints how far past a congruent address that range comes up */
static void distance(char **args)
{
	const off_t offset = MOCK_REGION(number(args[0])) + (off_t)number(args[1]);
	const size_t length = number(args[2]);
	int fd = device_open_asked();
	char *got;

	device_arrange(fd, offset, length, 3 * page_size());
	got = map(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	CHECK(got != MAP_FAILED, "%s", strerror(errno));
	printf("0x%" PRIx64 " %s\n", device_distance(got, offset),
	       maps_advised(got) ? "advised" : "plain");
}

const struct scenario place_scenarios[] = {
	{ "every-region", every_region },
	{ "never-asked", never_asked },
	{ "map-unasked", map_unasked },
	{ "round-up", round_up },
	{ "kept", kept },
	{ "shared-validate", shared_validate },
	{ "below-2g", below_2g },
	{ "bytes", bytes },
	{ "no-room", no_room },
	{ "many-devices", many_devices },
	{ "asked-often", asked_often },
	{ "map-once", map_once },
	{ "map-fails", map_fails },
	{ "distance", distance },
	{ 0 },
};
