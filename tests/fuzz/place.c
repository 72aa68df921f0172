// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Moves in the address space over a model of the kernel that puts mappings where it likes, fails
 * when it likes, and lets another thread map in between. The program gets what it would have had,
 * nothing that is not the library's is unmapped, and nothing is left over.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>

#include "../../src/config.h"
#include "../../src/next.h"
#include "../../src/place.h"
#include "../../src/report.h"
#include "fuzz.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)
#define PAGE 4096ULL
#define LOWEST 0x10000ULL
#define TOP (1ULL << 47)
#define MOST_MAPPINGS 64
#define MOST_CALLS 400
#define DEVICE_FD 5

enum owner {
	FOREIGN,	/* was there, or is another thread's */
	OURS,
};

/* Addresses from @start to before @end, of the file from @offset on if @fd is one. */
struct mapping {
	uint64_t start;
	uint64_t end;
	enum owner owner;
	int fd;
	uint64_t offset;
};

static struct model {
	struct fuzz_input input;
	struct mapping mappings[MOST_MAPPINGS];
	unsigned int count;
	struct place_call call;
	unsigned int calls;
	bool trouble;		/* something has failed, or another thread was there */
	bool stuck;		/* a munmap() has failed */
	bool own_made;
	int own_errno;
} model;

struct config config = {
	.act = true,
	.sizes = { .page = PAGE, .huge = { GIB, 2 * MIB } },
	.aim = { .page = PAGE, .huge = { GIB, 2 * MIB } },
};

void report_mapping(int fd, const struct region_range *range, const void *asked,
		    const void *before, const void *after, enum report_why why)
{
	FUZZ_CHECK(fd == DEVICE_FD, "fd %d", fd);
	FUZZ_CHECK((after == MAP_FAILED) == (why == WHY_FAILED), "why is %d", (int)why);
	(void)range, (void)asked, (void)before;
}

void report_reservation(const struct region_fit *fit, const void *asked, const void *address,
			uint64_t length)
{
	FUZZ_CHECK(address != MAP_FAILED && length >= fit->range.length, "%#llx",
		   (unsigned long long)length);
	(void)asked;
}

static bool is_free(uint64_t start, uint64_t end)
{
	if (start < LOWEST || end > TOP || end <= start)
		return false;
	for (unsigned int i = 0; i < model.count; i++)
		if (start < model.mappings[i].end && model.mappings[i].start < end)
			return false;
	return true;
}

static void add(uint64_t start, uint64_t end, enum owner owner, int fd, uint64_t offset)
{
	FUZZ_CHECK(model.count < MOST_MAPPINGS, "too many");
	model.mappings[model.count++] = (struct mapping){ start, end, owner, fd, offset };
}

static void cut(uint64_t start, uint64_t end)
{
	for (unsigned int i = 0; i < model.count;) {
		struct mapping old = model.mappings[i];

		if (start >= old.end || old.start >= end) {
			i++;
			continue;
		}
		model.mappings[i] = model.mappings[--model.count];
		if (old.start < start)
			add(old.start, start, old.owner, old.fd, old.offset);
		if (old.end > end)
			add(end, old.end, old.owner, old.fd, old.offset + (end - old.start));
	}
}

static uint64_t whole_pages(uint64_t number)
{
	return number & ~(PAGE - 1);
}

/* Where the system puts a mapping: below the top or a mapping, or where the input says. */
static uint64_t choose(uint64_t length)
{
	uint64_t address = whole_pages(fuzz_number(&model.input));

	if (length > TOP - LOWEST)
		return 0;
	if (is_free(address, address + length))
		return address;
	address = TOP - PAGE - length;
	for (unsigned int tries = 0; tries <= model.count; tries++) {
		uint64_t lowest = UINT64_MAX;

		if (is_free(address, address + length))
			return address;
		for (unsigned int i = 0; i < model.count; i++)
			if (model.mappings[i].start < lowest && model.mappings[i].end > address &&
			    model.mappings[i].start < address + length)
				lowest = model.mappings[i].start;
		if (lowest == UINT64_MAX || lowest < length + LOWEST)
			return 0;
		address = lowest - length;
	}
	return 0;
}

/* Another thread maps something, perhaps just where the library would like to. */
static void interfere(uint64_t address, uint64_t length)
{
	uint8_t what = fuzz_byte(&model.input);
	uint64_t start = whole_pages(fuzz_number(&model.input));

	if (what < 0xe0)
		return;
	model.trouble = true;
	if (what & 1)
		start = whole_pages(address + (what & 2 ? length - PAGE : 0));
	if (is_free(start, start + PAGE) && model.count < MOST_MAPPINGS / 2)
		add(start, start + PAGE, FOREIGN, -1, 0);
}

