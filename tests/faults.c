// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * faults inject|address-space|map-count CASE: makes each system call of a case fail, with each
 * error, alone and in pairs; or runs it where the system has nearly no room left. Whatever
 * happens, the program gets what it would have had without the library, and nothing else of
 * the address space changes. Prints what was injected.
 */
#undef _FILE_OFFSET_BITS
#undef _TIME_BITS
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "check.h"
#include "device.h"
#include "faults.h"

#ifndef MAP_SYNC
#define MAP_SYNC 0x80000
#endif

#define SIZE (4 * GIB)
#define RESERVATION (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
#define UNTOUCHED 12345
#define MARK 0x1d

/* Cases of more calls than these have each error only once beside each of another call. */
#define FULL_PRODUCT 9

static const int errors[] = {
	ENOMEM, EINVAL, EPERM, EAGAIN, ENODEV, ENFILE, EACCES, EEXIST,
};

enum layout {
	ANYWHERE,
	ARRANGED,	/* the system's choice is a page past a congruent address */
	ARRANGED_WELL,	/* it is congruent */
	AMONG,		/* a reservation there becomes one with its neighbours */
	HOLE,		/* MAP_FIXED a page into the only room for a better place */
	HINT,		/* a page past a congruent address, with room there */
	HINT_TAKEN,	/* the nearest congruent address is too near the next mapping */
	RESERVED,	/* MAP_FIXED into a reservation, at a congruent address */
	RESERVED_ASKEW, /* a page past one */
	FREE_ASKEW,	/* MAP_FIXED_NOREPLACE, nothing is there */
	TAKEN,		/* MAP_FIXED_NOREPLACE, something is */
};

enum file {
	NO_FILE,
	DEVICE,
	UNASKED,
	ORDINARY,
};

