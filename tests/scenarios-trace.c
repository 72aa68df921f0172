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

#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)
#define SIZE (4 * GIB)

static const int reservation = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

/* To no file, so that they are seen in the trace and nowhere else. */
static void mark(const char *word)
{
	if (write(-1, word, strlen(word)) >= 0)
		_exit(1);
}

static int asked_device(void)
{
	int fd = device_open();

	device_ask(fd);
	return fd;
}

static int sparse_file(void)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	CHECK(fd >= 0 && !ftruncate(fd, SIZE), "%s", strerror(errno));
	return fd;
}

static void *traced(void *addr, size_t length, int flags, int fd, off_t offset)
{
	void *got;

	mark("begin");
	got = map(addr, length, PROT_READ | PROT_WRITE, flags, fd, offset);
	mark("end");
	return got;
}

static char *space(void)
{
	char *got = mmap(NULL, SIZE + 2 * GIB, PROT_NONE, reservation, -1, 0);

	CHECK(got != MAP_FAILED, "%s", strerror(errno));
	check_unmaps(got, SIZE + 2 * GIB);
	return (char *)(((uintptr_t)got + GIB - 1) / GIB * GIB);
}

/* trace-map DISTANCE: the system's choice is DISTANCE past a congruent address */
static void trace_map(char **args)
{
	int fd = asked_device();

	device_arrange(fd, MOCK_REGION(2), SIZE, number(args[0]));
	traced(NULL, SIZE, MAP_SHARED, fd, MOCK_REGION(2));
}

static void trace_small(char **args)
{
	(void)args;
	traced(NULL, MIB, MAP_SHARED, asked_device(), MOCK_REGION(2));
}

/* At least a huge page long, but it holds none. */
static void trace_no_block(char **args)
{
	(void)args;
	traced(NULL, 2 * MIB, MAP_SHARED, asked_device(), MOCK_REGION(2) + (off_t)page_size());
}

static void trace_hint(char **args)
{
	(void)args;
	traced(space() + 1, SIZE, MAP_SHARED, asked_device(), MOCK_REGION(2));
}

static void trace_hint_occupied(char **args)
{
	int fd = asked_device();
	char *hint = space();

	(void)args;
	CHECK(mmap(hint, page_size(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		      hint,
	      "%s", strerror(errno));
	traced(hint, SIZE, MAP_SHARED, fd, MOCK_REGION(2));
}

/* trace-fixed DISTANCE */
static void trace_fixed(char **args)
{
	int fd = asked_device();
	char *want = space() + number(args[0]);

	CHECK(mmap(want, SIZE, PROT_NONE, reservation | MAP_FIXED, -1, 0) == want, "%s",
	      strerror(errno));
	traced(want, SIZE, MAP_SHARED | MAP_FIXED, fd, MOCK_REGION(2));
}

static void trace_noreplace(char **args)
{
	(void)args;
	traced(space(), SIZE, MAP_SHARED | MAP_FIXED_NOREPLACE, asked_device(), MOCK_REGION(2));
}

static void trace_failure(char **args)
{
	(void)args;
	CHECK(traced(NULL, 2 * SIZE, MAP_SHARED, asked_device(), MOCK_REGION(2)) == MAP_FAILED,
	      "mapped beyond the region");
}

static void trace_private(char **args)
{
	(void)args;
	traced(NULL, SIZE, MAP_PRIVATE, asked_device(), MOCK_REGION(2));
}

/* In a process that never spoke VFIO. */
static void trace_file(char **args)
{
	(void)args;
	traced(NULL, SIZE, MAP_SHARED, sparse_file(), 0);
}

static void trace_file_of_vmm(char **args)
{
	int fd = sparse_file();

	(void)args;
	asked_device();
	traced(NULL, SIZE, MAP_SHARED, fd, 0);
}

static void trace_private_file_of_vmm(char **args)
{
	int fd = sparse_file();

	(void)args;
	asked_device();
	traced(NULL, SIZE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
}

static void trace_small_file_of_vmm(char **args)
{
	int fd = sparse_file();

	(void)args;
	asked_device();
	traced(NULL, MIB, MAP_SHARED, fd, 0);
}

static void trace_memory_of_vmm(char **args)
{
	(void)args;
	traced(NULL, SIZE, reservation, asked_device(), 0);
}

static void trace_shared_memory_of_vmm(char **args)
{
	(void)args;
	traced(NULL, SIZE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, asked_device(), 0);
}

static void trace_ioctls(char **args)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = 2 };
	int fd = device_open(), waiting;

	(void)args;
	mark("begin");
	ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &info);
	ioctl(fd, FIONREAD, &waiting);
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
	{ "trace-ioctls", trace_ioctls },
	{ 0 },
};
