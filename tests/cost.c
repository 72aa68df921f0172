// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * cost CALLS [vfio]: loops for callgrind, each run with CALLS and then with twice as many, so
 * that the difference is free of what only the first call costs. "vfio": in a process that
 * has spoken VFIO.
 */
#define _GNU_SOURCE
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "check.h"
#include "device.h"

#define PAGE ((size_t)4096)
#define LARGE ((size_t)1 << 30)

static int file, ends[2];

static void map(size_t length, int prot, int flags, int fd)
{
	void *got = mmap(NULL, length, prot, flags, fd, 0);

	if (got == MAP_FAILED)
		_exit(1);
	munmap(got, length);
}

/* callgrind begins a new count at each call of a function of such a name. */
#define LOOP(name, call)                                                                           \
	static __attribute__((noinline)) void loop_##name(long calls)                              \
	{                                                                                          \
		while (calls--)                                                                    \
			call;                                                                      \
	}

LOOP(anonymous, map(PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1))
LOOP(large_anonymous, map(LARGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1))
LOOP(shared_anonymous, map(LARGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1))
LOOP(reservation, map(LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1))
LOOP(file, map(PAGE, PROT_READ, MAP_PRIVATE, file))
LOOP(large_private_file, map(LARGE, PROT_READ, MAP_PRIVATE, file))
LOOP(large_shared_file, map(LARGE, PROT_READ, MAP_SHARED, file))

static int waiting;

LOOP(ioctl, ioctl(ends[0], FIONREAD, &waiting))
LOOP(end, waiting++)

int main(int argc, char **argv)
{
	static void (*const loops[])(long) = {
		loop_anonymous, loop_large_anonymous, loop_shared_anonymous, loop_reservation,
		loop_file,	loop_large_private_file, loop_large_shared_file, loop_ioctl,
	};
	struct vfio_device_info info = { .argsz = sizeof(info) };
	long calls;

	CHECK(argc > 1, "usage: cost CALLS [vfio]");
	calls = atol(argv[1]);
	file = memfd_create("file", MFD_CLOEXEC);
	CHECK(file >= 0 && !ftruncate(file, (off_t)LARGE) && !pipe(ends), "no file");
	if (argc > 2)
		CHECK(!ioctl(device_open(), VFIO_DEVICE_GET_INFO, &info), "no mock device");
	for (size_t i = 0; i < COUNT(loops); i++) {
		loops[i](calls);
		loops[i](2 * calls);
	}
	loop_end(1);
	return 0;
}
