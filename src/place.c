// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "align.h"
#include "config.h"
#include "next.h"
#include "place.h"
#include "report.h"

/* How often a place is looked for again when another thread was quicker. */
#define MAX_TRIES 8

void *place_as_asked(const struct place_call *call)
{
	return next_mmap(call->addr, call->length, call->prot, call->flags, call->fd,
			 call->offset);
}

void *place_observed(const struct place_call *call, const struct region_range *range)
{
	void *got = place_as_asked(call);

	report_mapping(call->fd, range, call->addr, got, got, got == MAP_FAILED ? WHY_FAILED : WHY_OFF);
	return got;
}

/* Before Linux 6.12.115, 6.18.54 and 7.3 most THP settings forbid huge BAR pages without it. */
static void advise(void *address, const struct region_range *range)
{
	if (align_reached(&config.sizes, (uintptr_t)address, range->offset, range->length) >
	    config.sizes.page)
		madvise(address, range->length, MADV_HUGEPAGE);
}

/* The call at @address or nowhere. */
static void *map_there(const struct place_call *call, uint64_t address)
{
	void *there = (void *)(uintptr_t)address;
	int flags = (call->flags & ~MAP_FIXED) | MAP_FIXED_NOREPLACE;
	void *got;

	/* This type knows no MAP_FIXED_NOREPLACE: LEGACY_MAP_MASK in linux/mman.h. */
	if ((flags & MAP_TYPE) == MAP_SHARED_VALIDATE)
		flags = (flags & ~MAP_TYPE) | MAP_SHARED;
	got = next_mmap(there, call->length, call->prot, flags, call->fd, call->offset);
	if (got == MAP_FAILED || got == there)
		return got;
	/* Something between us and the kernel does not know MAP_FIXED_NOREPLACE. */
	munmap(got, call->length);
	errno = EEXIST;
	return MAP_FAILED;
}

static void *map_above_hint(const struct place_call *call, const struct align_goal *goal)
{
	uint64_t address;

	/* MAP_SHARED_VALIDATE: the program's own call has to be the one that validates. */
	if ((call->flags & MAP_TYPE) != MAP_SHARED)
		return MAP_FAILED;
	if (!align_at_or_above(goal, (uintptr_t)call->addr, &address))
		return MAP_FAILED;
	return map_there(call, address);
}

/* A reservation finds room for the range with the slack that any goal can need. */
static bool find_room(const struct place_call *call, const struct region_range *range,
		      const struct align_goal *goal, uint64_t *address)
{
	size_t span;
	void *room;

	if (__builtin_add_overflow(range->length, goal->modulus, &span))
		return false;
	room = next_mmap(NULL, span, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (call->flags & MAP_32BIT),
			 -1, 0);
	return room != MAP_FAILED && !munmap(room, span) &&
	       align_at_or_above(goal, (uintptr_t)room, address);
}

static void *map_elsewhere(const struct place_call *call, const struct region_range *range,
			   const struct align_goal *goal, enum report_why *why)
{
	uint64_t address;
	void *got;

	for (int tries = 0; tries < MAX_TRIES; tries++) {
		if (!find_room(call, range, goal, &address)) {
			*why = WHY_NO_ROOM;
			return MAP_FAILED;
		}
		got = map_there(call, address);
		if (got != MAP_FAILED || errno != EEXIST) {
			*why = got != MAP_FAILED ? WHY_PLACED : WHY_REFUSED;
			return got;
		}
	}
	*why = WHY_TAKEN;
	return MAP_FAILED;
}

/* A better place than the one that the program's own call was given, or that one. */
static void *improve(const struct place_call *call, const struct region_range *range,
		     const struct align_goal *goal, void *own, enum report_why *why)
{
	void *better;

	if (align_meets(goal, (uintptr_t)own)) {
		*why = WHY_KEPT;
		return own;
	}
	better = map_elsewhere(call, range, goal, why);
	if (better == MAP_FAILED)
		return own;
	if (munmap(own, call->length)) {
		munmap(better, call->length);
		*why = WHY_STUCK;
		return own;
	}
	return better;
}

void *place_device(const struct place_call *call, const struct region_range *range)
{
	enum report_why why = WHY_SMALL;
	void *before = call->addr;
	void *got = MAP_FAILED;
	struct align_goal goal;
	bool has_goal = align_goal_for(&goal, config.mode, &config.aim, range->offset,
				       range->length);
	int err = errno;

	if (has_goal && call->addr) {
		got = map_above_hint(call, &goal);
		why = WHY_HINT;
	}
	if (got == MAP_FAILED) {
		errno = err;
		got = place_as_asked(call);
		before = got;
		if (got == MAP_FAILED) {
			report_mapping(call->fd, range, call->addr, before, got, WHY_FAILED);
			return got;
		}
		if (has_goal)
			got = improve(call, range, &goal, got, &why);
	}
	advise(got, range);
	report_mapping(call->fd, range, call->addr, before, got, why);
	errno = err;
	return got;
}

