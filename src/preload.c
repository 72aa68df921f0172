// SPDX-License-Identifier: LGPL-2.1-or-later
/* The exported symbols, and nothing else: sorts a call into its case. */

/* With 64-bit file offsets, glibc's headers would rename mmap to mmap64. */
#undef _FILE_OFFSET_BITS
#undef _TIME_BITS
#define _GNU_SOURCE
#include <errno.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <sys/mman.h>

#include "config.h"
#include "dma.h"
#include "next.h"
#include "place.h"
#include "region.h"
#include "report.h"

/* musl has it as a macro. */
#undef mmap64

#define EXPORT __attribute__((visibility("default")))

/* Shorter mappings hold no huge page in whole pages. None is so long until the constructor. */
static size_t shortest = SIZE_MAX;

/* Both types of shared mappings have this bit, MAP_PRIVATE has not. */
static inline bool may_be_device(int flags)
{
	return (flags & (MAP_SHARED | MAP_ANONYMOUS)) == MAP_SHARED;
}

static inline bool may_be_reservation(int prot, int flags)
{
	int where = MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_32BIT | MAP_GROWSDOWN | MAP_HUGETLB;

	return prot == PROT_NONE && region_may_be_reserved_for() &&
	       (flags & (MAP_TYPE | MAP_ANONYMOUS | where)) == (MAP_PRIVATE | MAP_ANONYMOUS);
}

static void *map_anonymous(const struct place_call *call)
{
	struct region_fit fit;

	if (!config.steer ||
	    !region_fit_reservation(&fit, align_pages(&config.sizes, call->length)))
		return place_as_asked(call);
	return place_reservation(call, &fit);
}

static void *map_file(const struct place_call *call)
{
	struct region_range range;
	void *got;

	if (!region_resolve(&range, call->fd, call->offset, call->length))
		return place_as_asked(call);
	if (!config.act)
		got = place_observed(call, &range);
	else if (call->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		got = place_fixed(call, &range);
	else
		got = place_device(call, &range);
	dma_remember(got, call->fd, &range);
	return got;
}

static __attribute__((noinline)) void *sort(const struct place_call *call)
{
	return call->flags & MAP_ANONYMOUS ? map_anonymous(call) : map_file(call);
}

EXPORT void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
	if (length < shortest || !region_in_sight(offset) ||
	    (!may_be_device(flags) && !may_be_reservation(prot, flags)))
		return next_mmap(addr, length, prot, flags, fd, offset);
	return sort(&(struct place_call){
		.addr = addr,
		.length = length,
		.prot = prot,
		.flags = flags,
		.fd = fd,
		.offset = offset,
	});
}

/* The same function: off_t has 64 bits wherever this library builds. */
EXPORT void *mmap64(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
	__attribute__((alias("mmap")));

static __attribute__((noinline)) int watched_ioctl(int fd, ioctl_request request, void *arg)
{
	unsigned long number = (unsigned long)request;
	int ret;

	if (number == VFIO_IOMMU_MAP_DMA && report_on)
		ret = dma_map(fd, arg);
	else
		ret = next_ioctl(fd, request, arg);
	if (ret >= 0)
		region_watch(fd, number, arg, ret);
	return ret;
}

/*
 * Variadic to its callers. Every 64-bit Linux ABI hands over the third argument in the same
 * register either way, and a va_list would cost the calls that are not VFIO's twenty
 * instructions.
 */
EXPORT int ioctl(int fd, ioctl_request request, void *arg);

int ioctl(int fd, ioctl_request request, void *arg)
{
	if ((unsigned long)request >> 8 == VFIO_TYPE)
		return watched_ioctl(fd, request, arg);
	return next_ioctl(fd, request, arg);
}

__attribute__((constructor)) static void start(void)
{
	int err = errno;

	next_resolve();
	config_read();
	report_open();
	/* The report has those too that hold no huge page. */
	if ((config.act || config.observe) && report_on)
		shortest = 1;
	else if (config.act)
		shortest = align_smallest_huge_page(&config.sizes) - config.sizes.page + 1;
	errno = err;
}
