// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Another preload that stands before mmap, munmap and ioctl, as tracers do: it looks for the next
 * ones when it needs them first, and has memory allocated in each call. When the program ends
 * it writes to the file $INTERPOSER_FILE how often a device was mapped.
 */
#undef _FILE_OFFSET_BITS
#undef _TIME_BITS
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../interpose.h"

static unsigned long mapped;
static void *volatile block;

static void *next(const char *name)
{
	int err = errno;
	void *function = dlsym(RTLD_NEXT, name);

	block = malloc(100000);
	free(block);
	if (!function)
		abort();
	errno = err;
	return function;
}

EXPORT void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
	void *(*call)(void *, size_t, int, int, int, off_t) =
		(void *(*)(void *, size_t, int, int, int, off_t))next("mmap");

	if (flags & MAP_SHARED && offset >> 40)
		__atomic_fetch_add(&mapped, 1, __ATOMIC_RELAXED);
	return call(addr, length, prot, flags, fd, offset);
}

EXPORT void *mmap64(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
	__attribute__((alias("mmap")));

EXPORT int munmap(void *addr, size_t length)
{
	return ((int (*)(void *, size_t))next("munmap"))(addr, length);
}

EXPORT int ioctl(int fd, ioctl_request request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	return ((int (*)(int, ioctl_request, ...))next("ioctl"))(fd, request, arg);
}

__attribute__((destructor)) static void end(void)
{
	const char *path = getenv("INTERPOSER_FILE");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;

	if (fd < 0)
		return;
	dprintf(fd, "%lu\n", mapped);
	close(fd);
}
