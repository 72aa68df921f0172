// SPDX-License-Identifier: LGPL-2.1-or-later
/* Programs that print what their log lines should say. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"
#include "device.h"
#include "scenarios.h"

/* What a log line must begin with and say of the addresses. */
static void print_line(int fd, off_t offset, size_t length, const void *before, const void *after)
{
	printf("[%d]: device fd %d region %d offset 0x%jx length 0x%zx: ", (int)getpid(), fd,
	       (int)(offset >> 40), (intmax_t)(offset % MOCK_REGION(1)), whole_pages(length));
	if (before == MAP_FAILED)
		printf("none -> ");
	else
		printf("%p -> ", before);
	if (after == MAP_FAILED)
		printf("none\n");
	else
		printf("%p\n", after);
}

/* log-map INDEX OFFSET LENGTH DISTANCE: the system's choice is DISTANCE past a congruent address */
static void log_map(char **args)
{
	const off_t offset = MOCK_REGION(number(args[0])) + (off_t)number(args[1]);
	const size_t length = number(args[2]);
	int fd = device_open_asked();
	void *before = device_arrange(fd, offset, length, number(args[3]));
	void *after = map(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	print_line(fd, offset, length, before, after);
}

static void log_hint(char **args)
{
	int fd = device_open_asked();
	char *hint = free_space(SIZE + GIB) + page_size();
	void *got = map(hint, SIZE, PROT_READ, MAP_SHARED, fd, MOCK_REGION(2));

	print_line(fd, MOCK_REGION(2), SIZE, hint, got);
}

static void log_fixed(char **args)
{
	int fd = device_open_asked();
	char *want = free_space(2 * SIZE);
	void *got = map(want, SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, MOCK_REGION(2));

	print_line(fd, MOCK_REGION(2), SIZE, want, got);
}

/* The errno that log lines must leave alone, in both outcomes. */
static void log_failed(char **args)
{
	int fd = device_open_asked();
	void *got;

	got = map(NULL, 2 * SIZE, PROT_READ, MAP_SHARED, fd, MOCK_REGION(2));
	CHECK_EQUAL(errno, EINVAL);
	print_line(fd, MOCK_REGION(2), 2 * SIZE, MAP_FAILED, got);
	got = map(NULL, 2 * SIZE, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, MOCK_REGION(2));
	CHECK_EQUAL(errno, EINVAL);
	print_line(fd, MOCK_REGION(2), 2 * SIZE, MAP_FAILED, got);
	errno = 77;
	CHECK(map(NULL, SIZE, PROT_READ, MAP_SHARED, fd, MOCK_REGION(2)) != MAP_FAILED, "failed");
	CHECK_EQUAL(errno, 77);
}

/* Asks first for the size of the answer, then for all of it. */
static void log_regions(char **args)
{
	union {
		struct vfio_region_info info;
		char bytes[1024];
	} answer = { .info = { .argsz = sizeof(answer.info), .index = 2 } };
	int fd = device_open();

	errno = 77;
	CHECK(!ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &answer), "%s", strerror(errno));
	CHECK(!ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &answer), "%s", strerror(errno));
	CHECK_EQUAL(errno, 77);
	/* The kernel leaves cap_offset alone where there are no capabilities. */
	answer.info.index = 0;
	CHECK(!ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &answer), "%s", strerror(errno));
	answer.info = (struct vfio_region_info){ .argsz = sizeof(answer), .index = 1 };
	CHECK(!ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &answer), "%s", strerror(errno));
	printf("[%d]: device fd %d\n", (int)getpid(), fd);
}

/* log-unasked: the file offset alone tells the region */
static void log_unasked(char **args)
{
	const off_t offset = MOCK_REGION(2) + (off_t)MIB;
	int fd = device_open();
	void *before = device_arrange(fd, offset, 3 * GIB, page_size());
	void *after = map(NULL, 3 * GIB, PROT_READ, MAP_SHARED, fd, offset);

	print_line(fd, offset, 3 * GIB, before, after);
}

/* The first byte behind a region is none of its. */
static void log_beyond(char **args)
{
	int fd = device_open_asked();
	const off_t offset = MOCK_REGION(2) + (off_t)SIZE;

	CHECK(map(NULL, SIZE, PROT_READ, MAP_SHARED, fd, offset) == MAP_FAILED, "mapped");
	CHECK_EQUAL(errno, EINVAL);
}

static void log_fork(char **args)
{
	int fd = device_open_asked(), status;
	pid_t pid;

	map(NULL, SIZE, PROT_READ, MAP_SHARED, fd, MOCK_REGION(2));
	pid = fork();
	if (!pid) {
		map(NULL, SIZE, PROT_READ, MAP_SHARED, fd, MOCK_REGION(2));
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "the child's status is %#x", status);
	printf("%d\n%d\n", (int)getpid(), (int)pid);
}

/* The numbers of the files that are handed on to a program. */
static void log_exec(char **args)
{
	CHECK(!unsetenv("LD_PRELOAD"), "%s", strerror(errno));
	execl("/proc/self/exe", "scenarios", "log-files", (char *)NULL);
	CHECK(false, "%s", strerror(errno));
}

static void log_files(char **args)
{
	for (int fd = 0; fd < 1024; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags >= 0 && !(flags & FD_CLOEXEC))
			printf("%d\n", fd);
	}
}

static int open_own_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0, "%s: %s", path, strerror(errno));
	return fd;
}

/* log-own-stderr FILE: a daemon's way */
static void log_own_stderr(char **args)
{
	int fd = device_open_asked();

	close(STDERR_FILENO);
	if (open_own_file(args[0]) != STDERR_FILENO)
		_exit(1);
	map(NULL, SIZE, PROT_READ, MAP_SHARED, fd, MOCK_REGION(2));
}

/* log-own-everything FILE: has its own file at every number that there is, but the device's */
static void log_own_everything(char **args)
{
	const long limit = sysconf(_SC_OPEN_MAX), count = limit < 2048 ? limit : 2048;
	int device = device_open_asked();

	for (int fd = 0; fd < count; fd++)
		if (fd != device)
			close(fd);
	if (open_own_file(args[0]))
		_exit(1);
	for (int fd = 1; fd < count; fd++)
		if (fd != device && dup2(STDIN_FILENO, fd) != fd)
			_exit(1);
	if (map(NULL, SIZE, PROT_READ, MAP_SHARED, device, MOCK_REGION(2)) == MAP_FAILED)
		_exit(1);
}

const struct scenario log_scenarios[] = {
	{ "log-map", log_map },
	{ "log-hint", log_hint },
	{ "log-fixed", log_fixed },
	{ "log-failed", log_failed },
	{ "log-regions", log_regions },
	{ "log-unasked", log_unasked },
	{ "log-beyond", log_beyond },
	{ "log-fork", log_fork },
	{ "log-exec", log_exec },
	{ "log-files", log_files },
	{ "log-own-stderr", log_own_stderr },
	{ "log-own-everything", log_own_everything },
	{ 0 },
};