static const struct scenario {
	const char *name;
	enum layout layout;
	enum file file;
	int prot;
	int flags;
	size_t length;
	off_t offset;
	bool congruent; /* if nothing fails */
} scenarios[] = {
#define RW (PROT_READ | PROT_WRITE)
#define REGION MOCK_REGION(2)
	{ "place", ARRANGED, DEVICE, RW, MAP_SHARED, SIZE, REGION, true },
	{ "place-unasked", ARRANGED, UNASKED, RW, MAP_SHARED, SIZE, REGION, true },
	{ "place-validate", ARRANGED, DEVICE, PROT_READ, MAP_SHARED_VALIDATE, SIZE, REGION, true },
	{ "place-tail", ARRANGED, DEVICE, RW, MAP_SHARED, SIZE - 0x101000, REGION + 0x101000, true },
	{ "place-untidy", ARRANGED, DEVICE, RW, MAP_SHARED, SIZE - 100, REGION, true },
	{ "place-refused", ARRANGED, DEVICE, RW, MAP_SHARED, SIZE + 1, REGION, false },
	{ "place-among", AMONG, DEVICE, RW, MAP_SHARED, SIZE, REGION, true },
	{ "observed", ARRANGED, DEVICE, RW, MAP_SHARED, SIZE, REGION, false },
	{ "kept", ARRANGED_WELL, DEVICE, RW, MAP_SHARED, SIZE, REGION, true },
	{ "small", ARRANGED, DEVICE, RW, MAP_SHARED, 2 * MIB, REGION + 0x1000, false },
	{ "hint", HINT, DEVICE, RW, MAP_SHARED, SIZE, REGION, true },
	{ "hint-taken", HINT_TAKEN, DEVICE, RW, MAP_SHARED, SIZE, REGION, true },
	{ "hint-validate", HINT, DEVICE, RW, MAP_SHARED_VALIDATE, SIZE, REGION, true },
	{ "hint-unsupported", HINT, DEVICE, RW, MAP_SHARED_VALIDATE | MAP_SYNC, SIZE, REGION, false },
	{ "fixed", RESERVED, DEVICE, RW, MAP_SHARED | MAP_FIXED, SIZE, REGION, true },
	{ "fixed-askew", RESERVED_ASKEW, DEVICE, RW, MAP_SHARED | MAP_FIXED, SIZE, REGION, false },
	{ "fixed-refused", RESERVED_ASKEW, DEVICE, RW, MAP_SHARED | MAP_FIXED, SIZE + 1, REGION,
	  false },
	{ "noreplace", FREE_ASKEW, DEVICE, RW, MAP_SHARED | MAP_FIXED_NOREPLACE, SIZE, REGION,
	  false },
	{ "noreplace-taken", TAKEN, DEVICE, RW, MAP_SHARED | MAP_FIXED_NOREPLACE, SIZE, REGION,
	  false },
	{ "relocate", RESERVED_ASKEW, DEVICE, RW, MAP_SHARED | MAP_FIXED, SIZE, REGION, true },
	{ "relocate-hole", HOLE, DEVICE, RW, MAP_SHARED | MAP_FIXED, SIZE, REGION, false },
	{ "relocate-validate", RESERVED_ASKEW, DEVICE, RW, MAP_SHARED_VALIDATE | MAP_FIXED, SIZE,
	  REGION, false },
	{ "relocate-congruent", RESERVED, DEVICE, RW, MAP_SHARED | MAP_FIXED, SIZE, REGION, true },
	{ "relocate-unsupported", RESERVED_ASKEW, DEVICE, RW,
	  MAP_SHARED_VALIDATE | MAP_SYNC | MAP_FIXED, SIZE, REGION, false },
	{ "steer", ARRANGED, NO_FILE, PROT_NONE, RESERVATION, SIZE, 0, true },
	{ "steer-among", AMONG, NO_FILE, PROT_NONE, RESERVATION, SIZE, 0, true },
	{ "steer-slack", ARRANGED, NO_FILE, PROT_NONE, RESERVATION, SIZE + GIB, 0, false },
	{ "steer-hint", HINT, NO_FILE, PROT_NONE, RESERVATION, SIZE, 0, true },
	{ "steer-hint-taken", HINT_TAKEN, NO_FILE, PROT_NONE, RESERVATION, SIZE, 0, true },
	{ "memory", ANYWHERE, NO_FILE, RW, RESERVATION, SIZE, 0, false },
	{ "file", ANYWHERE, ORDINARY, RW, MAP_SHARED, 16 * MIB, 0, false },
	{ "dma", ARRANGED, DEVICE, RW, MAP_SHARED, SIZE, REGION, true },
};

static const struct scenario *scenario;
static struct faults_control *control;
static struct faults_call call;
static struct vfio_iommu_type1_dma_map dma;
static bool is_dma;
static char *reserved;
static int expected_error;

static char baseline[1 << 16];
static char now[1 << 16];
static int baseline_fd;

static char *canaries[8];
static size_t nr_canaries;

/* What was injected says more than the assertion that does not hold. */
#define HOLDS(condition, ...)                                                                      \
	do {                                                                                       \
		if (!(condition))                                                                  \
			tell();                                                                    \
		CHECK(condition, __VA_ARGS__);                                                     \
	} while (0)

static void tell(void)
{
	dprintf(STDERR_FILENO, "%s: ", scenario->name);
	for (int i = 0; i < 2; i++)
		if (control->nth[i])
			dprintf(STDERR_FILENO, "call %u failed with %s: ", control->nth[i],
				strerror(control->error[i]));
	dprintf(STDERR_FILENO, "\n");
}

/* Bare system calls: neither library nor layer nor mock shall see what the test does itself. */

static char *bare_map(void *at, size_t length, int prot, int flags)
{
	char *got = (char *)syscall(SYS_mmap, at, length, prot, flags, -1, 0);

	CHECK(got != MAP_FAILED, "%s", strerror(errno));
	return got;
}

