// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Moves in the address space over a kernel that does as it is told: addresses and failures that no
 * real one has at hand. It only counts what is mapped, so nothing may be left that was not returned.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "config.h"
#include "next.h"
#include "place.h"
#include "report.h"
#include "tap.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)
#define TOP (UINT64_MAX - GIB / 2 + 1)

/* What mmap() answers, one after the other: an address, or an error as -errno. Then ENOMEM. */
static struct kernel {
	int64_t answers[80];
	int mmaps;
	int munmaps;
	int failing_munmap;
	uint64_t mapped;
	enum report_why why;
	int reports;
} kernel;

struct config config = {
	.act = true,
	.relocate = true,
	.sizes = { .page = 4096, .huge = { GIB, 2 * MIB } },
	.aim = { .page = 4096, .huge = { GIB, 2 * MIB } },
};

static void *answer(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
	int64_t said = kernel.mmaps < 80 ? kernel.answers[kernel.mmaps] : 0;

	(void)addr, (void)prot, (void)flags, (void)fd, (void)offset;
	kernel.mmaps++;
	if (said <= 0 && said > -4096) {
		errno = said ? (int)-said : ENOMEM;
		return MAP_FAILED;
	}
	kernel.mapped += length;
	return (void *)(uintptr_t)said;
}

void *(*next_mmap)(void *, size_t, int, int, int, off_t) = answer;

int munmap(void *addr, size_t length)
{
	(void)addr;
	if (++kernel.munmaps == kernel.failing_munmap) {
		errno = ENOMEM;
		return -1;
	}
	kernel.mapped -= length;
	return 0;
}

int madvise(void *addr, size_t length, int advice)
{
	(void)addr, (void)length, (void)advice;
	return 0;
}

void report_mapping(int fd, const struct region_range *range, const void *asked,
		    const void *before, const void *after, enum report_why why)
{
	(void)fd, (void)range, (void)asked, (void)before, (void)after;
	kernel.why = why;
	kernel.reports++;
}

void report_reservation(const struct region_fit *fit, const void *asked, const void *address,
			uint64_t length)
{
	(void)fit, (void)asked, (void)address, (void)length;
	kernel.why = WHY_STEERED;
	kernel.reports++;
}

static void says(const int64_t *answers, int count, int failing_munmap)
{
	memset(&kernel, 0, sizeof(kernel));
	memcpy(kernel.answers, answers, (size_t)count * sizeof(*answers));
	kernel.failing_munmap = failing_munmap;
}

#define SAYS(failing_munmap, ...)                                                                  \
	says((const int64_t[]){ __VA_ARGS__ },                                                     \
	     (int)(sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), failing_munmap)

static struct place_call call_of(uint64_t addr, uint64_t length, int flags)
{
	return (struct place_call){
		.addr = (void *)(uintptr_t)addr,
		.length = length,
		.prot = flags & MAP_SHARED ? PROT_READ : PROT_NONE,
		.flags = flags,
		.fd = flags & MAP_ANONYMOUS ? -1 : 3,
	};
}

static uint64_t fixed(uint64_t addr, uint64_t length)
{
	const struct place_call call = call_of(addr, length, MAP_SHARED | MAP_FIXED);
	const struct region_range range = { .length = length };

	return (uintptr_t)place_fixed(&call, &range);
}

static uint64_t device(uint64_t length)
{
	const struct place_call call = call_of(0, length, MAP_SHARED);
	const struct region_range range = { .length = length };

	return (uintptr_t)place_device(&call, &range);
}

/* A reservation of @length for a region or area of @size without slack. */
static uint64_t reserved(uint64_t hint, uint64_t length, uint64_t size)
{
	const struct place_call call = call_of(hint, length, MAP_PRIVATE | MAP_ANONYMOUS);
	const struct region_fit fit = { .range.length = size, .fd = 3 };

	return (uintptr_t)place_reservation(&call, &fit);
}

static bool observes(void)
{
	const struct place_call call = call_of(0, GIB, MAP_SHARED);
	const struct region_range range = { .length = GIB };

	SAYS(0, 0x1000);
	TAP_CHECK(place_observed(&call, &range) == (void *)0x1000, "moved");
	TAP_CHECK(kernel.why == WHY_OFF && kernel.reports == 1, "%d", kernel.why);
	SAYS(0, -EPERM);
	TAP_CHECK(place_observed(&call, &range) == MAP_FAILED && errno == EPERM, "%d", errno);
	TAP_CHECK(kernel.why == WHY_FAILED && kernel.mmaps == 1, "%d", kernel.why);
	return true;
}

static bool leaves_small_demands(void)
{
	SAYS(0, 0x5000);
	TAP_CHECK(fixed(0x5000, MIB) == 0x5000 && kernel.mmaps == 1, "%d", kernel.mmaps);
	TAP_CHECK(kernel.why == WHY_FIXED, "%d", kernel.why);
	return true;
}

static bool needs_no_span_beyond_64_bits(void)
{
	SAYS(0, -EINVAL);
	TAP_CHECK(fixed(GIB + 0x5000, UINT64_MAX - GIB + 4097) == (uintptr_t)MAP_FAILED, "mapped");
	TAP_CHECK(errno == EINVAL && kernel.mmaps == 1, "%d %d", errno, kernel.mmaps);
	SAYS(0, -EINVAL);
	TAP_CHECK(reserved(0, UINT64_MAX - GIB + 4097, 4 * GIB) == (uintptr_t)MAP_FAILED, "mapped");
	TAP_CHECK(errno == EINVAL && kernel.mmaps == 1, "%d %d", errno, kernel.mmaps);
	return true;
}

