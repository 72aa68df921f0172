// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The layer of faults.h. While it is armed, all that the program does is one call, so that
 * whatever comes by is the library's: its return addresses say less, because a tail call has
 * the program's. What the mock behind calls in its turn is not counted.
 */
#undef _FILE_OFFSET_BITS
#undef _TIME_BITS
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "faults.h"
#include "interpose.h"

EXPORT struct faults_control faults_control;

static struct faults_control *const control = &faults_control;
static bool inside;

static struct {
	int (*munmap)(void *, size_t);
	int (*madvise)(void *, size_t, int);
	ssize_t (*readlink)(const char *, char *, size_t);
	int (*ioctl)(int, ioctl_request, ...);
	long (*syscall)(long, ...);
} behind;

static void *next(const char *name)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	if (!symbol)
		abort();
	return symbol;
}

/* Constructors of preloads behind this one run first, and call. */
static void resolve(void)
{
	if (behind.syscall)
		return;
	control->plain = (__typeof__(control->plain))next("mmap");
	behind.munmap = (__typeof__(behind.munmap))next("munmap");
	behind.madvise = (__typeof__(behind.madvise))next("madvise");
	behind.readlink = (__typeof__(behind.readlink))next("readlink");
	behind.ioctl = (__typeof__(behind.ioctl))next("ioctl");
	behind.syscall = (__typeof__(behind.syscall))next("syscall");
}

static bool counts(void)
{
	resolve();
	return control->armed && !inside;
}

/* Counts a call; the error that it shall fail with, or 0. */
static int fault(enum faults_kind kind, bool may_exist)
{
	unsigned int nth = ++control->calls;

	for (int i = 0; i < 2; i++) {
		if (control->nth[i] != nth || (control->error[i] == EEXIST && !may_exist))
			continue;
		control->fired |= (unsigned int)kind;
		control->nr_fired++;
		return control->error[i];
	}
	return 0;
}

/* Ranges of the address space, in whole pages as the kernel takes them. */

static struct faults_range range_of(const void *addr, size_t length)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return (struct faults_range){
		.start = (uintptr_t)addr,
		.end = ((uintptr_t)addr + length + page - 1) & -page,
	};
}

static void add(struct faults_ranges *ranges, struct faults_range range)
{
	if (range.start >= range.end)
		return;
	if (ranges->count == FAULTS_RANGES)
		abort();
	ranges->at[ranges->count++] = range;
}

static void take(struct faults_ranges *ranges, struct faults_range range)
{
	struct faults_ranges old = *ranges;

	ranges->count = 0;
	for (size_t i = 0; i < old.count; i++) {
		struct faults_range at = old.at[i];

		if (range.end <= at.start || at.end <= range.start) {
			add(ranges, at);
			continue;
		}
		add(ranges, (struct faults_range){ at.start, range.start });
		add(ranges, (struct faults_range){ range.end, at.end });
	}
}

static bool covers(const struct faults_ranges *ranges, struct faults_range range)
{
	struct faults_ranges rest = { .count = 1, .at = { range } };

	for (size_t i = 0; i < ranges->count; i++)
		take(&rest, ranges->at[i]);
	return !rest.count;
}

static void violate(const char *what, struct faults_range range)
{
	if (control->violation)
		return;
	control->violation = what;
	control->violated = range;
}

static bool is_own(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
	const struct faults_call *own = &control->own;

	return addr == own->addr && length == own->length && prot == own->prot &&
	       flags == own->flags && fd == own->fd && offset == own->offset;
}

static void account_map(void *got, size_t length, int flags, bool own)
{
	int err = got == MAP_FAILED ? errno : 0;

	if (own) {
		control->own_calls++;
		control->own_error = err;
	} else if (flags & MAP_FIXED) {
		violate("a call that the library adds may replace nothing", range_of(got, length));
	}
	if (err)
		return;
	take(&control->live, range_of(got, length));
	add(&control->live, range_of(got, length));
}