static void bare_unmap(const void *at, size_t length)
{
	HOLDS(!syscall(SYS_munmap, at, length), "%p+%#zx: %s", at, length, strerror(errno));
}

/* A page that nobody but the test may touch. */
static void put_canary(char *at)
{
	bare_map(at, page_size(), RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE);
	memset(at, MARK + (int)nr_canaries, page_size());
	CHECK(nr_canaries < COUNT(canaries), "too many canaries");
	canaries[nr_canaries++] = at;
}

static void check_canaries(void)
{
	for (size_t i = 0; i < nr_canaries; i++)
		HOLDS(canaries[i][0] == (char)(MARK + i) &&
			      canaries[i][page_size() - 1] == (char)(MARK + i),
		      "canary at %p", (void *)canaries[i]);
}

static void read_maps(char *text, size_t size)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY);
	ssize_t length = 0, got;

	CHECK(fd >= 0, "/proc/self/maps");
	while ((got = read(fd, text + length, size - 1 - (size_t)length)) > 0)
		length += got;
	CHECK(!got && (size_t)length < size - 1, "more mappings than the test can hold");
	text[length] = '\0';
	close(fd);
}

static char *free_space(size_t length)
{
	char *got = bare_map(NULL, length + 2 * GIB, PROT_NONE, RESERVATION);

	bare_unmap(got, length + 2 * GIB);
	return (char *)(((uintptr_t)got + 2 * GIB - 1) / GIB * GIB);
}

/* The layouts. Wherever the library has business, canaries stand wall to wall with it. */

/* Room as the library will find it: the highest gap that is long enough. */
static char *find_room(size_t length)
{
	char *room = bare_map(NULL, length, PROT_NONE, RESERVATION);

	bare_unmap(room, length);
	return room;
}

/*
 * As near below it as can be: where the kernel aligns anonymous mappings to huge pages, it looks
 * for a gap that is longer by one.
 */
static char *wall_in(size_t length)
{
	char *room = find_room(length);

	for (size_t away = 0; away <= GIB; away = away ? 2 * away : 2 * MIB) {
		put_canary(room - away - page_size());
		if (find_room(length) == room)
			return room;
		bare_unmap(canaries[--nr_canaries], page_size());
	}
	CHECK(false, "room moves away from a wall");
}

/* The kernel makes one mapping of reservations side by side, to be split when one is unmapped. */
static void join(size_t length)
{
	char *room = find_room(length);

	bare_map(room + length - 2 * MIB, 2 * MIB, PROT_NONE, RESERVATION | MAP_FIXED_NOREPLACE);
	wall_in(length);
}

static void arrange(int fd, uint64_t distance)
{
	size_t length = whole_pages(call.length);
	char *own;

	if (scenario->file != NO_FILE) {
		own = device_arrange(fd, call.offset, length, distance);
		put_canary(own - page_size());
	}
	if (scenario->layout == AMONG)
		join(length + GIB);
	else
		wall_in(length + GIB);
}

static void arrange_hole(int fd)
{
	char *own = device_arrange(fd, call.offset, SIZE, 0), *room;

	put_canary(own - page_size());
	room = wall_in(SIZE + GIB);
	call.addr = room + GIB / 2 + page_size();
	if ((uintptr_t)call.addr % GIB == 0)
		call.addr = (char *)call.addr + page_size();
}

static void arrange_hint(bool taken)
{
	char *space = free_space(64 * GIB);

	call.addr = space + page_size();
	put_canary(space);
	put_canary(space + GIB + whole_pages(call.length) - (taken ? page_size() : 0));
	arrange(call.fd, page_size());
}

/* As QEMU has it: the reservation is longer than what is mapped into it. */
static void arrange_reserved(size_t distance)
{
	size_t length = whole_pages(call.length);
	char *space = free_space(64 * GIB);

	call.addr = space + GIB + distance;
	reserved = bare_map((char *)call.addr - page_size(), length + 2 * page_size(), PROT_NONE,
			    RESERVATION | MAP_FIXED_NOREPLACE);
	put_canary(reserved - page_size());
	put_canary(reserved + length + 2 * page_size());
	arrange(call.fd, page_size());
}

