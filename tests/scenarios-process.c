// SPDX-License-Identifier: LGPL-2.1-or-later
/* Processes, threads, signals and chroots. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "check.h"
#include "device.h"
#include "maps.h"
#include "scenarios.h"

static int device;

static void map_region_2(void)
{
	char *got = map_checked(NULL, SIZE, MAP_SHARED, device, MOCK_REGION(2));

	check_congruent(got, MOCK_REGION(2), SIZE);
	check_unmaps(got, SIZE);
}

/* Parent and child both map, before and after; what the parent has the child can use. */
static void forks(char **args)
{
	int status;
	char *mine;
	pid_t pid;

	device = device_open_asked();
	mine = map_checked(NULL, SIZE, MAP_SHARED, device, MOCK_REGION(2));
	pid = fork();
	CHECK(pid >= 0, "%s", strerror(errno));
	if (!pid) {
		maps_open();
		mine[SIZE - 1] = 'c';
		map_region_2();
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "the child's status is %#x", status);
	CHECK_EQUAL(mine[SIZE - 1], 'c');
	map_region_2();
}

/* Threads that map the device, among others that want the same holes. */

#define DEVICE_THREADS 4
#define OTHER_THREADS 2
#define ROUNDS 250

static pthread_barrier_t barrier;

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A word of its own for each thread at both ends of the range, compared through the file. */
static void use(char *got, size_t length, off_t offset, uint64_t id, uint64_t token)
{
	const size_t ends[] = { id * 8, length - page_size() + id * 8 };

	for (size_t i = 0; i < COUNT(ends); i++) {
		uint64_t word = 0;

		memcpy(got + ends[i], &token, sizeof(token));
		CHECK_EQUAL(pread(device, &word, sizeof(word), offset + (off_t)ends[i]), 8);
		CHECK_EQUAL(word, token);
	}
}

static void map_a_range(uint64_t id, uint64_t *random)
{
	const unsigned int indices[] = { 2, 4, 5 };
	const size_t limit = next_random(random) % 2 ? SIZE : 64 * MIB;
	const off_t offset = MOCK_REGION(indices[next_random(random) % 3]) +
			     (off_t)(next_random(random) % 8 * page_size());
	const size_t length =
		page_size() + next_random(random) % (limit / 2) / page_size() * page_size();
	char *got = map(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, device, offset);

	CHECK(got != MAP_FAILED, "%s", strerror(errno));
	use(got, length, offset, id, next_random(random));
	check_unmaps(got, length);
}

static void map_memory(uint64_t *random)
{
	const size_t length = page_size() + next_random(random) % GIB / page_size() * page_size();
	const uint64_t token = next_random(random);
	uint64_t *got = mmap(NULL, length, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t *end = got + length / sizeof(*got) - 1;

	CHECK(got != MAP_FAILED, "%s", strerror(errno));
	*got = *end = token;
	sched_yield();
	CHECK_EQUAL(*got, token);
	CHECK_EQUAL(*end, token);
	check_unmaps(got, length);
}

static void *hammer(void *arg)
{
	const uint64_t id = (uint64_t)(uintptr_t)arg;
	uint64_t random = 0x9E3779B97F4A7C15 * (id + 1);

	pthread_barrier_wait(&barrier);
	for (int round = 0; round < ROUNDS; round++)
		if (id < DEVICE_THREADS)
			map_a_range(id, &random);
		else
			map_memory(&random);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void threads(char **args)
{
	pthread_t all[DEVICE_THREADS + OTHER_THREADS];
	static struct maps before;

	device = device_open_asked();
	pthread_barrier_init(&barrier, NULL, COUNT(all) + 1);
	for (uintptr_t i = 0; i < COUNT(all); i++)
		CHECK(!pthread_create(&all[i], NULL, hammer, (void *)i), "no thread");
	maps_read(&before);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	maps_check_unchanged(&before);
	pthread_barrier_wait(&barrier);
	for (size_t i = 0; i < COUNT(all); i++)
		pthread_join(all[i], NULL);
}

/* A handler that maps, at whatever point of a mapping it interrupts. */

#define SIGNALS 300

static volatile sig_atomic_t signals;

static void map_in_handler(int number)
{
	const off_t offset = MOCK_REGION(4) + (off_t)(MIB + page_size());
	int err = errno;
	char *got;

	(void)number;
	errno = 99;
	got = map(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, device, offset);
	CHECK(got != MAP_FAILED, "%s", strerror(errno));
	CHECK_EQUAL(errno, 99);
	check_congruent(got, offset, SIZE);
	*got = 's';
	check_unmaps(got, SIZE);
	signals++;
	errno = err;
}

static void in_a_handler(char **args)
{
	const struct itimerval often = { { 0, 150 }, { 0, 150 } }, never = { 0 };
	struct sigaction action = { .sa_handler = map_in_handler, .sa_flags = SA_RESTART };
	static struct maps before;

	device = device_open_asked();
	maps_read(&before);
	CHECK(!sigaction(SIGALRM, &action, NULL), "%s", strerror(errno));
	CHECK(!setitimer(ITIMER_REAL, &often, NULL), "%s", strerror(errno));
	while (signals < SIGNALS) {
		char *got = map(NULL, SIZE, PROT_READ, MAP_SHARED, device, MOCK_REGION(2));

		CHECK(got != MAP_FAILED, "%s", strerror(errno));
		check_congruent(got, MOCK_REGION(2), SIZE);
		check_unmaps(got, SIZE);
		device_ask(device);
	}
	CHECK(!setitimer(ITIMER_REAL, &never, NULL), "%s", strerror(errno));
	maps_check_unchanged(&before);
}

/* chroot DIRECTORY: leaves /proc behind; only a device that has answered is known then */
static void chroots(char **args)
{
	int unasked = device_open();

	device = device_open_asked();
	if (chroot(args[0]) && (unshare(CLONE_NEWUSER) || chroot(args[0])))
		SKIP("neither chroot nor a user namespace is allowed here: %s", strerror(errno));
	CHECK(access("/proc/self", F_OK), "the chroot has a /proc");
	map_region_2();
	device_arrange(unasked, MOCK_REGION(2), SIZE, page_size());
	CHECK_EQUAL(device_distance(map(NULL, SIZE, PROT_READ, MAP_SHARED, unasked, MOCK_REGION(2)),
				    MOCK_REGION(2)),
		    page_size());
}

/* A device whose number and file another program handed over. */
static void inherited(char **args)
{
	CHECK(dup2(device_open(), 200) == 200, "%s", strerror(errno));
	execl("/proc/self/exe", "scenarios", "use-inherited", (char *)NULL);
	CHECK(false, "%s", strerror(errno));
}

static void use_inherited(char **args)
{
	device = 200;
	map_region_2();
}

static void starts(char **args)
{
	CHECK_EQUAL(first_errno, 0);
}

const struct scenario process_scenarios[] = {
	{ "starts", starts },
	{ "fork", forks },
	{ "threads", threads },
	{ "in-a-handler", in_a_handler },
	{ "chroot", chroots },
	{ "inherited", inherited },
	{ "use-inherited", use_inherited },
	{ 0 },
};
