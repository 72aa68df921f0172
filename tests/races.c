// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * races ROUNDS: threads that map and unmap a device, memory and reservations against each other,
 * fork, start programs, have signals whose handlers map, and take the numbers of files that
 * others have closed. A file says at each place that is looked at which file it is and which
 * place, memory what its owner wrote: nobody may find anything else.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"
#include "device.h"
#include "maps.h"

#define THREADS 6
#define HELD 4 /* mappings that a thread keeps for a while */
#define PLACES 3 /* that are looked at in a mapping */
#define STEP ((size_t)64 << 10) /* a multiple of every page size */
#define RESERVATION (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
#define SENT_FD 500

/* One of RARELY rounds forks, and one of as many forks starts a program. */
#define RARELY 50

/* What runtimes of sanitizers map for themselves is not looked at. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif

static const struct range {
	unsigned int index;
	size_t offset;
	size_t length;
} ranges[] = {
	{ 0, 0, 16 * MIB },
	{ 0, 7 * MIB + STEP, 9 * MIB - STEP },
	{ 0, 3 * STEP, 8 * STEP }, /* holds no huge page */
	{ 2, 0, 4 * GIB },
	{ 2, MIB + STEP, 4 * GIB - MIB - STEP },
	{ 2, 5 * STEP, 64 * MIB },
	{ 4, 40 * GIB + STEP, 3 * GIB },
};

/* A file, which anyone may map, and the name that it goes by in its contents. */
struct file {
	int fd;
	uint64_t name;
};

static struct file device, other_device, plain;

/* Numbers that stand for one of the three or for none, and change while they are used. */
static const int contested[] = { 400, 401, 402 };

struct held {
	char *start;
	size_t length;
	uint64_t words[PLACES];
};

static struct self {
	pthread_t thread;
	uint64_t id;
	uint64_t random;
	struct file own;
	uint64_t opened;
	struct held held[HELD];
} selves[THREADS];

static __thread struct self *self;

static long rounds_each;
static posix_spawn_file_actions_t spawn_actions; /* made once: memory of a thread's would stay */
static pthread_barrier_t barrier;
static uint64_t placed, misplaced, signals, children, programs;

static void count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static uint64_t next_random(uint64_t limit)
{
	uint64_t *state = &self->random;

	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (*state >> 11) % limit;
}

static const struct range *any_range(void)
{
	return &ranges[next_random(COUNT(ranges))];
}

static off_t file_offset(const struct range *range)
{
	return MOCK_REGION(range->index) + (off_t)range->offset;
}

static size_t place(size_t length, int i)
{
	return (size_t)i * ((length - STEP) / (PLACES - 1) / STEP) * STEP;
}

static uint64_t word_of(uint64_t name, off_t offset)
{
	uint64_t word = (name << 44) ^ (uint64_t)offset;

	word *= 0x9E3779B97F4A7C15;
	return word ^ (word >> 29);
}

static uint64_t read_word(const char *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
	return word;
}

static void write_names(const struct file *file)
{
	for (const struct range *range = ranges; range < ranges + COUNT(ranges); range++)
		for (int i = 0; i < PLACES; i++) {
			off_t offset = file_offset(range) + (off_t)place(range->length, i);
			uint64_t word = word_of(file->name, offset);

			CHECK_EQUAL(pwrite(file->fd, &word, sizeof(word), offset), sizeof(word));
		}
}

static void open_device(struct file *file, uint64_t name)
{
	file->fd = device_open_asked();
	file->name = name;
	write_names(file);
}

static void open_plain(struct file *file, uint64_t name)
{
	file->fd = memfd_create("vfio-plain", MFD_CLOEXEC);
	file->name = name;
	CHECK(file->fd >= 0 && !ftruncate(file->fd, MOCK_REGION(VFIO_PCI_NUM_REGIONS)), "%s",
	      strerror(errno));
	write_names(file);
}

static bool is_of(const char *start, const struct range *range, const struct file *file)
{
	for (int i = 0; i < PLACES; i++) {
		size_t at = place(range->length, i);

		if (read_word(start + at) != word_of(file->name, file_offset(range) + (off_t)at))
			return false;
	}
	return true;
}

