// SPDX-License-Identifier: LGPL-2.1-or-later
/* What is not VFIO's, and what fails: as without the library. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "check.h"
#include "device.h"
#include "maps.h"
#include "scenarios.h"

static int read_only(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int pipe_end(void)
{
	int ends[2];

	CHECK(!pipe(ends), "%s", strerror(errno));
	return ends[0];
}

static void *occupied(void)
{
	return mmap(NULL, SIZE, PROT_NONE, RESERVATION, -1, 0);
}

/* Prints the error of each call; the same without the library is the test. */
static void failures(char **args)
{
	const int fd = device_open_asked(), readable = read_only(fd), pipe_fd = pipe_end();
	const int once_device = device_open_asked(), never_asked = device_open();
	const int rw = PROT_READ | PROT_WRITE;
	const off_t region = MOCK_REGION(2);
	const struct {
		const char *what;
		void *addr;
		size_t length;
		int prot, flags, fd;
		off_t offset;
	} calls[] = {
		{ "private", NULL, SIZE, rw, MAP_PRIVATE, fd, region },
		{ "neither shared nor private", NULL, SIZE, rw, 0, fd, region },
		{ "a flag for others", NULL, SIZE, rw, MAP_SHARED_VALIDATE | MAP_SYNC, fd, region },
		{ "a flag for others and a hint", (void *)(65 * GIB), SIZE, rw,
		  MAP_SHARED_VALIDATE | MAP_SYNC, fd, region },
		{ "no length", NULL, 0, rw, MAP_SHARED, fd, region },
		{ "beyond the region", NULL, SIZE + 1, rw, MAP_SHARED, fd, region },
		{ "far beyond the region", NULL, SIZE, rw, MAP_SHARED, fd, region + (off_t)GIB },
		{ "a region of no size", NULL, SIZE, rw, MAP_SHARED, fd, MOCK_REGION(1) },
		{ "no such region", NULL, SIZE, rw, MAP_SHARED, fd, MOCK_REGION(8) },
		{ "half a page in", NULL, SIZE / 2, rw, MAP_SHARED, fd, region + 100 },
		{ "a negative offset", NULL, SIZE, rw, MAP_SHARED, fd, -(off_t)page_size() },
		{ "an offset near the end", NULL, SIZE, rw, MAP_SHARED, fd, INT64_MAX - 0xffff },
		{ "more than there is", NULL, SIZE_MAX, rw, MAP_SHARED, fd, region },
		{ "more pages than there are", NULL, SIZE_MAX / 2, rw, MAP_SHARED, fd, region },
		{ "a hint and beyond", (void *)(65 * GIB), 2 * SIZE, rw, MAP_SHARED, fd, region },
		{ "no fd", NULL, SIZE, rw, MAP_SHARED, -1, region },
		{ "a closed fd", NULL, SIZE, rw, MAP_SHARED, never_asked, region },
		{ "a closed device", NULL, SIZE, rw, MAP_SHARED, once_device, region },
		{ "a read-only fd", NULL, SIZE, rw, MAP_SHARED, readable, region },
		{ "a pipe", NULL, SIZE, rw, MAP_SHARED, pipe_fd, region },
		{ "fixed, half a page in", (void *)(65 * GIB + 1), SIZE, rw,
		  MAP_SHARED | MAP_FIXED, fd, region },
		{ "fixed beyond everything", (void *)-(64 * GIB), SIZE, rw, MAP_SHARED | MAP_FIXED,
		  fd, region },
		{ "occupied", occupied(), SIZE, rw, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, region },
		{ "anonymous, too much", NULL, SIZE_MAX / 2, rw, MAP_SHARED | MAP_ANONYMOUS, -1,
		  0 },
	};
	static struct maps before;

	close(once_device);
	close(never_asked);
	maps_read(&before);
	for (size_t i = 0; i < COUNT(calls); i++) {
		void *got;

		errno = 0;
		got = map(calls[i].addr, calls[i].length, calls[i].prot, calls[i].flags,
			  calls[i].fd, calls[i].offset);
		printf("%s: %s\n", calls[i].what, got == MAP_FAILED ? strerror(errno) : "mapped");
		maps_check_unchanged(&before);
	}
}

/*
 * Maps a file where the system's next choice is known: nobody may choose another. Some file
 * systems align at 2 MiB by themselves.
 */
static void check_passes(int fd, off_t offset, size_t length, int flags)
{
	static struct maps before;
	void *expected = device_arrange(fd, offset, length, length < GIB ? page_size() : 2 * MIB);
	char *got;

	maps_read(&before);
	errno = 4321;
	got = map(NULL, length, PROT_READ | PROT_WRITE, flags, fd, offset);
	CHECK(got != MAP_FAILED, "%s", strerror(errno));
	CHECK_EQUAL(got, expected);
	CHECK_EQUAL(errno, 4321);
	CHECK_EQUAL(maps_advised(got), false);
	check_unmaps(got, length);
	maps_check_unchanged(&before);
}

