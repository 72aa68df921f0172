// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "next.h"

static void *bare_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
	return (void *)syscall(SYS_mmap, addr, length, prot, flags, fd, offset);
}

static int bare_ioctl(int fd, ioctl_request request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	return (int)syscall(SYS_ioctl, fd, request, arg);
}

void *(*next_mmap)(void *, size_t, int, int, int, off_t) = bare_mmap;
int (*next_ioctl)(int, ioctl_request, ...) = bare_ioctl;

void next_resolve(void)
{
	void *mmap_symbol = dlsym(RTLD_NEXT, "mmap");
	void *ioctl_symbol = dlsym(RTLD_NEXT, "ioctl");

	if (mmap_symbol)
		next_mmap = (__typeof__(next_mmap))mmap_symbol;
	if (ioctl_symbol)
		next_ioctl = (__typeof__(next_ioctl))ioctl_symbol;
}