/* Through the mapping into the file and back. Each thread, handler and child has its own word. */
static void use(char *start, const struct range *range, const struct file *file, uint64_t who)
{
	CHECK(is_of(start, range, file), "foreign or lost bytes at %p", (void *)start);
	for (int i = 0; i < PLACES; i++) {
		size_t at = place(range->length, i) + 8 * (1 + who);
		off_t offset = file_offset(range) + (off_t)at;
		uint64_t token = word_of(who, (off_t)next_random(1ULL << 40)), word = 0;

		memcpy(start + at, &token, sizeof(token));
		CHECK_EQUAL(pread(file->fd, &word, sizeof(word), offset), sizeof(word));
		CHECK_EQUAL(word, token);
		word = ~token;
		CHECK_EQUAL(pwrite(file->fd, &word, sizeof(word), offset), sizeof(word));
		CHECK_EQUAL(read_word(start + at), ~token);
	}
}

static void unmap(char *start, size_t length)
{
	if (length)
		CHECK(!munmap(start, length), "%s", strerror(errno));
}

static void drop(struct held *held)
{
	if (!held->start)
		return;
	for (int i = 0; i < PLACES; i++)
		CHECK_EQUAL(read_word(held->start + place(held->length, i)), held->words[i]);
	unmap(held->start, held->length);
	held->start = NULL;
}

/* Keeps a mapping, in the place of an older one. */
static void hold(char *start, size_t length)
{
	struct held *held = &self->held[next_random(HELD)];

	drop(held);
	held->length = length;
	for (int i = 0; i < PLACES; i++)
		held->words[i] = read_word(start + place(length, i));
	held->start = start;
}

static char *map_range(void *hint, const struct range *range, int flags, const struct file *file)
{
	char *got = mmap(hint, range->length, PROT_READ | PROT_WRITE, MAP_SHARED | flags, file->fd,
			 file_offset(range));

	CHECK(got != MAP_FAILED, "%s", strerror(errno));
	return got;
}

/* In a race that was lost often enough the first place is kept: that is seldom. */
static void count_place(const char *got, const struct range *range)
{
	uint64_t huge = device_huge_page(file_offset(range), range->length);

	if (huge)
		count(device_distance(got, file_offset(range)) % huge ? &misplaced : &placed);
}

static const struct file *some_device(void)
{
	return next_random(2) ? &self->own : &device;
}

/* The address for DMA is that in the file, so that a report can be compared with it. */
static void map_dma(const char *start, const struct range *range)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)start,
		.iova = (uint64_t)file_offset(range),
		.size = range->length,
	};

	CHECK(!ioctl(plain.fd, VFIO_IOMMU_MAP_DMA, &map), "%s", strerror(errno));
}

static void map_device(void)
{
	const struct range *range = any_range();
	const struct file *file = some_device();
	/* Where something may be or have been. */
	char *hint = next_random(4) ? NULL : self->held[next_random(HELD)].start;
	char *got = map_range(hint, range, 0, file);

	count_place(got, range);
	use(got, range, file, self->id);
	map_dma(got, range);
	hold(got, range->length);
}

static void map_memory(void)
{
	size_t length = STEP * (PLACES + next_random(next_random(2) ? 64 : GIB / STEP));
	char *got = mmap(NULL, length, PROT_READ | PROT_WRITE, RESERVATION, -1, 0);

	CHECK(got != MAP_FAILED, "%s", strerror(errno));
	for (int i = 0; i < PLACES; i++) {
		uint64_t word = word_of(self->id, (off_t)next_random(1ULL << 40));

		memcpy(got + place(length, i), &word, sizeof(word));
	}
	hold(got, length);
}

