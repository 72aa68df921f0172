// SPDX-License-Identifier: LGPL-2.1-or-later
/* Single calls between two writes that a trace of the system calls can be cut at. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "check.h"
#include "device.h"
#include "scenarios.h"

/* To no file, so that they are seen in the trace and nowhere else. */
static void mark(const char *word)
{
	if (write(-1, word, strlen(word)) >= 0)
		_exit(1);
}

static void *traced(void *addr, size_t length, int flags, int fd, off_t offset)
{
	void *got;

	mark("begin");
	got = map(addr, length, PROT_READ | PROT_WRITE, flags, fd, offset);
	mark("end");
	return got;
}

/* trace-map DISTANCE: the system's choice is DISTANCE past a congruent address */
static void trace_map(char **args)
{
	int fd = device_open_asked();

	device_arrange(fd, MOCK_REGION(2), SIZE, number(args[0]));
	traced(NULL, SIZE, MAP_SHARED, fd, MOCK_REGION(2));
}

static void trace_small(char **args)
{
	traced(NULL, MIB, MAP_SHARED, device_open_asked(), MOCK_REGION(2));
}

/* trace-no-block HINT: at least a huge page long, but it holds none */
static void trace_no_block(char **args)
{
	const off_t offset = MOCK_REGION(2) + (off_t)page_size();
	void *hint = (void *)(uintptr_t)number(args[0]);

	traced(hint, 2 * MIB, MAP_SHARED, device_open_asked(), offset);
}

static void trace_hint(char **args)
{
	traced(free_space(2 * SIZE) + 1, SIZE, MAP_SHARED, device_open_asked(), MOCK_REGION(2));
}

static void trace_hint_occupied(char **args)
{
	int fd = device_open_asked();
	char *hint = free_space(2 * SIZE);

	CHECK(mmap(hint, MIB, PROT_NONE, RESERVATION | MAP_FIXED, -1, 0) == hint, "%s",
	      strerror(errno));
	traced(hint, SIZE, MAP_SHARED, fd, MOCK_REGION(2));
}

/* trace-fixed DISTANCE */
static void trace_fixed(char **args)
{
	int fd = device_open_asked();
	char *want = free_space(2 * SIZE) + number(args[0]);

	CHECK(mmap(want, SIZE, PROT_NONE, RESERVATION | MAP_FIXED, -1, 0) == want, "%s",
	      strerror(errno));
	traced(want, SIZE, MAP_SHARED | MAP_FIXED, fd, MOCK_REGION(2));
}

static void trace_noreplace(char **args)
{
	int fd = device_open_asked();

	traced(free_space(2 * SIZE), SIZE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, MOCK_REGION(2));
}

static void trace_failure(char **args)
{
	CHECK(traced(NULL, 2 * SIZE, MAP_SHARED, device_open_asked(), MOCK_REGION(2)) == MAP_FAILED,
	      "mapped beyond the region");
}

static void trace_private(char **args)
{
	traced(NULL, SIZE, MAP_PRIVATE, device_open_asked(), MOCK_REGION(2));
}

/* In a process that never spoke VFIO. */
static void trace_file(char **args)
{
	traced(NULL, SIZE, MAP_SHARED, sparse_file(SIZE), 0);
}

static void trace_file_of_vmm(char **args)
{
	int fd = sparse_file(SIZE);

	device_open_asked();
	traced(NULL, SIZE, MAP_SHARED, fd, 0);
}

static void trace_private_file_of_vmm(char **args)
{
	int fd = sparse_file(SIZE);

	device_open_asked();
	traced(NULL, SIZE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
}

static void trace_small_file_of_vmm(char **args)
{
	int fd = sparse_file(SIZE);

	device_open_asked();
	traced(NULL, MIB, MAP_SHARED, fd, 0);
}

static void trace_memory_of_vmm(char **args)
{
	traced(NULL, SIZE, RESERVATION, device_open_asked(), 0);
}

static void trace_shared_memory_of_vmm(char **args)
{
	traced(NULL, SIZE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, device_open_asked(), 0);
}

/* trace-reserve LENGTH: "hint" or nothing */
static void trace_reserve(char **args)
{
	void *hint = args[1] ? free_space(2 * SIZE) + page_size() : NULL;

	device_open_asked();
	mark("begin");
	map(hint, number(args[0]), PROT_NONE, RESERVATION, -1, 0);
	mark("end");
}

static void trace_ioctls(char **args)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = 2 };
	int fd = device_open(), waiting;

	mark("begin");
	ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &info);
	ioctl(fd, FIONREAD, &waiting);
	mark("end");
}

/* trace-dma OFFSET: of a mapping of region 2; "memory": of other memory; "no-device": without the mapping */
static void trace_dma(char **args)
{
	char *start = mmap(NULL, SIZE, PROT_READ, RESERVATION, -1, 0), *got;
	int fd = named_device("device");

	CHECK(start != MAP_FAILED, "%s", strerror(errno));
	if (strcmp(args[0], "no-device")) {
		got = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, MOCK_REGION(2));
		CHECK(got != MAP_FAILED, "%s", strerror(errno));
		if (strcmp(args[0], "memory"))
			start = got + number(args[0]);
	}
	mark("begin");
	dma_map(start, MIB);
	mark("end");
}

const struct scenario trace_scenarios[] = {
	{ "trace-map", trace_map },
	{ "trace-small", trace_small },
	{ "trace-no-block", trace_no_block },
	{ "trace-hint", trace_hint },
	{ "trace-hint-occupied", trace_hint_occupied },
	{ "trace-fixed", trace_fixed },
	{ "trace-noreplace", trace_noreplace },
	{ "trace-failure", trace_failure },
	{ "trace-private", trace_private },
	{ "trace-file", trace_file },
	{ "trace-file-of-vmm", trace_file_of_vmm },
	{ "trace-private-file-of-vmm", trace_private_file_of_vmm },
	{ "trace-small-file-of-vmm", trace_small_file_of_vmm },
	{ "trace-memory-of-vmm", trace_memory_of_vmm },
	{ "trace-shared-memory-of-vmm", trace_shared_memory_of_vmm },
	{ "trace-reserve", trace_reserve },
	{ "trace-ioctls", trace_ioctls },
	{ "trace-dma", trace_dma },
	{ 0 },
};