/* An errno, or 0. */
static int fails(void)
{
	static const int errors[] = { ENOMEM, EINVAL, EAGAIN, EPERM, ENODEV, EEXIST };
	uint8_t what = fuzz_byte(&model.input);

	FUZZ_CHECK(++model.calls < MOST_CALLS, "it does not end");
	if (what < 0xe0)
		return 0;
	model.trouble = true;
	return errors[what % 6];
}

/* Sets *address to where a mapping comes up; or returns an errno. */
static int find_place(uint64_t *address, uint64_t length, int flags)
{
	if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))) {
		*address = whole_pages(*address);
		if (!is_free(*address, *address + length))
			*address = choose(length);
		return *address ? 0 : ENOMEM;
	}
	if (*address & (PAGE - 1))
		return EINVAL;
	if (length > TOP || *address > TOP - length || *address < LOWEST)
		return ENOMEM;
	if (flags & MAP_FIXED_NOREPLACE)
		return is_free(*address, *address + length) ? 0 : EEXIST;
	cut(*address, *address + length);
	return 0;
}

static void *model_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
	const struct place_call *own = &model.call;
	bool is_own = addr == own->addr && length == own->length && prot == own->prot &&
		      flags == own->flags && fd == own->fd && offset == own->offset;
	uint64_t pages = align_pages(&config.sizes, length), address = (uintptr_t)addr;
	int error = pages ? fails() : ENOMEM;

	FUZZ_CHECK(is_own || !(flags & MAP_FIXED), "it adds a MAP_FIXED");
	FUZZ_CHECK(fd == own->fd || (fd == -1 && prot == PROT_NONE), "fd %d", fd);
	interfere(address, pages);
	if (!error)
		error = find_place(&address, pages, flags);
	if (is_own) {
		model.own_made = true;
		model.own_errno = error;
	}
	if (error) {
		errno = error;
		return MAP_FAILED;
	}
	add(address, address + pages, OURS, fd, (uint64_t)offset);
	return (void *)(uintptr_t)address;
}

void *(*next_mmap)(void *, size_t, int, int, int, off_t) = model_mmap;

/* The program's own MAP_FIXED gives up what is there. */
static bool is_given_up(uint64_t start, uint64_t end)
{
	uint64_t asked = (uintptr_t)model.call.addr;

	return model.call.flags & MAP_FIXED && start >= asked &&
	       end <= asked + align_pages(&config.sizes, model.call.length);
}

/* place.c is compiled to call these. */
int fuzz_munmap(void *addr, size_t length);
int fuzz_madvise(void *addr, size_t length, int advice);

int fuzz_munmap(void *addr, size_t length)
{
	uint64_t start = (uintptr_t)addr, end = start + align_pages(&config.sizes, length);
	int error = fails();

	model.stuck |= error != 0;
	if (start & (PAGE - 1) || end <= start)
		error = EINVAL;
	if (error) {
		errno = error;
		return -1;
	}
	for (unsigned int i = 0; i < model.count; i++) {
		const struct mapping *old = &model.mappings[i];

		FUZZ_CHECK(old->owner == OURS || start >= old->end || old->start >= end ||
			   is_given_up(start > old->start ? start : old->start,
				       end < old->end ? end : old->end),
			   "munmap() of what is another's, %#llx to %#llx",
			   (unsigned long long)old->start, (unsigned long long)old->end);
	}
	cut(start, end);
	interfere(start, end - start);
	return 0;
}

int fuzz_madvise(void *addr, size_t length, int advice)
{
	uint64_t start = (uintptr_t)addr;

	FUZZ_CHECK(advice == MADV_HUGEPAGE, "%d", advice);
	FUZZ_CHECK(!(start & (PAGE - 1)) && start + length > start, "%#llx",
		   (unsigned long long)start);
	for (unsigned int i = 0; i < model.count; i++)
		FUZZ_CHECK(model.mappings[i].owner == OURS || start >= model.mappings[i].end ||
			   model.mappings[i].start >= start + length, "advice for another's");
	return 0;
}