static void arrange_free(bool taken)
{
	char *space = free_space(64 * GIB);

	call.addr = space + page_size();
	put_canary(space);
	put_canary((char *)call.addr + call.length - (taken ? page_size() : 0));
	arrange(call.fd, page_size());
}

static void arrange_all(void)
{
	switch (scenario->layout) {
	case ANYWHERE:
		wall_in(call.length);
		break;
	case ARRANGED:
	case AMONG:
		arrange(call.fd, page_size());
		break;
	case ARRANGED_WELL:
		arrange(call.fd, 0);
		break;
	case HOLE:
		arrange_hole(call.fd);
		break;
	case HINT:
	case HINT_TAKEN:
		arrange_hint(scenario->layout == HINT_TAKEN);
		break;
	case RESERVED:
		arrange_reserved(0);
		break;
	case RESERVED_ASKEW:
		arrange_reserved(page_size());
		break;
	case FREE_ASKEW:
	case TAKEN:
		arrange_free(scenario->layout == TAKEN);
		break;
	}
}

/* The first and the last byte of what is mapped, to know it by. */
static void mark(int fd, off_t offset, size_t length)
{
	const char first = MARK, last = MARK + 1;

	CHECK(pwrite(fd, &first, 1, offset) == 1, "%s", strerror(errno));
	CHECK(pwrite(fd, &last, 1, offset + (off_t)length - 1) == 1, "%s", strerror(errno));
}

static int open_file(void)
{
	int fd;

	switch (scenario->file) {
	case DEVICE:
		return device_open_asked();
	case UNASKED:
		return device_open();
	case ORDINARY:
		fd = memfd_create("file", MFD_CLOEXEC);
		CHECK(fd >= 0 && !ftruncate(fd, (off_t)scenario->length), "%s", strerror(errno));
		return fd;
	default:
		return -1;
	}
}

static void set_up(void)
{
	/* What is not the device's is sorted out in a process that speaks VFIO, as well. */
	int other = scenario->file == UNASKED ? -1 : device_open_asked();

	call.length = scenario->length;
	call.prot = scenario->prot;
	call.flags = scenario->flags;
	call.offset = scenario->offset;
	call.fd = open_file();
	if (call.fd >= 0)
		mark(call.fd, call.offset, whole_pages(call.length));
	arrange_all();
	close(other);
}

/* One call, and what becomes of it. */

static void *plain_call(void)
{
	return control->plain(call.addr, call.length, call.prot, call.flags, call.fd, call.offset);
}

static void *make_call(void)
{
	if (is_dma)
		return ioctl(call.fd, VFIO_IOMMU_MAP_DMA, &dma) ? MAP_FAILED : NULL;
	return mmap(call.addr, call.length, call.prot, call.flags, call.fd, call.offset);
}

/* Gives back what the program got, and what could not be given back by the library's fault. */
static void clean_up(void *got)
{
	size_t length = whole_pages(call.length);
	bool replaced = reserved && (got == call.addr || control->given_up);

	if (got != MAP_FAILED && !is_dma && got != call.addr)
		bare_unmap(got, length);
	if (replaced)
		bare_map(call.addr, length, PROT_NONE, RESERVATION | MAP_FIXED);
	else if (got == call.addr)
		bare_unmap(got, length);
	for (size_t i = 0; i < control->stuck.count; i++)
		bare_unmap((void *)(uintptr_t)control->stuck.at[i].start,
			   control->stuck.at[i].end - control->stuck.at[i].start);
}

static const char *first_difference(void)
{
	static char line[256];
	size_t i = 0, start = 0;

	for (; now[i] == baseline[i]; i++)
		if (now[i] == '\n')
			start = i + 1;
	snprintf(line, sizeof(line), "%.100s instead of %.100s", now + start, baseline + start);
	return line;
}

