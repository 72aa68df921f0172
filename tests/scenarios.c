// SPDX-License-Identifier: LGPL-2.1-or-later
/* scenarios [-64] NAME [ARGUMENT...]; -64 calls mmap64() instead of mmap() */
#undef _FILE_OFFSET_BITS
#undef _TIME_BITS
#define _GNU_SOURCE
#define _LARGEFILE64_SOURCE
#include <errno.h>
#include <sys/mman.h>

#include "check.h"
#include "device.h"
#include "maps.h"
#include "scenarios.h"

#define UNTOUCHED 12345

int first_errno;

void *(*map)(void *, size_t, int, int, int, off_t) = mmap;

char *map_checked(void *addr, size_t length, int flags, int fd, off_t offset)
{
	static struct maps before;
	struct mapping added;
	char *got;

	maps_read(&before);
	errno = UNTOUCHED;
	got = map(addr, length, PROT_READ | PROT_WRITE, flags, fd, offset);
	CHECK(got != MAP_FAILED, "%s", strerror(errno));
	CHECK_EQUAL(errno, UNTOUCHED);
	CHECK_EQUAL(maps_added(&before, &added), 1);
	CHECK_EQUAL(added.start, got);
	CHECK_EQUAL(added.end - added.start, whole_pages(length));
	CHECK_EQUAL(added.offset, offset);
	CHECK(strstr(added.name, MOCK_DEVICE_NAME), "%s", added.name);
	CHECK(!strcmp(added.access, "rw-s"), "%s", added.access);
	CHECK_EQUAL(maps_advised(got), device_reaches_huge_page(got, offset, length));
	return got;
}

void check_congruent(const void *address, off_t offset, size_t length)
{
	uint64_t huge = device_huge_page(offset, length);

	if (huge)
		CHECK(device_distance(address, offset) % huge == 0,
		      "%p for offset %#jx length %#zx is %#" PRIx64 " past a congruent address",
		      address, (intmax_t)offset, length, device_distance(address, offset));
}

void check_unmaps(void *address, size_t length)
{
	CHECK(!munmap(address, length), "%s", strerror(errno));
}

char *free_space(size_t length)
{
	char *got = mmap(NULL, length + GIB, PROT_NONE, RESERVATION, -1, 0);

	CHECK(got != MAP_FAILED, "%s", strerror(errno));
	check_unmaps(got, length + GIB);
	return (char *)(((uintptr_t)got + GIB - 1) / GIB * GIB);
}

int sparse_file(off_t size)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	CHECK(fd >= 0 && !ftruncate(fd, size), "%s", strerror(errno));
	return fd;
}

uint64_t number(const char *text)
{
	static const char units[] = "KMGT";
	char *end;
	uint64_t value = strtoull(text, &end, 0);
	const char *unit = *end ? strchr(units, *end) : NULL;

	CHECK(!*end || (unit && !end[1]), "no number: %s", text);
	return unit ? value << (10 * (unit - units + 1)) : value;
}

static void run(const char *name, char **args)
{
	static const struct scenario *const tables[] = {
		place_scenarios,   hint_scenarios, fixed_scenarios, pass_scenarios,
		process_scenarios, log_scenarios,  report_scenarios, trace_scenarios,
	};

	for (size_t i = 0; i < COUNT(tables); i++)
		for (const struct scenario *scenario = tables[i]; scenario->name; scenario++)
			if (!strcmp(scenario->name, name)) {
				scenario->run(args);
				return;
			}
	CHECK(false, "no such scenario: %s", name);
}

int main(int argc, char **argv)
{
	first_errno = errno;
	if (argc > 1 && !strcmp(argv[1], "-64")) {
		map = mmap64;
		argv++;
		argc--;
	}
	CHECK(argc > 1, "usage: scenarios [-64] NAME [ARGUMENT...]");
	maps_open();
	run(argv[1], argv + 2);
	return 0;
}
