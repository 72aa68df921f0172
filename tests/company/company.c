// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * company [MODE ARGUMENT]: a program of some life, to be run among allocators, sanitizers and
 * other preloads. What it prints is the same in any company but for the last line, which says
 * how far past congruent addresses its mappings of a device are.
 *
 *   plugin FILE     maps from a plugin, too
 *   deepbind FILE   from one that looks into its own libraries first
 *   confined DIR    when it has changed its root to DIR, its directory and its user
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#ifndef STATIC
#include <dlfcn.h>
#endif

#include "check.h"
#include "device.h"

#define STEP ((size_t)64 << 10) /* a multiple of every page size */
#define THREADS 4
#define NOBODY 65534

/* Congruent by chance all at once they are never: their offsets differ. */
static const struct range {
	off_t offset;
	size_t length;
} ranges[] = {
	{ MOCK_REGION(2), 4 * GIB },
	{ MOCK_REGION(2) + (off_t)(MIB + STEP), 3 * GIB },
	{ MOCK_REGION(0) + (off_t)STEP, 15 * MIB },
	{ MOCK_REGION(4) + (off_t)(3 * GIB - STEP), 2 * GIB },
};

typedef void *(*map_function)(int fd, off_t offset, size_t length);

static int device = -1;
static char distances[1024];

static void note(const char *kind, const void *address, const struct range *range)
{
	uint64_t huge = device_huge_page(range->offset, range->length);
	char word[64];

	if (!huge)
		return;
	snprintf(word, sizeof(word), " %s0x%" PRIx64, kind,
		 device_distance(address, range->offset) % huge);
	strcat(distances, word);
}

static void *map(int fd, off_t offset, size_t length)
{
	return mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
}

static void use(char *start, const struct range *range)
{
	static char token = 'a';
	char byte = 0;

	CHECK(start != MAP_FAILED, "%s", strerror(errno));
	start[range->length - 1] = ++token;
	CHECK_EQUAL(pread(device, &byte, 1, range->offset + (off_t)range->length - 1), 1);
	CHECK_EQUAL(byte, token);
}

/* A program that no preload reaches has no device that answers. */
static void open_device(void)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int err = errno;

	device = device_open();
	if (!ioctl(device, VFIO_DEVICE_GET_INFO, &info))
		device_ask(device);
	errno = err;
}

__attribute__((constructor)) static void map_in_constructor(void)
{
	void *got;

	open_device();
	got = map(device, ranges[0].offset, ranges[0].length);
	use(got, &ranges[0]);
	note("", got, &ranges[0]);
}

static void map_ranges(map_function how, const char *kind)
{
	char *got[COUNT(ranges)];

	for (size_t i = 0; i < COUNT(ranges); i++) {
		errno = 77;
		got[i] = how(device, ranges[i].offset, ranges[i].length);
		use(got[i], &ranges[i]);
		CHECK_EQUAL(errno, 77);
		note(kind, got[i], &ranges[i]);
	}
	for (size_t i = 0; i < COUNT(ranges); i++)
		CHECK(!munmap(got[i], ranges[i].length), "%s", strerror(errno));
}

/* As DPDK does. */
static void map_into_reservation(void)
{
	const struct range *range = &ranges[0];
	void *room = mmap(NULL, range->length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			  -1, 0);
	void *got;

	CHECK(room != MAP_FAILED, "%s", strerror(errno));
	got = mmap(room, range->length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, device,
		   range->offset);
	CHECK_EQUAL(got, room);
	use(got, range);
	note("", got, range);
	CHECK(!munmap(got, range->length), "%s", strerror(errno));
}

static void map_file(void)
{
	const size_t length = 64 * MIB;
	int fd = memfd_create("file", MFD_CLOEXEC);
	char *got;

	CHECK(fd >= 0 && !ftruncate(fd, (off_t)length), "%s", strerror(errno));
	got = map(fd, 0, length);
	CHECK(got != MAP_FAILED, "%s", strerror(errno));
	got[length - 1] = 'f';
	CHECK(map(fd, (off_t)length + 1, length) == MAP_FAILED, "mapped at half a page");
	printf("file: %s\n", strerror(errno));
	CHECK(!munmap(got, length) && !close(fd), "%s", strerror(errno));
}

/* Small and large blocks, some of which grow. */
static void *allocate(void *arg)
{
	const size_t id = (uintptr_t)arg;
	size_t sum = 0;

	for (size_t i = 0; i < 100; i++) {
		const size_t length = i % 10 ? 100 * i + id : MIB + i * STEP;
		char *block = malloc(length), *larger;

		CHECK(block, "no memory");
		memset(block, (int)i, length);
		larger = realloc(block, 2 * length);
		CHECK(larger, "no memory");
		sum += (size_t)larger[0] + (size_t)larger[length - 1];
		free(larger);
	}
	return (void *)sum;
}

static void use_memory(void)
{
	pthread_t threads[THREADS];
	size_t sum = 0;
	void *one;

	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, allocate, (void *)i), "no thread");
	for (int i = 0; i < THREADS; i++) {
		CHECK(!pthread_join(threads[i], &one), "no thread");
		sum += (size_t)one;
	}
	printf("memory: %zu\n", sum);
}

static void fork_child(void)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0, "%s", strerror(errno));
	if (!pid) {
		use(map(device, ranges[1].offset, ranges[1].length), &ranges[1]);
		_exit(7);
	}
	CHECK_EQUAL(waitpid(pid, &status, 0), pid);
	printf("child: %d\n", WEXITSTATUS(status));
}

static void map_from_plugin(const char *mode, const char *file)
{
#ifndef STATIC
	int flags = RTLD_NOW;
	void *plugin;
	map_function how;

#ifdef RTLD_DEEPBIND
	if (!strcmp(mode, "deepbind"))
		flags |= RTLD_DEEPBIND;
#endif
	plugin = dlopen(file, flags);
	CHECK(plugin, "%s", dlerror());
	how = (map_function)dlsym(plugin, "plugin_map");
	/* The library has none: that it can be opened, and closed, is enough. */
	if (how)
		map_ranges(how, "plugin:");
	CHECK(!dlclose(plugin), "%s", dlerror());
#else
	CHECK(false, "%s %s: this is a static program", mode, file);
#endif
}

/* Without privileges, a user namespace changes the user and allows to change the root. */
static void confine(const char *directory)
{
	if (geteuid() && unshare(CLONE_NEWUSER))
		SKIP("neither root nor a user namespace is allowed here: %s", strerror(errno));
	CHECK(!chdir(directory) && !chroot(directory), "%s: %s", directory, strerror(errno));
	if (!geteuid())
		CHECK(!setgid(NOBODY) && !setuid(NOBODY), "%s", strerror(errno));
}

static void map_dma(void)
{
	struct vfio_iommu_type1_dma_map dma = { .argsz = sizeof(dma), .size = ranges[3].length };
	char *got = map(device, ranges[3].offset, ranges[3].length);

	use(got, &ranges[3]);
	dma.vaddr = (uintptr_t)got;
	CHECK(!ioctl(device, VFIO_IOMMU_MAP_DMA, &dma), "%s", strerror(errno));
	CHECK(!munmap(got, ranges[3].length), "%s", strerror(errno));
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "confined")) {
		confine(argv[2]);
		map_dma();
	} else if (argc > 2) {
		map_from_plugin(argv[1], argv[2]);
	}
	use_memory();
	map_file();
	map_ranges(map, "");
	map_into_reservation();
	fflush(stdout);
	fork_child();
	printf("distances:%s\n", distances);
	return 0;
}