static int next_fd(void)
{
	int fd = fcntl(STDOUT_FILENO, F_DUPFD, 0);

	close(fd);
	return fd;
}

static void check_as_before(void)
{
	check_canaries();
	HOLDS(next_fd() == baseline_fd, "a file was left open");
	read_maps(now, sizeof(now));
	HOLDS(!strcmp(now, baseline), "address space: %s", first_difference());
}

static bool find_line(const char *at, struct faults_range *range, char *access, uint64_t *offset)
{
	for (const char *line = now; line && *line; line = strchr(line, '\n') + 1)
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64, &range->start, &range->end,
			   access, offset) == 4 &&
		    range->start <= (uintptr_t)at && (uintptr_t)at < range->end)
			return true;
	return false;
}

/* The kernel's view: all of it is there, as asked for, and of the right part of the device. */
static void check_kernel(const char *got)
{
	const char wanted[] = {
		call.prot & PROT_READ ? 'r' : '-', call.prot & PROT_WRITE ? 'w' : '-', '-',
		call.flags & MAP_SHARED ? 's' : 'p', '\0',
	};
	size_t length = whole_pages(call.length);
	struct faults_range range;
	uint64_t offset;
	char access[5];

	read_maps(now, sizeof(now));
	HOLDS(find_line(got, &range, access, &offset), "nothing at %p", (const void *)got);
	HOLDS(!strcmp(access, wanted), "%s", access);
	HOLDS((uintptr_t)got + length <= range.end, "shorter than asked for");
	if (scenario->file == NO_FILE)
		return;
	HOLDS(range.start == (uintptr_t)got && range.end == (uintptr_t)got + length,
	      "%#" PRIx64 "-%#" PRIx64, range.start, range.end);
	HOLDS(offset == (uint64_t)call.offset, "offset %#" PRIx64, offset);
}

static void check_mapping(const char *got, bool all)
{
	if (all)
		check_kernel(got);
	if (scenario->file != NO_FILE)
		HOLDS(got[0] == MARK && got[whole_pages(call.length) - 1] == MARK + 1,
		      "another part of the device");
	if (call.flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) && got != call.addr)
		HOLDS(control->given_up, "not where the program demands it");
}

static void check_account(void *got, int err)
{
	HOLDS(!control->violation, "%s: %#" PRIx64 "-%#" PRIx64, control->violation,
	      control->violated.start, control->violated.end);
	HOLDS(control->own_calls <= 1, "the program's own call was made %u times",
	      control->own_calls);
	if (got != MAP_FAILED) {
		HOLDS(err == UNTOUCHED, "errno is %s", strerror(err));
		HOLDS(!control->own_error, "succeeds where the program's own call failed");
		HOLDS(!expected_error, "succeeds where it would have been refused");
		return;
	}
	HOLDS(control->own_calls == 1, "fails without the program's own call");
	HOLDS(err == control->own_error, "errno is %s", strerror(err));
	HOLDS(control->nr_fired || err == expected_error, "errno is %s", strerror(err));
	HOLDS(!control->given_up, "fails with the program's range given back");
}

static void arm(void)
{
	void *(*plain)(void *, size_t, int, int, int, off_t) = control->plain;
	struct faults_control fresh = { .plain = plain, .own = call };

	for (int i = 0; i < 2; i++) {
		fresh.nth[i] = control->nth[i];
		fresh.error[i] = control->error[i];
	}
	*control = fresh;
}

static void *observe(bool all)
{
	void *got;
	int err;

	arm();
	errno = UNTOUCHED;
	control->armed = true;
	got = make_call();
	control->armed = false;
	err = errno;
	check_account(got, err);
	if (got != MAP_FAILED && !is_dma)
		check_mapping(got, all);
	return got;
}

static void fail_none(void)
{
	memset(control->nth, 0, sizeof(control->nth));
}