static void regular_file(char **args)
{
	check_passes(sparse_file(2 * GIB), 0, 2 * GIB, MAP_SHARED);
	device_open_asked();
	check_passes(sparse_file(2 * GIB), 0, 2 * GIB, MAP_SHARED);
	check_passes(sparse_file(2 * GIB), 0, 2 * GIB, MAP_PRIVATE | MAP_NORESERVE);
	check_passes(sparse_file(MOCK_REGION(3)), MOCK_REGION(2), 4 * GIB, MAP_SHARED);
}

/* file-called PATH: its name alone must not make it a device */
static void file_called(char **args)
{
	int fd = open(args[0], O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && !ftruncate(fd, 2 * GIB), "%s: %s", args[0], strerror(errno));
	device_open_asked();
	check_passes(fd, 0, 2 * GIB, MAP_SHARED);
}

static void fd_that_was_a_device(char **args)
{
	int was = device_open_asked(), fd;

	close(was);
	fd = sparse_file(MOCK_REGION(3));
	CHECK_EQUAL(fd, was);
	check_passes(fd, 0, 16 * MIB, MAP_SHARED);
	check_passes(fd, MOCK_REGION(2), 4 * GIB, MAP_SHARED);
}

/*
 * The system's choice for anonymous memory need not be that for a file: compare two of a kind.
 * The fd and the offset mean nothing then.
 */
static void anonymous(char **args)
{
	const int flags[] = { MAP_PRIVATE, MAP_SHARED };
	int fd = device_open_asked();

	for (size_t i = 0; i < COUNT(flags); i++) {
		const int all = flags[i] | MAP_ANONYMOUS | MAP_NORESERVE;
		char *first = map(NULL, 3 * GIB, PROT_NONE, all, -1, 0), *second;

		CHECK(first != MAP_FAILED, "%s", strerror(errno));
		check_unmaps(first, 3 * GIB);
		second = map(NULL, 3 * GIB, PROT_READ | PROT_WRITE, all, fd, MOCK_REGION(2));
		CHECK_EQUAL(first, second);
		CHECK_EQUAL(maps_advised(second), false);
		check_unmaps(second, 3 * GIB);
	}
}

/* Without /proc a device is what has answered; this one has not. */
static void not_asked(char **args)
{
	int fd = device_open();

	check_passes(fd, MOCK_REGION(2), 4 * GIB, MAP_SHARED);
	device_open_asked();
	check_passes(fd, MOCK_REGION(2), 4 * GIB, MAP_SHARED);
}

static void print_info(int fd, uint32_t index, size_t argsz)
{
	union {
		struct vfio_region_info info;
		unsigned char bytes[256];
	} answer;
	int ret;

	memset(&answer, 0x55, sizeof(answer));
	answer.info.argsz = (uint32_t)argsz;
	answer.info.index = index;
	errno = 0;
	ret = ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &answer);
	printf("region %u, %zu bytes: %d %s", index, argsz, ret, strerror(errno));
	for (size_t i = 0; i < sizeof(answer); i++)
		printf("%s%02x", i % 32 ? "" : "\n\t", answer.bytes[i]);
	printf("\n");
}

/* Prints what came of ioctls; the same without the library is the test. */
static void ioctls(char **args)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int fd = device_open(), ends[2], waiting = -1, ret;

	for (uint32_t index = 0; index < VFIO_PCI_NUM_REGIONS + 1; index++)
		for (size_t argsz = 0; argsz <= 192; argsz += 32)
			print_info(fd, index, argsz);
	ret = ioctl(fd, VFIO_DEVICE_GET_INFO, &info);
	printf("device: %d, %u regions\n", ret, info.num_regions);
	printf("reset: %d\n", ioctl(fd, VFIO_DEVICE_RESET, NULL));
	ret = ioctl(-1, VFIO_DEVICE_GET_INFO, &info);
	printf("no fd: %d %s\n", ret, strerror(errno));
	ret = ioctl(STDIN_FILENO, VFIO_DEVICE_GET_REGION_INFO, NULL);
	printf("no device: %d %s\n", ret, strerror(errno));
	CHECK(!pipe(ends) && write(ends[1], "12345", 5) == 5, "%s", strerror(errno));
	ret = ioctl(ends[0], FIONREAD, &waiting);
	printf("pipe: %d, %d bytes\n", ret, waiting);
	ret = ioctl(ends[0], FIOCLEX);
	printf("without an argument: %d, flags %d\n", ret, fcntl(ends[0], F_GETFD));
}

const struct scenario pass_scenarios[] = {
	{ "failures", failures },
	{ "regular-file", regular_file },
	{ "file-called", file_called },
	{ "fd-that-was-a-device", fd_that_was_a_device },
	{ "anonymous", anonymous },
	{ "not-asked", not_asked },
	{ "ioctls", ioctls },
	{ 0 },
};