EXPORT void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
	bool own;
	void *got = MAP_FAILED;
	int err;

	if (!counts())
		return control->plain(addr, length, prot, flags, fd, offset);
	own = is_own(addr, length, prot, flags, fd, offset);
	err = fault(FAULTS_MMAP, flags & MAP_FIXED_NOREPLACE);
	inside = true;
	if (!err)
		got = control->plain(addr, length, prot, flags, fd, offset);
	else
		errno = err;
	inside = false;
	account_map(got, length, flags, own);
	return got;
}

EXPORT void *mmap64(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
	__attribute__((alias("mmap")));

/* MAP_FIXED gives up what is in the range, once, and only if the device is mapped elsewhere. */
static bool gives_up(struct faults_range range)
{
	const struct faults_call *own = &control->own;
	struct faults_range asked = range_of(own->addr, own->length);

	if (!(own->flags & MAP_FIXED) || control->given_up || control->own_calls ||
	    range.start != asked.start || range.end != asked.end)
		return false;
	for (size_t i = 0; i < control->live.count; i++) {
		struct faults_range at = control->live.at[i];

		if (at.end - at.start == asked.end - asked.start &&
		    (at.end <= asked.start || asked.end <= at.start))
			return true;
	}
	return false;
}

EXPORT int munmap(void *addr, size_t length)
{
	struct faults_range range = range_of(addr, length);
	bool theirs, given;
	int ret = -1, err;

	if (!counts())
		return behind.munmap(addr, length);
	theirs = covers(&control->live, range);
	given = !theirs && gives_up(range);
	if (!theirs && !given)
		violate("unmaps what is not the library's", range);
	err = fault(FAULTS_MUNMAP, false);
	inside = true;
	if (err)
		errno = err;
	else
		ret = behind.munmap(addr, length);
	inside = false;
	if (!ret && given)
		control->given_up = true;
	if (!ret) {
		take(&control->live, range);
		take(&control->stuck, range);
	} else if (theirs) {
		add(&control->stuck, range);
	}
	return ret;
}

EXPORT int madvise(void *addr, size_t length, int advice)
{
	int ret = -1, err;

	if (!counts())
		return behind.madvise(addr, length, advice);
	if (!covers(&control->live, range_of(addr, length)))
		violate("advises what is not the library's", range_of(addr, length));
	err = fault(FAULTS_MADVISE, false);
	inside = true;
	if (err)
		errno = err;
	else
		ret = behind.madvise(addr, length, advice);
	inside = false;
	return ret;
}

EXPORT ssize_t readlink(const char *path, char *buffer, size_t size)
{
	ssize_t length = -1;
	int err;

	if (!counts())
		return behind.readlink(path, buffer, size);
	err = fault(FAULTS_READLINK, false);
	inside = true;
	if (err)
		errno = err;
	else
		length = behind.readlink(path, buffer, size);
	inside = false;
	return length;
}

static int counted_ioctl(int fd, ioctl_request request, void *arg)
{
	int ret = -1, err = fault(FAULTS_IOCTL, false);

	inside = true;
	if (err)
		errno = err;
	else
		ret = behind.ioctl(fd, request, arg);
	inside = false;
	control->own_calls++;
	control->own_error = ret < 0 ? errno : 0;
	return ret;
}

EXPORT int ioctl(int fd, ioctl_request request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	return counts() ? counted_ioctl(fd, request, arg) : behind.ioctl(fd, request, arg);
}

/* A close() that fails has closed all the same. */
static long counted_syscall(long number, const long *args)
{
	int err = fault(FAULTS_SYSCALL, false);
	long ret = -1;

	if (!err || number == SYS_close)
		ret = behind.syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
	if (!err)
		return ret;
	errno = err;
	return -1;
}

/* The library's write, and what it reads of a thread's faults. */
EXPORT long syscall(long number, ...)
{
	long args[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		args[i] = va_arg(ap, long);
	va_end(ap);
	if (counts())
		return counted_syscall(number, args);
	return behind.syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
}