static void fail(int which, unsigned int nth, int error)
{
	control->nth[which] = nth;
	control->error[which] = error;
}

/* Return: how many calls there were; how many of them were made to fail is in control. */
static unsigned int attempt(void)
{
	const unsigned int harmless = FAULTS_MADVISE | FAULTS_SYSCALL | FAULTS_IOCTL;
	void *got = observe(true);

	if (got != MAP_FAILED && scenario->congruent && !is_dma && !(control->fired & ~harmless))
		HOLDS(device_distance(got, call.offset) == 0,
		      "a better address was to be had than %p", got);
	clean_up(got);
	check_as_before();
	return control->calls;
}

static void keep_baseline(void)
{
	baseline_fd = next_fd();
	read_maps(baseline, sizeof(baseline));
}

static void clean_up_plain(void *got)
{
	memset(&control->stuck, 0, sizeof(control->stuck));
	control->given_up = false;
	clean_up(got);
}

/* What the program would have had without the library. */
static void learn_expected(void)
{
	void *got = plain_call();

	expected_error = got == MAP_FAILED ? errno : 0;
	clean_up_plain(got);
}

static void settle(void)
{
	void *got;

	fail_none();
	keep_baseline();
	learn_expected();
	check_as_before();
	got = observe(true);
	if (scenario->congruent)
		HOLDS(device_distance(got, call.offset) == 0, "%p is not congruent", got);
	clean_up(got);
	check_as_before();
}

/* The mapping that is DMA mapped stays; from then on the ioctl is the call. */
static void settle_dma(void)
{
	char *got = make_call();

	CHECK(got != MAP_FAILED, "%s", strerror(errno));
	dma.argsz = sizeof(dma);
	dma.flags = VFIO_DMA_MAP_FLAG_READ;
	dma.vaddr = (uintptr_t)got;
	dma.size = call.length;
	is_dma = true;
	keep_baseline();
}

static unsigned long singles, pairs;

/* @calls: how many there are when @first alone fails, so that these can fail as well. */
static void inject_pairs(unsigned int first, size_t error, unsigned int calls, bool full)
{
	for (unsigned int second = first + 1; second <= calls; second++)
		for (size_t other = 0; other < (full ? COUNT(errors) : 1); other++) {
			fail(0, first, errors[error]);
			fail(1, second, errors[(error + second + other) % COUNT(errors)]);
			attempt();
			pairs += control->nr_fired == 2;
		}
}

static void inject(void)
{
	unsigned int calls, left;
	bool full;

	fail_none();
	calls = attempt();
	full = calls <= FULL_PRODUCT;
	for (unsigned int first = 1; first <= calls; first++)
		for (size_t error = 0; error < COUNT(errors); error++) {
			fail_none();
			fail(0, first, errors[error]);
			left = attempt();
			if (!control->nr_fired)
				continue;
			singles++;
			inject_pairs(first, error, left, full);
		}
	CHECK(singles >= calls * (COUNT(errors) - 1), "%lu of %u calls", singles, calls);
	printf("%-20s %2u calls, %3lu failures, %5lu pairs of them%s\n", scenario->name, calls,
	       singles, pairs, full ? "" : " (not all pairs of errors)");
}

/* For real: with and without the library, where the system has little left. */

static struct rlimit no_limit;

/* Tiny mappings without end, each another than its neighbours so that they stay apart. */
static struct {
	char *start;
	char *next;
	char *end;
} filler;

static uint64_t number_in(const char *path)
{
	char digits[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0 && read(fd, digits, sizeof(digits) - 1) > 0, "%s", path);
	close(fd);
	return strtoull(digits, NULL, 10);
}

static void prepare_address_space(void)
{
	CHECK(!getrlimit(RLIMIT_AS, &no_limit), "%s", strerror(errno));
}