/* All that is the library's is what the program got. */
static void check_result(const void *got)
{
	uint64_t start = (uintptr_t)got, length = align_pages(&config.sizes, model.call.length);
	uint64_t mapped = 0, found = 0;

	if (got == MAP_FAILED) {
		FUZZ_CHECK(model.own_made && model.own_errno, "the program's own call did not fail");
		FUZZ_CHECK(errno == model.own_errno, "errno %d, not %d", errno, model.own_errno);
	} else {
		FUZZ_CHECK(errno == 12345, "errno is %d", errno);
	}
	for (unsigned int i = 0; i < model.count; i++) {
		const struct mapping *mapping = &model.mappings[i];

		if (mapping->owner != OURS)
			continue;
		mapped += mapping->end - mapping->start;
		if (got == MAP_FAILED || mapping->start >= start + length || mapping->end <= start)
			continue;
		found += mapping->end - mapping->start;
		FUZZ_CHECK(mapping->fd == model.call.fd, "fd %d", mapping->fd);
		FUZZ_CHECK(mapping->fd < 0 ||
			   mapping->offset == (uint64_t)model.call.offset + (mapping->start - start),
			   "offset %#llx", (unsigned long long)mapping->offset);
	}
	if (got != MAP_FAILED)
		FUZZ_CHECK(found == length, "%#llx of %#llx", (unsigned long long)found,
			   (unsigned long long)length);
	if (!model.stuck)
		FUZZ_CHECK(mapped == found, "%#llx are left over", (unsigned long long)(mapped - found));
}

/* Where nothing stood in the way, the address is a good one. */
static void check_address(const void *got, const struct region_range *range, uint64_t slack,
			  bool reservation)
{
	uint64_t address = (uintptr_t)got, span;
	struct align_goal goal;

	if (got == MAP_FAILED || model.trouble || model.count > 1 ||
	    !align_goal_for(&goal, config.mode, &config.sizes, range->offset, range->length) ||
	    (reservation && !align_goal_reserved(&goal, &config.sizes, slack)) ||
	    __builtin_add_overflow(align_pages(&config.sizes, model.call.length), goal.modulus, &span) ||
	    span > TOP / 4)
		return;
	FUZZ_CHECK(align_meets(&goal, address), "%#llx", (unsigned long long)address);
}

static void begin(struct fuzz_input *input, uint8_t what)
{
	model = (struct model){ .input = *input };
	config.mode = (enum align_mode)((what >> 2) % 3);
	config.relocate = what & 0x10;
	for (int i = 0; i < (what >> 5); i++) {
		uint64_t start = whole_pages(fuzz_number(&model.input));
		uint64_t end = start + whole_pages(fuzz_number(&model.input));

		if (is_free(start, end))
			add(start, end, FOREIGN, -1, 0);
	}
}

static void map_device(uint8_t what)
{
	static const int how[] = { 0, MAP_FIXED, MAP_FIXED_NOREPLACE, 0x40 };
	struct fuzz_input *input = &model.input;
	uint8_t type = fuzz_byte(input);
	struct region_range range;
	void *got;

	range.index = 2;
	range.offset = whole_pages(fuzz_number(input));
	model.call.length = fuzz_number(input);
	range.length = align_pages(&config.sizes, model.call.length);
	model.call.addr = (void *)(uintptr_t)fuzz_number(input);
	model.call.prot = PROT_READ;
	model.call.flags = (type & 0x80 ? MAP_SHARED_VALIDATE : MAP_SHARED) | how[type & 3];
	model.call.fd = DEVICE_FD;
	model.call.offset = (off_t)((2ULL << 40) + range.offset);
	errno = 12345;
	if (model.call.flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		got = place_fixed(&model.call, &range);
	else
		got = place_device(&model.call, &range);
	check_result(got);
	if (!(type & 3) && !model.call.addr)
		check_address(got, &range, 0, false);
	(void)what;
}

static void reserve(void)
{
	struct fuzz_input *input = &model.input;
	struct region_fit fit = { .fd = DEVICE_FD };
	uint8_t slack = fuzz_byte(input);
	void *got;

	fit.range.index = 2;
	fit.range.offset = whole_pages(fuzz_number(input));
	fit.range.length = whole_pages(fuzz_number(input));
	fit.slack = slack & 0x80 ? 0 : PAGE << (slack % 19);
	if (__builtin_add_overflow(fit.range.length, fit.slack, &model.call.length) ||
	    !align_huge_page(&config.sizes, fit.range.offset, fit.range.length))
		return;
	model.call.addr = (void *)(uintptr_t)fuzz_number(input);
	model.call.flags = MAP_PRIVATE | MAP_ANONYMOUS;
	model.call.fd = -1;
	errno = 12345;
	got = place_reservation(&model.call, &fit);
	check_result(got);
	if (!model.call.addr)
		check_address(got, &fit.range, fit.slack, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	uint8_t what = fuzz_byte(&input);

	begin(&input, what);
	if (what & 1)
		reserve();
	else
		map_device(what);
	return 0;
}