/* As QEMU, VPP and DPDK do, and with room that says nothing to the library. */
static void reserve(void)
{
	const size_t slacks[] = { 0, 2 * page_size(), 2 * MIB, GIB, 5 * STEP };
	const size_t slack = slacks[next_random(COUNT(slacks))];
	const struct range *range = any_range();
	const struct file *file = some_device();
	const size_t span = range->length + slack;
	char *room = mmap(NULL, span, PROT_NONE, RESERVATION, -1, 0), *want = room, *got;

	CHECK(room != MAP_FAILED, "%s", strerror(errno));
	if (slack == 2 * MIB || slack == GIB)
		want = (char *)(((uintptr_t)room + slack - 1) / slack * slack);
	else if (slack)
		want += page_size();
	got = map_range(want, range, MAP_FIXED, file);
	use(got, range, file, self->id);
	/* If the device is elsewhere, the range asked for is no longer ours. */
	unmap(room, (size_t)(want - room));
	unmap(want + range->length, (size_t)(room + span - want) - range->length);
	hold(got, range->length);
}

/* Which file it is that is mapped, that depends; but it is one of them, and wholly. */
static void map_contested(void)
{
	const struct range *range = any_range();
	char *got = mmap(NULL, range->length, PROT_READ | PROT_WRITE, MAP_SHARED,
			 contested[next_random(COUNT(contested))], file_offset(range));

	if (got == MAP_FAILED) {
		CHECK_EQUAL(errno, EBADF);
		return;
	}
	CHECK(is_of(got, range, &device) || is_of(got, range, &other_device) ||
		      is_of(got, range, &plain),
	      "bytes of no file at %p", (void *)got);
	unmap(got, range->length);
}

/* Bare system calls: that nothing orders them is the point, and no finding of ThreadSanitizer's. */
static void contest(void)
{
	const struct file *files[] = { &device, &other_device, &plain };
	int fd = contested[next_random(COUNT(contested))];

	if (next_random(4))
		CHECK_EQUAL(syscall(SYS_dup3, files[next_random(COUNT(files))]->fd, fd, O_CLOEXEC),
			    fd);
	else
		syscall(SYS_close, fd);
}

/* Other threads' files are soon opened under the number that was the device's. */
static void reopen(void)
{
	const uint64_t name = 16 + self->id + THREADS * ++self->opened;
	const struct range *range = any_range();
	struct file file;
	int ends[2];
	char *got;

	CHECK(!close(self->own.fd), "%s", strerror(errno));
	CHECK(!pipe2(ends, O_CLOEXEC), "%s", strerror(errno));
	open_plain(&file, name);
	got = map_range(NULL, range, 0, &file);
	use(got, range, &file, self->id);
	open_device(&self->own, name);
	CHECK(!close(ends[0]) && !close(ends[1]) && !close(file.fd), "%s", strerror(errno));
	hold(got, range->length);
}

static pid_t parent;

/* ThreadSanitizer puts signals off, over a fork() too: the child would have the parent's, and its words. */
static void map_in_handler(int number)
{
	const struct range *range = any_range();
	int err = errno;
	char *got;

	(void)number;
	if (getpid() != parent)
		return;
	got = map_range(NULL, range, 0, &device);
	use(got, range, &device, THREADS + self->id);
	unmap(got, range->length);
	count(&signals);
	errno = err;
}

static void interrupt(void)
{
	pthread_kill(selves[next_random(THREADS)].thread, SIGUSR1);
}

static void wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) != pid)
		CHECK_EQUAL(errno, EINTR);
	CHECK(status == 0, "the child's status is %#x", status);
}

/* Mappings and memory of the parent's are there, and new ones can be had. */
static void fork_child(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0, "%s", strerror(errno));
	if (!pid) {
		const struct range *range = any_range();
		char *got = map_range(NULL, range, 0, &device);

		use(got, range, &device, 2 * THREADS + self->id);
		for (int i = 0; i < HELD; i++)
			drop(&self->held[i]);
		_exit(0);
	}
	wait_for(pid);
	count(&children);
}

static void start_program(void)
{
	static char name[] = "races", word[] = "program";
	char *const args[] = { name, word, NULL };
	pid_t pid;

	CHECK_EQUAL(posix_spawn(&pid, "/proc/self/exe", &spawn_actions, NULL, args, environ), 0);
	wait_for(pid);
	count(&programs);
}