static void limit_address_space(unsigned int step)
{
	struct rlimit limit = no_limit;

	limit.rlim_cur = number_in("/proc/self/statm") * page_size() + step * (512 * MIB);
	limit.rlim_cur += page_size();
	CHECK(!setrlimit(RLIMIT_AS, &limit), "%s", strerror(errno));
}

static void free_address_space(void)
{
	CHECK(!setrlimit(RLIMIT_AS, &no_limit), "%s", strerror(errno));
}

static void prepare_mappings(void)
{
	uint64_t limit = number_in("/proc/sys/vm/max_map_count");
	size_t length = (limit + 1000) * page_size();

	if (limit > 1 << 18)
		SKIP("vm.max_map_count is too large to be reached in time");
	filler.start = bare_map(free_space(length), length, PROT_NONE, RESERVATION);
	filler.next = filler.start;
	filler.end = filler.start + length;
}

static void drain(size_t mappings)
{
	bare_unmap(filler.start, mappings * page_size());
	filler.start += mappings * page_size();
}

/* The last one is mmap()'s alone: the kernel lets it have one mapping more than a split. */
static void limit_mappings(unsigned int step)
{
	while (!syscall(SYS_mprotect, filler.next, filler.end - filler.next,
			(uintptr_t)filler.next / page_size() % 2 ? PROT_READ : PROT_WRITE))
		filler.next += page_size();
	CHECK(errno == ENOMEM && filler.next < filler.end, "%s", strerror(errno));
	bare_map(filler.end, page_size(), PROT_EXEC, RESERVATION | MAP_FIXED);
	filler.end += page_size();
	if (step)
		drain(step);
}

static void free_mappings(void)
{
	drain(16);
}

static const struct scarcity {
	const char *name;
	unsigned int steps;
	void (*prepare)(void);
	void (*limit)(unsigned int step);
	void (*relieve)(void);
} scarcities[] = {
	{ "address-space", 24, prepare_address_space, limit_address_space, free_address_space },
	{ "map-count", 8, prepare_mappings, limit_mappings, free_mappings },
};

static void be_without(const struct scarcity *scarcity)
{
	unsigned int refused = 0;
	void *got;

	fail_none();
	scarcity->prepare();
	for (unsigned int step = 0; step < scarcity->steps; step++) {
		scarcity->limit(step);
		got = plain_call();
		expected_error = got == MAP_FAILED ? errno : 0;
		scarcity->relieve();
		clean_up_plain(got);
		scarcity->limit(step);
		got = observe(false);
		HOLDS((got == MAP_FAILED) == !!expected_error, "step %u: %s", step,
		      strerror(expected_error));
		scarcity->relieve();
		clean_up(got);
		refused += expected_error != 0;
	}
	if (filler.start)
		bare_unmap(filler.start, (size_t)(filler.end - filler.start));
	check_as_before();
	printf("%-20s %s: %u limits, of which %u are too tight for the program itself\n",
	       scenario->name, scarcity->name, scarcity->steps, refused);
}

static void run(const char *what)
{
	settle();
	if (!strcmp(scenario->name, "dma"))
		settle_dma();
	if (!strcmp(what, "inject")) {
		inject();
		return;
	}
	for (size_t i = 0; i < COUNT(scarcities); i++)
		if (!strcmp(what, scarcities[i].name)) {
			be_without(&scarcities[i]);
			return;
		}
	CHECK(false, "cannot %s", what);
}

int main(int argc, char **argv)
{
	CHECK(argc == 3, "usage: faults inject|address-space|map-count CASE");
	control = dlsym(RTLD_DEFAULT, FAULTS_SYMBOL);
	CHECK(control && control->plain, "preload the library, libfaults.so and libmockvfio.so");
	for (size_t i = 0; i < COUNT(scenarios); i++)
		if (!strcmp(scenarios[i].name, argv[2]))
			scenario = &scenarios[i];
	CHECK(scenario, "no such case: %s", argv[2]);
	set_up();
	run(argv[1]);
	return 0;
}