static bool overlap(const void *one, const void *other, uint64_t length)
{
	uint64_t distance = (uintptr_t)one > (uintptr_t)other ?
				    (uintptr_t)one - (uintptr_t)other :
				    (uintptr_t)other - (uintptr_t)one;

	return distance < length;
}

/*
 * What was in the range that the program asked for it gave up with MAP_FIXED. The range goes
 * back only when the device is mapped elsewhere.
 */
static void *relocate(const struct place_call *call, const struct region_range *range,
		      enum report_why *why)
{
	struct align_goal goal;
	void *got;

	/*
	 * Of MAP_SHARED_VALIDATE, as above, the program's own call has to be the one, and of the
	 * lowest addresses, which vm.mmap_min_addr may forbid.
	 */
	if (!config.relocate || call->flags & MAP_FIXED_NOREPLACE ||
	    (call->flags & MAP_TYPE) != MAP_SHARED ||
	    !align_goal_for(&goal, config.mode, &config.aim, range->offset, range->length) ||
	    align_meets(&goal, (uintptr_t)call->addr) || (uintptr_t)call->addr < goal.modulus)
		return MAP_FAILED;
	got = map_elsewhere(call, range, &goal, why);
	if (got == MAP_FAILED)
		return got;
	if (overlap(got, call->addr, range->length) || munmap(call->addr, call->length)) {
		munmap(got, call->length);
		*why = WHY_STUCK;
		return MAP_FAILED;
	}
	*why = WHY_RELOCATED;
	return got;
}

void *place_fixed(const struct place_call *call, const struct region_range *range)
{
	enum report_why why = WHY_FIXED;
	int err = errno;
	void *got = relocate(call, range, &why);

	if (got == MAP_FAILED) {
		errno = err;
		got = place_as_asked(call);
		if (got == MAP_FAILED) {
			report_mapping(call->fd, range, call->addr, got, got, WHY_FAILED);
			return got;
		}
	}
	advise(got, range);
	report_mapping(call->fd, range, call->addr, call->addr, got, why);
	errno = err;
	return got;
}

/* How many congruent addresses above a hint are tried, 1 GiB apart for a large area. */
#define MAX_STEPS 64

static void *reserve_above_hint(const struct place_call *call, const struct align_goal *goal)
{
	uint64_t address = (uintptr_t)call->addr;

	for (int steps = 0; steps < MAX_STEPS; steps++) {
		void *got;

		if (!align_at_or_above(goal, address, &address))
			return MAP_FAILED;
		got = map_there(call, address);
		if (got != MAP_FAILED || errno != EEXIST)
			return got;
		address += goal->modulus;
	}
	return MAP_FAILED;
}

/* Reserves more than was asked for and trims it, so that nobody can come in between. */
static void *reserve_anywhere(const struct place_call *call, const struct align_goal *goal)
{
	uint64_t length = align_pages(&config.sizes, call->length);
	uint64_t address, head, span;
	void *room;

	if (__builtin_add_overflow(length, goal->modulus, &span))
		return MAP_FAILED;
	room = next_mmap(call->addr, span, call->prot, call->flags, call->fd, call->offset);
	if (room == MAP_FAILED)
		return room;
	if (!align_at_or_above(goal, (uintptr_t)room, &address)) {
		munmap(room, span);
		return MAP_FAILED;
	}
	head = address - (uintptr_t)room;
	if (head && munmap(room, head)) {
		munmap(room, span);
		return MAP_FAILED;
	}
	if (munmap((void *)(uintptr_t)(address + length), span - head - length)) {
		munmap((void *)(uintptr_t)address, span - head);
		return MAP_FAILED;
	}
	return (void *)(uintptr_t)address;
}

void *place_reservation(const struct place_call *call, const struct region_fit *fit)
{
	const struct region_range *range = &fit->range;
	void *got = MAP_FAILED;
	struct align_goal goal;
	int err = errno;

	if (!align_goal_for(&goal, config.mode, &config.aim, range->offset, range->length) ||
	    !align_goal_reserved(&goal, &config.sizes, fit->slack))
		return place_as_asked(call);
	if (call->addr)
		got = reserve_above_hint(call, &goal);
	if (got == MAP_FAILED)
		got = reserve_anywhere(call, &goal);
	errno = err;
	if (got == MAP_FAILED)
		return place_as_asked(call);
	report_reservation(fit, call->addr, got, align_pages(&config.sizes, call->length));
	return got;
}