/* The program that is started: it finds the device at SENT_FD. */
static int program(void)
{
	const struct file sent = { .fd = SENT_FD, .name = 1 };

	for (const struct range *range = ranges; range < ranges + COUNT(ranges); range++) {
		char *got;

		device_ask(SENT_FD);
		got = map_range(NULL, range, 0, &sent);
		count_place(got, range);
		CHECK(is_of(got, range, &sent), "bytes of another file at %p", (void *)got);
	}
	CHECK_EQUAL(misplaced, 0);
	return 0;
}

static void play_round(void)
{
	static void (*const often[])(void) = {
		map_device, map_device, map_device, map_memory,    map_memory, reserve,
		reserve,    interrupt,	contest,    map_contested, reopen,
	};

	if (next_random(RARELY))
		often[next_random(COUNT(often))]();
	else if (next_random(RARELY))
		fork_child();
	else
		start_program();
}

static void start_thread(struct self *mine)
{
	self = mine;
	open_device(&self->own, 16 + self->id);
}

static void *race(void *arg)
{
	sigset_t usr1;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	start_thread(arg);
	pthread_barrier_wait(&barrier);
	/* Now what is mapped is looked at. */
	pthread_barrier_wait(&barrier);
	pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
	for (long round = 0; round < rounds_each; round++)
		play_round();
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	for (int i = 0; i < HELD; i++)
		drop(&self->held[i]);
	pthread_barrier_wait(&barrier);
	/* And again. */
	pthread_barrier_wait(&barrier);
	return NULL;
}

static bool is_of_ours(const struct mapping *mapping)
{
	return strstr(mapping->name, MOCK_DEVICE_NAME) || strstr(mapping->name, "vfio-plain");
}

static void check_nothing_is_left(const struct maps *before)
{
	static struct maps now;

	maps_read(&now);
	for (size_t i = 0; i < now.count; i++)
		CHECK(!is_of_ours(&now.at[i]), "left behind: %#" PRIx64 "-%#" PRIx64 " %s",
		      now.at[i].start, now.at[i].end, now.at[i].name);
#ifndef SANITIZED
	maps_check_unchanged(before);
#else
	(void)before;
#endif
}

static void start_threads(void)
{
	CHECK(!pthread_barrier_init(&barrier, NULL, THREADS + 1), "no barrier");
	for (uint64_t id = 0; id < THREADS; id++) {
		selves[id].id = id;
		selves[id].random = 0x9E3779B97F4A7C15 * (id + 1);
		CHECK(!pthread_create(&selves[id].thread, NULL, race, &selves[id]), "no thread");
	}
}

static void race_all(void)
{
	static struct maps before;

	start_threads();
	pthread_barrier_wait(&barrier);
	maps_read(&before);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	check_nothing_is_left(&before);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(selves[i].thread, NULL), "no thread");
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = map_in_handler, .sa_flags = SA_RESTART };
	sigset_t usr1;

	CHECK(argc > 1, "usage: races ROUNDS");
	if (!strcmp(argv[1], "program"))
		return program();
	rounds_each = atol(argv[1]) / THREADS;
	maps_open();
	device_huge_page(0, 2 * MIB); /* finds out the sizes, for all threads */
	open_device(&device, 1);
	open_device(&other_device, 2);
	open_plain(&plain, 3);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	CHECK(!posix_spawn_file_actions_init(&spawn_actions) &&
		      !posix_spawn_file_actions_adddup2(&spawn_actions, device.fd, SENT_FD),
	      "no memory");
	parent = getpid();
	CHECK(!sigaction(SIGUSR1, &action, NULL), "%s", strerror(errno));
	CHECK(!pthread_sigmask(SIG_BLOCK, &usr1, NULL), "no mask");
	race_all();
	printf("%ld rounds, %" PRIu64 " placed, %" PRIu64 " not, %" PRIu64 " signals, %" PRIu64
	       " children, %" PRIu64 " programs\n",
	       rounds_each * THREADS, placed, misplaced, signals, children, programs);
	return 0;
}