static bool keeps_its_own_without_room_above(void)
{
	SAYS(0, 0x5000, (int64_t)TOP);
	TAP_CHECK(device(4 * GIB) == 0x5000, "moved");
	TAP_CHECK(kernel.why == WHY_NO_ROOM, "%d", kernel.why);
	TAP_CHECK(kernel.mapped == 4 * GIB, "%#" PRIx64, kernel.mapped);
	SAYS(0, (int64_t)TOP, 0x5000);
	TAP_CHECK(reserved(0, 4 * GIB, 4 * GIB) == 0x5000, "moved");
	TAP_CHECK(kernel.mapped == 4 * GIB && !kernel.reports, "%#" PRIx64, kernel.mapped);
	SAYS(0, 0x5000, 0x5000);
	TAP_CHECK(reserved(TOP, 4 * GIB, 4 * GIB) == GIB, "moved");
	TAP_CHECK(kernel.mmaps == 1, "%d", kernel.mmaps);
	return true;
}

/* The range asked for must not be given back where the device is mapped in it. */
static bool does_not_give_back_its_own(void)
{
	const uint64_t asked[] = { GIB + 0x5000, 3 * GIB - 0x5000 };

	for (int i = 0; i < 2; i++) {
		SAYS(0, 2 * GIB, 2 * GIB, (int64_t)asked[i]);
		TAP_CHECK(fixed(asked[i], 4 * GIB) == asked[i], "%#" PRIx64, asked[i]);
		TAP_CHECK(kernel.mapped == 4 * GIB, "%#" PRIx64, kernel.mapped);
		TAP_CHECK(kernel.why == WHY_STUCK, "%d", kernel.why);
	}
	SAYS(0, 2 * GIB, 2 * GIB);
	TAP_CHECK(fixed(20 * GIB + 0x5000, 4 * GIB) == 2 * GIB, "not moved");
	TAP_CHECK(kernel.why == WHY_RELOCATED, "%d", kernel.why);
	return true;
}

static bool demands_what_cannot_be_given_back(void)
{
	SAYS(2, 2 * GIB, 2 * GIB, 20 * GIB + 0x5000);
	TAP_CHECK(fixed(20 * GIB + 0x5000, 4 * GIB) == 20 * GIB + 0x5000, "moved");
	TAP_CHECK(kernel.mapped == 4 * GIB, "%#" PRIx64, kernel.mapped);
	TAP_CHECK(kernel.why == WHY_STUCK, "%d", kernel.why);
	return true;
}

static bool climbs_above_a_hint(void)
{
	SAYS(0, -EEXIST, -EEXIST, 3 * GIB);
	TAP_CHECK(reserved(0x5000, 4 * GIB, 4 * GIB) == 3 * GIB, "not the third");
	TAP_CHECK(kernel.why == WHY_STEERED && kernel.mapped == 4 * GIB, "%d", kernel.why);
	SAYS(0, -EEXIST, -EPERM, GIB);
	TAP_CHECK(reserved(0x5000, 4 * GIB, 4 * GIB) == GIB, "not anywhere");
	TAP_CHECK(kernel.mmaps == 3, "%d", kernel.mmaps);
	return true;
}

static bool climbs_64_steps(void)
{
	int64_t answers[65];

	for (int i = 0; i < 64; i++)
		answers[i] = -EEXIST;
	answers[64] = GIB;
	says(answers, 65, 0);
	TAP_CHECK(reserved(0x5000, 4 * GIB, 4 * GIB) == GIB, "not anywhere");
	TAP_CHECK(kernel.mmaps == 65 && kernel.mapped == 4 * GIB, "%d", kernel.mmaps);
	return true;
}

static bool gives_back_what_it_cannot_trim(void)
{
	for (int nth = 1; nth <= 2; nth++) {
		SAYS(nth, GIB + 0x5000, 0x7000);
		TAP_CHECK(reserved(0, 4 * GIB, 4 * GIB) == 0x7000, "munmap %d", nth);
		TAP_CHECK(kernel.mapped == 4 * GIB && !kernel.reports, "munmap %d leaves %#" PRIx64,
			  nth, kernel.mapped);
	}
	return true;
}

static bool leaves_other_reservations(void)
{
	SAYS(0, 0x7000);
	TAP_CHECK(reserved(0, MIB, MIB) == 0x7000, "moved");
	TAP_CHECK(kernel.mmaps == 1 && !kernel.reports, "%d", kernel.mmaps);
	return true;
}

int main(void)
{
	tap(observes(), "with VFIOALIGN=off, the program's call is told and left as it is");
	tap(leaves_small_demands(), "a demanded range that holds no huge page is not relocated");
	tap(needs_no_span_beyond_64_bits(), "no room is looked for that 64 bits do not count");
	tap(keeps_its_own_without_room_above(),
	    "room at the top of 64 bits, with nothing congruent above, is given back");
	tap(does_not_give_back_its_own(), "a range that overlaps the better place stands as demanded");
	tap(demands_what_cannot_be_given_back(),
	    "a range that cannot be given back is mapped as demanded, and the better place undone");
	tap(climbs_above_a_hint(), "a reservation climbs above its hint while places are taken");
	tap(climbs_64_steps(), "after 64 steps it goes anywhere");
	tap(gives_back_what_it_cannot_trim(), "a reservation that cannot be trimmed is given back");
	tap(leaves_other_reservations(), "a reservation for what holds no huge page is left alone");
	return tap_end();
}
